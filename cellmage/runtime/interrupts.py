"""Interrupts (SIGINT, the stop button of a notebook): deferred, let through once, and sent.

Python runs signal handlers on the main thread only. Elsewhere these functions change nothing.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


def interrupt_main_thread() -> None:
    """Interrupt the main thread, as the user does."""
    # A signal to the thread wakes it from a wait; on Windows it is seen when the wait is over.
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def on_main_thread() -> bool:
    """Return whether this is the main thread, which takes the interrupts."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def defer_interrupts() -> Generator[None]:
    """Finish the block first, and raise an interrupt after it.

    If a KeyboardInterrupt is already being raised, a further one adds nothing and is dropped.
    """
    if not on_main_thread():
        yield
        return
    deferred: list[tuple[int, FrameType | None]] = []
    with sigint_handler(lambda number, frame: deferred.append((number, frame))) as previous:
        yield
    if deferred and callable(previous) and not isinstance(sys.exception(), KeyboardInterrupt):
        previous(*deferred[0])


@contextmanager
def first_interrupt_only() -> Generator[None]:
    """Let only the first interrupt through: a second must not cut short what the first started."""
    if not on_main_thread():
        yield
        return
    is_first = True

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal is_first
        if is_first and callable(previous):
            is_first = False
            previous(number, frame)

    with sigint_handler(handle) as previous:
        yield


class InterruptSafeEvent:
    """An event that is set once, for waits that an interrupt may leave at any moment.

    `threading.Event` is written in Python. An interrupt inside its wait may leave its lock taken,
    and the thread that sets the event would then wait for ever. This class has one lock of the
    operating system, and nothing else.

    Example:
        >>> event = InterruptSafeEvent()
        >>> event.wait(0.001); event.is_set
        False
        >>> event.set(); event.wait(10); event.is_set
        True
    """

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self.is_set = False

    def set(self) -> None:
        """Release all waits, now and later."""
        if not self.is_set:
            self.is_set = True
            self._gate.release()

    def wait(self, seconds: float) -> None:
        """Wait until the event is set, at most so many seconds."""
        if not self.is_set and self._gate.acquire(timeout=seconds):
            self._gate.release()


@contextmanager
def sigint_handler(handler: Handler) -> Generator[Handler | int | None]:
    """Replace the handler of SIGINT in the block, and yield the one before.

    Args:
        handler: is called with the number of the signal and the interrupted frame.
    """
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield previous
    finally:
        if previous is not None:  # None: it was not set from Python, and cannot be set again
            signal.signal(signal.SIGINT, previous)
