"""Functions that one thread runs for a task on another's loop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any

from .interrupts import Handler, handler, interrupt_main, is_main


class Job:
    """A function that another thread runs for a task on the running loop.

    Leaving the wait for it stops it: an interrupt is raised in it where the main thread runs it;
    another thread is left to itself.

    Args:
        function: takes nothing.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._over: asyncio.Future[Any] = self._loop.create_future()
        self._lock = threading.Lock()
        self._is_running = self._is_stopped = False
        self._usual: Handler | int | None = signal.default_int_handler

    # On the loop.

    async def result(self, seconds: float | None = None) -> Any:
        """What the function returns, when it has.

        Args:
            seconds: how long it may take, from when it begins.

        Raises:
            TimeoutError: it took longer, and was stopped.
        """
        try:
            await self._begun
            async with asyncio.timeout(seconds):
                return await self._over
        finally:
            self._stop()

    def _stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._is_running:
                interrupt_main()

    # On the thread that runs it.

    def run(self) -> None:
        """Run the function; what stops it from outside ends here, what the user does is raised."""
        with handler(self._struck) if is_main() else nullcontext() as self._usual:
            try:
                with self._running():
                    self._tell(self._begun.set_result, None)
                    value = self._function()
                self._tell(self._over.set_result, value)
            except KeyboardInterrupt:
                if not self._is_stopped:
                    raise
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                self._tell(self._over.set_exception, error)

    @contextmanager
    def _running(self) -> Generator[None]:
        with self._lock:
            if self._is_stopped:
                raise KeyboardInterrupt
            self._is_running = is_main()
        try:
            yield
        finally:
            self._is_running = False
            with self._lock:  # an interrupt that is being sent comes before the handler goes
                pass

    def _struck(self, number: int, frame: FrameType | None) -> None:
        """An interrupt: from `_stop`, which may come too late, or from the user."""
        if not self._is_stopped:
            if callable(self._usual):
                self._usual(number, frame)
        elif self._is_running:
            raise KeyboardInterrupt

    def _tell(self, settle: Callable[[Any], None], value: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._settle, settle, value)

    def _settle(self, settle: Callable[[Any], None], value: Any) -> None:
        with suppress(asyncio.InvalidStateError):  # nobody waits any more
            settle(value)
