"""The cost of the twin: `make bench`, or this module with `python -m`. GIGABYTES=1 for less memory.

Measured in a real kernel with a large frame of pandas in its namespace.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.kernel.client import Kernel

from .table import at_most, line, missed

GIGABYTES = float(os.environ.get("GIGABYTES", "4"))
RUNS = 15

SETUP = f"""
import gc, os, time
import numpy as np, pandas as pd
from cellmage import twin
rows = int({GIGABYTES} * 2**30 / 8 / 10)
big = pd.DataFrame(np.ones((rows, 10)), copy=False)
def memory():
    for text in open('/proc/meminfo'):
        if text.startswith('MemAvailable'):
            return int(text.split()[1]) * 1024
def first_line(code="print('begin'); big.shape"):
    times, lows = [], []
    started = time.perf_counter()
    def note(output):
        times.append(time.perf_counter() - started)
        lows.append(memory())
    before = memory()
    twin.run(code, on_output=note)
    whole = time.perf_counter() - started
    time.sleep(0.3)
    return times[0] * 1000, whole * 1000, before - lows[0], before - memory()
"""


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms"


def percent(value: float) -> str:
    return f"{value:.1f} %"


def measure(kernel: Kernel) -> None:
    assert kernel.run(SETUP).ok
    kernel.run("first_line()")
    runs = [kernel.value("first_line()") for _ in range(RUNS)]
    first, whole, during, after = (statistics.median(column) for column in zip(*runs, strict=True))
    size = GIGABYTES * 2**30
    part = kernel.value("twin.run('big.iloc[: len(big) // 4, :] = 0').memory / 2**30")
    at_most(f"fork to first line, frame of {GIGABYTES:g} GB", first, 150, milliseconds)
    line("  the whole run", milliseconds(whole))
    at_most("additional memory in it", during / size * 100, 5, percent)
    at_most("memory that stays after it", max(after, 0) / size * 100, 1, percent)
    line("memory of a cell that writes a quarter", f"{part:.2f} GB")
    at_most("interrupt until the twin is gone, the longest", interrupt(kernel), 300, milliseconds)


def interrupt(kernel: Kernel) -> float:
    """Return the longest of some times from an interrupt until the twin is gone, and reported so.

    What a cell takes to show its traceback, about as long, is not the twin's.
    """
    code = (
        "try:\n    twin.run('while True: pass', seconds=60)\n"
        "except KeyboardInterrupt:\n    ended = time.monotonic()"
    )
    times = []
    for _ in range(5):
        msg_id = kernel.start(code)
        time.sleep(0.7)
        started = time.monotonic()
        kernel.interrupt()
        kernel.finish(msg_id)
        times.append((kernel.value("ended") - started) * 1000)
    return max(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        kernel = Kernel(Path(home))
        try:
            measure(kernel)
        finally:
            kernel.close()
    print(json.dumps({"missed": missed}) if missed else "nothing missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
