"""Interrupts (SIGINT, the stop button of a notebook): deferred, let through once, and sent.

Python runs signal handlers on the main thread only. On another thread `defer_interrupts` and
`first_interrupt_only` change nothing, and `sigint_handler` raises ValueError.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]
"""A handler as `signal.signal` takes it: the number of the signal, and the interrupted frame."""


def interrupt_main_thread() -> None:
    """Send SIGINT to the main thread, as the user does, from any thread."""
    # `pthread_kill` wakes the thread from a wait in the system. Windows lacks it: there the
    # interrupt is seen when the wait is over.
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

    Raises:
        KeyboardInterrupt: after the block, if an interrupt arrived in it.

    Example:
        >>> try:
        ...     with defer_interrupts():
        ...         interrupt_main_thread()
        ...         print("the block is complete")
        ... except KeyboardInterrupt:
        ...     print("interrupted")
        the block is complete
        interrupted
    """
    if not on_main_thread():
        yield
        return
    deferred: list[tuple[int, FrameType | None]] = []
    with sigint_handler(lambda number, frame: deferred.append((number, frame))) as previous:
        yield
    # Not callable: SIG_IGN or SIG_DFL, or a handler that was not set from Python.
    if deferred and callable(previous) and not isinstance(sys.exception(), KeyboardInterrupt):
        previous(*deferred[0])


@contextmanager
def first_interrupt_only() -> Generator[None]:
    """Pass on the first interrupt of the block, and drop the others.

    A second interrupt must not cut short the cleanup that the first one started.
    """
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


def set_one_line(interrupt: BaseException, size: int) -> None:
    """Replace the traceback that a notebook shows for an interrupt with one line.

    Args:
        interrupt: a KeyboardInterrupt, or the CancelledError that ipykernel makes of one where a
            cell awaits.
        size: characters of the answer that had arrived.

    Example:
        >>> interrupt = KeyboardInterrupt()
        >>> set_one_line(interrupt, 0)
        >>> interrupt._render_traceback_()
        ['KeyboardInterrupt: stopped by you; no text had arrived']
    """
    result = f"{size} characters are kept as a partial answer" if size else "no text had arrived"
    line = f"{type(interrupt).__name__}: stopped by you; {result}"
    # A hook of IPython. Without it a long traceback is made first, which takes up to 1.6 s.
    interrupt._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]


_WAIT_SECONDS = 0.2
"""The longest wait in the system: an interrupt that comes just before one is seen after it."""


class InterruptSafeEvent:
    """An event that is set once, for waits that an interrupt may leave at any moment.

    `threading.Event` is written in Python. An interrupt inside its wait may leave its lock taken,
    and the thread that sets the event would then wait for ever. This class has one lock of the
    operating system, and nothing else.

    One thread sets the event; any number of threads may wait.

    Attributes:
        is_set: True after `set` was called.

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
        """Set the event: all waits end, and later ones do not begin."""
        if not self.is_set:
            self.is_set = True
            self._gate.release()

    def wait(self, seconds: float) -> None:
        """Wait until the event is set, or the time is over.

        Args:
            seconds: the longest wait.
        """
        deadline = time.monotonic() + seconds
        while not self.is_set and (remaining := deadline - time.monotonic()) > 0:
            if self._gate.acquire(timeout=min(remaining, _WAIT_SECONDS)):
                self._gate.release()


@contextmanager
def sigint_handler(handler: Handler) -> Generator[Handler | int | None]:
    """Replace the handler of SIGINT in the block, and yield the previous one.

    Args:
        handler: is called on the main thread, between two steps of its code.

    Raises:
        ValueError: this is not the main thread.
    """
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield previous
    finally:
        if previous is not None:  # None: it was not set from Python, which cannot set it again
            signal.signal(signal.SIGINT, previous)
