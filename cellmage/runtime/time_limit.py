"""Run a function of somebody else for a limited time, on a thread of its own."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from .interrupts import InterruptSafeEvent

T = TypeVar("T")

_ATTEMPTS = 50
_PAUSE_SECONDS = 0.1


class _Abandoned(BaseException):
    """Ends a function whose time is over; not an `Exception`, which the function may catch."""


class _Call(Generic[T]):
    """A function on a thread of its own.

    Args:
        function: takes no arguments.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self.done = InterruptSafeEvent()
        self.value: T
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.value = self._function()
        except BaseException as error:  # noqa: BLE001 - raised on the other thread
            self.error = error
        finally:
            self.done.set()

    def abandon(self) -> None:
        """Raise an exception in the function until it ends; give up if it catches all."""
        for _ in range(_ATTEMPTS):
            if not self.thread.is_alive():
                return
            _raise_in(self.thread.ident or 0)
            time.sleep(_PAUSE_SECONDS)


def run_within(seconds: float, function: Callable[[], T]) -> T:
    """Return what a function returns, or raise what it raises.

    The function runs on another thread. So the caller goes on when the time is over, even if the
    function waits in the system or catches every exception.

    Args:
        seconds: the longest time that is waited.
        function: takes no arguments.

    Raises:
        TimeoutError: the time is over.
        RuntimeError: the function raised what only a `BaseException` is, such as SystemExit.

    Example:
        >>> run_within(1, lambda: 1 + 1)
        2
    """
    call = _Call(function)
    call.thread.start()
    try:
        call.done.wait(seconds)
        is_late = not call.done.is_set
    finally:  # an interrupt of the user leaves the wait
        if not call.done.is_set:
            threading.Thread(target=call.abandon, daemon=True).start()
    if is_late:
        raise TimeoutError(f"it took longer than {seconds:g} s")
    # A thread that drops objects of C++ libraries while the process ends would abort it.
    call.thread.join(_PAUSE_SECONDS)
    if call.error is None:
        return call.value
    if isinstance(call.error, Exception):
        raise call.error
    raise RuntimeError(type(call.error).__name__)


def _raise_in(thread_id: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(_Abandoned)
    )
