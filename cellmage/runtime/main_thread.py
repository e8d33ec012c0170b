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
        self._is_running = self._is_stopped = self._is_struck = False
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
                is_well, value = await self._over
        finally:
            self._stop()
        if is_well:
            return value
        raise value

    def _stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._is_running:
                interrupt_main()

    # On the thread that runs it.

    def run(self) -> None:
        """Run the function; what stops it from outside ends here, what the user does is raised."""
        on_main = is_main()
        with handler(self._struck) if on_main else nullcontext() as self._usual:
            try:
                with self._running():
                    self._tell(self._begun, None)
                    outcome = (True, self._function())
            except KeyboardInterrupt:
                if on_main and not self._is_stopped:
                    raise
                outcome = (False, RuntimeError("KeyboardInterrupt"))
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                outcome = (False, error)
            except BaseException as error:  # noqa: BLE001 - else the wait for it would never end
                outcome = (False, RuntimeError(f"{type(error).__name__}: {error}"))
            self._tell(self._over, outcome)
            if self._is_struck:  # the function has gone on, but the user means the answer, too
                raise KeyboardInterrupt

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
            self._is_struck = True
            if callable(self._usual):
                self._usual(number, frame)
        elif self._is_running:
            raise KeyboardInterrupt

    def _tell(self, future: asyncio.Future[Any], value: Any) -> None:
        def settle() -> None:
            if not future.done():  # else nobody waits any more
                future.set_result(value)

        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(settle)
