"""Interrupts: held back, let through once, and sent."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


def interrupt_main() -> None:
    """Interrupt the main thread, as the user would."""
    # A signal to the thread wakes it from a wait; on Windows it is seen when the wait is over.
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def is_main() -> bool:
    """Whether this is the thread that takes interrupts."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def interrupts_held() -> Generator[None]:
    """Let what must not be cut in half end first; an interrupt is raised after it.

    While a KeyboardInterrupt is already on its way, a further one adds nothing and is dropped.
    Only the main thread takes interrupts; elsewhere this does nothing.
    """
    if not is_main():
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    with handler(lambda number, frame: held.append((number, frame))) as previous:
        yield
    if held and callable(previous) and not isinstance(sys.exception(), KeyboardInterrupt):
        previous(*held[0])


@contextmanager
def one_interrupt() -> Generator[None]:
    """Let only the first interrupt through: a second must not cut short what the first began."""
    if not is_main():
        yield
        return
    seen = False

    def first(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if not seen and callable(previous):
            seen = True
            previous(number, frame)

    with handler(first) as previous:
        yield


class Latch:
    """Set once, and waited for where interrupts strike.

    An interrupt in `threading.Event`, which is written in Python, may leave its lock taken: the
    thread that sets it would then wait for ever. Here there is nothing but one lock of the system.
    """

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self.is_set = False

    def set(self) -> None:
        """Let all go on that wait, now and later."""
        if not self.is_set:
            self.is_set = True
            self._gate.release()

    def wait(self, seconds: float) -> None:
        """Wait until it is set, so many seconds at most."""
        if not self.is_set and self._gate.acquire(timeout=seconds):
            self._gate.release()


Handler = Callable[[int, FrameType | None], object]


@contextmanager
def handler(function: Handler) -> Generator[Handler | int | None]:
    """Another handler for SIGINT for a while; gives the one that it stands in for."""
    previous = signal.signal(signal.SIGINT, function)
    try:
        yield previous
    finally:
        if previous is not None:  # None: it was not set from Python, and cannot be set again
            signal.signal(signal.SIGINT, previous)
