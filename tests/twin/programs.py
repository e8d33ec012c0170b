"""Programs that try to leave traces, and what is there to leave them in."""

# ruff: noqa: E501 - a program is a line here
from __future__ import annotations

SETUP = """
import collections, json, logging, math, os, random, signal, sys, tempfile, threading, warnings
import numpy as np, pandas as pd
numbers = [3, 1, 2]
table = pd.DataFrame({"a": range(50), "b": [f"row {n}" for n in range(50)]})
array = np.arange(1000.0)
nested = {"list": [1, [2, 3]], "set": {1, 2}, "deque": collections.deque([1, 2])}
class Thing:
    size = 1
    def grow(self):
        self.size += 1
thing = Thing()
def double(x):
    return 2 * x
opened = tempfile.TemporaryFile("w+")
_ = opened.write("first\\nsecond\\nthird\\n"); opened.flush(); _ = opened.seek(6)
mapped = np.memmap(tempfile.TemporaryFile(), dtype="float64", mode="w+", shape=(100,))
lock = threading.Lock()
random.seed(1); np.random.seed(1)
"""

NASTY = {
    "mutate in place": "numbers.append(4); table['a'] = 0; array[:] = 7; nested['list'][1][0] = 9",
    "mutate a view": "table.loc[0, 'b'] = 'x'; array[::2] *= 3; table.drop(columns='a', inplace=True)",
    "mapped memory": "mapped[:] = 5; mapped.flush(); float(mapped[0])",
    "delete": "del numbers, table, array, thing",
    "patch modules": "json.dumps = None; np.sum = None; pd.DataFrame.head = 3; math.pi = 3",
    "patch a class": "Thing.size = 99; thing.grow(); thing.__class__ = type('Other', (), {})",
    "patch builtins": "import builtins; builtins.len = lambda x: 0; builtins.print = None",
    "remove modules": "sys.modules.clear()",
    "change the path": "sys.path.clear(); sys.argv.append('x'); sys.setrecursionlimit(500)",
    "chdir": "os.chdir('/'); os.umask(0)",
    "environ": "os.environ['TWIN_TEST'] = 'x'; os.environ.pop('HOME', None); os.putenv('A', 'b')",
    "environ cleared": "os.environ.clear()",
    "signal handlers": "[signal.signal(s, lambda *a: None) for s in (signal.SIGINT, signal.SIGTERM)]",
    "alarm": "signal.signal(signal.SIGALRM, lambda *a: 1/0); signal.setitimer(signal.ITIMER_REAL, .01)",
    "atexit": "import atexit; atexit.register(print, 'late')",
    "sys.exit": "sys.exit(3)",
    "exit": "exit()",
    "os._exit": "os._exit(7)",
    "abort": "os.abort()",
    "segmentation fault": "import ctypes; ctypes.string_at(0)",
    "threads": "t = threading.Thread(target=lambda: [0 for _ in iter(int, 1)]); t.start()",
    "daemon threads": "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "held lock": "lock.acquire()",
    "processes": "import multiprocessing as m; p = m.get_context('fork').Process(target=lambda: 1);"
    " p.start(); p.join(); p.exitcode",
    "processes that stay": "pid = os.fork()\nif pid == 0:\n    os.setsid()\n    while True: pass",
    "double fork": "if os.fork() == 0:\n    if os.fork() == 0:\n        os.setsid()\n"
    "        import time; time.sleep(60)\n    os._exit(0)",
    "fork bomb": "for _ in range(5): os.fork()",
    "pool": "import multiprocessing as m; m.get_context('spawn').Pool(2)",
    "asyncio": "import asyncio\nasync def work(): return 5\nawait asyncio.gather(work(), work())",
    "asyncio tasks": "import asyncio; task = asyncio.ensure_future(asyncio.sleep(60)); 1",
    "asyncio.run": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "new loop": "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())",
    "matplotlib": "import matplotlib.pyplot as plt; plt.rcParams['font.size'] = 40; plt.plot([1, 2])",
    "logging": "logging.getLogger().addHandler(logging.StreamHandler()); logging.error('x');"
    " logging.disable(50)",
    "warnings": "warnings.simplefilter('error'); warnings.warn('x')",
    "user_ns.clear": "get_ipython().user_ns.clear()",
    "reset": "%reset -f",
    "recursion": "def down(n): return down(n + 1)\ntry:\n    down(0)\nexcept RecursionError: pass",
    "C recursion": "sys.setrecursionlimit(10**7)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
    "10 GB": "big = np.ones(10 * 2**30 // 8); big += 1",
    "10 GB in pieces": "pieces = []\nwhile True: pieces.append(bytearray(100_000_000))",
    "endless": "while True: pass",
    "endless and deaf": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "flood": "while True: print('x' * 10_000)",
    "kill the parent": "os.kill(os.getppid(), 9)",
    "kill the parent in C": "import ctypes; ctypes.CDLL(None).kill(os.getppid(), 9)",
    "kill all": "os.kill(-1, 9)",
    "kill itself": "os.kill(os.getpid(), 9)",
    "stop itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "descriptors": "for n in range(3, 300):\n    try: os.write(n, b'junk')\n    except OSError: pass",
    "close all": "os.closerange(0, 300)",
    "read a file": "opened.readline()",
    "write a file": "opened.write('changed'); opened.flush()",
    "truncate a file": "opened.truncate(0)",
    "seek a file": "opened.seek(0); os.lseek(opened.fileno(), 3, 0)",
    "new file": "open('twin_was_here.txt', 'w').write('x')",
    "new file by os": "os.close(os.open('twin_was_here.txt', os.O_WRONLY | os.O_CREAT))",
    "new folder": "os.mkdir('twin_was_here')",
    "native file": "table.to_parquet('twin_was_here.parquet')",
    "array file": "np.save('twin_was_here.npy', array); array.tofile('twin_was_here.bin')",
    "C file": "import ctypes; ctypes.CDLL(None).creat(b'twin_was_here.c', 0o644)",
    "move": "os.rename('.', '../moved')",
    "temporary file": "tempfile.NamedTemporaryFile(delete=False).write(b'x'); tempfile.mkdtemp()",
    "shell": "!touch twin_was_here.txt",
    "subprocess": "import subprocess; subprocess.run(['touch', 'twin_was_here.txt'])",
    "bash": "%%bash\ntouch twin_was_here.txt",
    "writefile": "%%writefile twin_was_here.txt\nx",
    "socket": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "random": "random.random(); np.random.rand(); random.seed(99); np.random.seed(99)",
    "history": "get_ipython().execution_count = 999; get_ipython().history_manager.reset()",
    "displays": "from IPython.display import display; h = display(1, display_id=True); h.update(2)",
    "widgets": "import ipywidgets; slider = ipywidgets.IntSlider(); slider.value = 3; slider",
    "comms": "import comm; comm.create_comm(target_name='x').send({'a': 1})",
    "input": "input('?')",
    "session": "k = getattr(get_ipython(), 'kernel', None)\nif k: k.iopub_socket.send(b'junk')",
    "socket of the kernel": "k = getattr(get_ipython(), 'kernel', None)\n"
    "if k: k.iopub_thread.socket.send_multipart([b'stream', b'junk'])",
    "shutdown": "k = getattr(get_ipython(), 'kernel', None)\nif k: k.do_shutdown(False)",
    "gc": "import gc; gc.unfreeze(); gc.collect(); gc.disable()",
    "trace": "sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
    "syntax error": "def (",
    "null": "1\x00",
    "surrogate": "print('\\ud800'); '\\ud800'",
    "bad repr": "class Bad:\n    def __repr__(self): raise SystemExit\nBad()",
    "hostile class": "class Bad:\n    __class__ = property(lambda s: 1/0)\nbad = Bad()",
    "forged message": "import struct\nfor n in range(3, 300):\n    try: os.write(n, b'\\xff' * 64)\n"
    "    except OSError: pass",
    "audit": "sys.addaudithook(lambda *a: None)",
    "limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
}  # fmt: skip
"""The programs by name."""
