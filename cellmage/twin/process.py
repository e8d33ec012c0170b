"""The forked process as its parent sees it: forked, read, and ended with all that it has begun."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..errors import TwinError
from ..fork_locks import hold_all_locks
from ..runtime.interrupts import defer_interrupts

_LOCK_SECONDS = 2.0


class Process:
    """A process that was forked; it leads a group of its own.

    Args:
        pid: its number.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None

    def poll(self) -> bool:
        """Return whether it has ended."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody waits for every child
                pid, status = self.pid, 0
            if pid:
                self.status = status
        return self.status is not None

    def end(self) -> None:
        """Kill it with its group, and wait until it is gone."""
        for kill, target in ((os.killpg, self.pid), (os.kill, self.pid)):
            if self.status is None or kill is os.killpg:
                with suppress(ProcessLookupError, PermissionError):
                    kill(target, signal.SIGKILL)
        while not self.poll():
            time.sleep(0.002)

    def describe_end(self) -> str:
        """Return how it has ended, for a process that has not said it itself."""
        code = os.waitstatus_to_exitcode(self.status or 0)
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"it ended its process with status {code}"


def fork(be_child: Callable[[], None], keep: Callable[[Process], object]) -> Process:
    """Fork this process.

    Args:
        be_child: what the child does; it must not return.
        keep: is called with the process before an interrupt may be raised.

    Raises:
        TwinError: the system refuses.
    """
    _flush()
    with defer_interrupts(), _block_signals():
        pid = _fork()
        if pid == 0:
            be_child()
        process = Process(pid)
        keep(process)
    return process


def _fork() -> int:
    """Fork while no other thread of ours holds a lock."""
    try:
        with hold_all_locks(_LOCK_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads: see limits.py
            return os.fork()
    except TimeoutError:
        problem = "cellmage is at work on another thread"
    except OSError as error:
        problem = f"the system makes no copy of this process ({error.strerror})"
    raise TwinError(f"{problem}; nothing was run, run it again later")


def _flush() -> None:
    """Write what is kept back, which the child would write a second time."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


@contextmanager
def _block_signals() -> Iterator[None]:
    """Let no signal arrive before the child has a group of its own."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
