"""The background event loop of this process, and the heartbeat of the user's own loop.

==============  =======================================================  =======================
state           event                                                    next state
==============  =======================================================  =======================
not started     `background_loop` is called, on any thread               running
running         the process forks: the child has the loop, no thread     not started, in the child
running         the process ends: a daemon thread holds up nothing       gone
running         `LoopWatch`: code on the loop waits without ``await``    not started, here
==============  =======================================================  =======================
"""

from __future__ import annotations

import asyncio
import os
import threading

from ..errors import ResponseTimeoutError, UsageError
from .interrupts import defer_interrupts


class _LoopThread:
    """The loop and its thread, which start at the first use, and again in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop."""
        # `Thread.start` waits until the new thread has set an Event. An interrupt in that wait
        # could leave the lock of the Event taken, and the new thread would wait for it.
        with defer_interrupts(), self._lock:
            if self._loop is None or not (self._thread and self._thread.is_alive()):
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="cellmage-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def is_current(self) -> bool:
        """Return whether the caller runs on the loop's thread."""
        return self._thread is threading.current_thread()

    def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Leave a loop that is blocked to itself; the next caller of `loop` gets a new one."""
        with defer_interrupts(), self._lock:
            if self._loop is loop:
                self._loop = None  # not stopped: its tasks end when it is no longer blocked

    def reset_after_fork(self) -> None:
        """Forget the loop and its thread: threads do not survive a fork."""
        self.__init__()  # type: ignore[misc]  # also a new lock: the old one may be taken for ever


_loop_thread = _LoopThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop_thread.reset_after_fork)


def background_loop() -> asyncio.AbstractEventLoop:
    """Return the one background event loop of this process; it runs on a daemon thread."""
    return _loop_thread.loop()


def on_loop_thread() -> bool:
    """Return whether this is the thread of the background loop, which must never wait for it."""
    return _loop_thread.is_current()


class LoopWatch:
    """Notices that the background loop is blocked or lost, for a thread that waits for it.

    Args:
        loop: the loop.
        seconds: how long it may be blocked.

    Example:
        >>> watch = LoopWatch(background_loop(), 60)
        >>> watch.count_wait(0.1)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._limit = seconds
        self._pid = os.getpid()
        self._has_answered = True
        self._silence = 0.0

    @property
    def is_forked(self) -> bool:
        """True in a process that was forked since: the loop's thread is not in it."""
        return os.getpid() != self._pid

    def _answer(self) -> None:
        self._has_answered = True

    def count_wait(self, seconds: float) -> None:
        """Count a wait in vain; not the time of a clock, which goes on while a process is paused.

        Raises:
            UsageError: this process was forked since, and nothing would ever arrive.
            ResponseTimeoutError: the loop has been blocked for too long; it is replaced.
        """
        if self.is_forked:
            raise UsageError(
                "this answer is read by the process that asked for it; ask anew in a forked one"
            )
        if self._has_answered:
            self._has_answered, self._silence = False, 0.0
            self._loop.call_soon_threadsafe(self._answer)
        self._silence += seconds
        if self._silence > self._limit:
            self.leave()
            raise ResponseTimeoutError(
                f"no text arrived within {self._limit:g} s, because a provider (or other code on "
                "cellmage's event loop) waits without 'await' and blocks all answers; use 'await'",
                kind="stalled",
            )

    def leave(self) -> None:
        """Replace the loop; its tasks end as soon as nothing blocks it."""
        _loop_thread.leave(self._loop)


def check_event_loop() -> None:
    """Refuse an event loop that is not asyncio's.

    Raises:
        UsageError: asyncio runs nothing on this thread; trio, for example, has a loop of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(
            "'async for', 'async with' and 'await' need asyncio here, and no asyncio event loop "
            "runs; in trio and the like, read with 'for' on a thread of its own"
        ) from None


_HEARTBEAT_SECONDS = 0.1
"""The time between two wake-ups: an interrupt at a top-level ``await`` is seen within it."""


class Heartbeat:
    """A timer that wakes the running loop, so that an interrupt at a top-level ``await`` is seen.

    A handler of SIGINT runs between two steps of Python code, and a loop that waits for its sockets
    runs none. Measured in ipykernel 7 on a silent stream: 11 s without it, 0.12 s with it.
    A timer, not a task: a loop that is closed while it waits says nothing about a timer.
    """

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._beat()

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()

    def _beat(self) -> None:
        self._timer = self._loop.call_later(_HEARTBEAT_SECONDS, self._beat)
