"""Run a function on the consumer's thread for an asyncio task, and await its result.

Two threads take part. Each of the three flags has one writer: the loop's thread writes
`_is_cancelled`, the consumer's thread writes `_is_interruptible` and `_was_interrupted`. They are
not one state of an enum: it would have two writers, and the handler of SIGINT, which runs on the
consumer's thread at any moment, cannot take a lock that this thread may hold.

===========================  =======================  ==========================================
what happens                 on the loop's thread     on the consumer's thread
===========================  =======================  ==========================================
the task awaits the result   `result` waits for       the call is in the queue
                             `_started`
the consumer takes the call                           `run` sets `_is_interruptible` (on the main
                                                      thread), resolves `_started`, calls
the function returns         `result` returns         resolves `_outcome`
the time is over, or the     `_cancel` sets           an interrupt is raised in the function on
task is cancelled            `_is_cancelled`, and     the main thread; another thread finishes
                             interrupts a function    its function, and nobody awaits the result
                             that is interruptible
the interrupt arrives late                            `_is_interruptible` is False: it is dropped
the user interrupts                                   the usual handler runs; the function may
                                                      catch it, `run` raises it once more
===========================  =======================  ==========================================

The flags on the main thread, as states:

===========  =============  ================  ==================================================
state        is_cancelled   is_interruptible  an interrupt (SIGINT)
===========  =============  ================  ==================================================
queued       False          False             is the user's: passed on, and raised again by `run`
running      False          True              is the user's: passed on, and raised again by `run`
cancelling   True           True              raises KeyboardInterrupt in the function
over         True           False             is dropped
===========  =============  ================  ==================================================

queued -> running (`_running`) -> over (`_cancel` after the result), or running -> cancelling
(`_cancel` before it) -> over (the function is left), or queued -> over: the function never runs.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any

from .interrupts import Handler, interrupt_main_thread, on_main_thread, sigint_handler


class ConsumerCall:
    """A function that the consumer's thread runs for a task of the running loop.

    A task that stops waiting cancels the function: on the main thread an interrupt is raised in
    it; on another thread it runs to its end.

    Args:
        function: takes no arguments.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._outcome: asyncio.Future[tuple[bool, Any]] = self._loop.create_future()
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._is_interruptible = False
        self._was_interrupted = False
        self._previous_handler: Handler | int | None = signal.default_int_handler

    # On the loop's thread.

    async def result(self, seconds: float | None = None) -> Any:
        """Return what the function returns, or raise what it raises.

        Args:
            seconds: the longest time of the function, from its start; None for no limit.

        Raises:
            TimeoutError: the function took longer, and was cancelled.
        """
        try:
            await self._started
            async with asyncio.timeout(seconds):
                has_succeeded, value = await self._outcome
        finally:
            self._cancel()
        if has_succeeded:
            return value
        raise value

    def _cancel(self) -> None:
        with self._lock:  # so that the function cannot start or end before the interrupt is sent
            self._is_cancelled = True
            if self._is_interruptible:
                interrupt_main_thread()

    # On the consumer's thread.

    def run(self) -> None:
        """Run the function and resolve its outcome.

        Raises:
            KeyboardInterrupt: the user interrupted, even if the function caught it.
        """
        is_main = on_main_thread()
        with sigint_handler(self._on_sigint) if is_main else nullcontext() as previous:
            self._previous_handler = previous
            outcome = self._call(is_main)
            self._resolve(self._outcome, outcome)
            if self._was_interrupted:  # the function caught it, but the user means the answer, too
                raise KeyboardInterrupt

    def _call(self, is_main: bool) -> tuple[bool, Any]:
        try:
            with self._running(is_main):
                self._resolve(self._started, None)
                return True, self._function()
        except KeyboardInterrupt:
            if is_main and not self._is_cancelled:
                raise
            # Not itself: a KeyboardInterrupt that a task raises ends the loop and its thread.
            return False, RuntimeError("KeyboardInterrupt")
        except Exception as error:  # noqa: BLE001 - raised by `result`
            return False, error
        except BaseException as error:  # noqa: BLE001 - else `result` would wait for ever
            return False, RuntimeError(f"{type(error).__name__}: {error}")

    @contextmanager
    def _running(self, is_main: bool) -> Generator[None]:
        with self._lock:
            if self._is_cancelled:
                raise KeyboardInterrupt
            self._is_interruptible = is_main
        try:
            yield
        finally:
            self._is_interruptible = False
            # `_cancel` may hold the lock while it sends an interrupt. That must arrive before the
            # handler of this call is replaced.
            with self._lock:
                pass

    def _on_sigint(self, number: int, frame: FrameType | None) -> None:
        """Handle an interrupt of the user, or of `_cancel`, which may arrive too late."""
        if not self._is_cancelled:
            self._was_interrupted = True
            if callable(self._previous_handler):
                self._previous_handler(number, frame)
        elif self._is_interruptible:
            raise KeyboardInterrupt

    def _resolve(self, future: asyncio.Future[Any], value: Any) -> None:
        def set_result() -> None:
            if not future.done():  # done: the task was cancelled, and nobody waits
                future.set_result(value)

        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(set_result)
