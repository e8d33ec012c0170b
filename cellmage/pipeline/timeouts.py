"""Time limits on waiting for words."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self

from ..errors import ResponseTimeoutError
from ..events import Event, Fallback, Reasoning, Status, Token

FIRST_WORD = 120.0
IDLE = 60.0
"""Seconds to wait for the first word, and between two pieces, where the options set nothing."""


async def clocks(
    events: AsyncGenerator[Event, None], *, first_word: float, idle: float
) -> AsyncGenerator[Event, None]:
    """Pass events on, and raise `ResponseTimeoutError` when a piece of the answer is too long in coming.

    Only waiting counts, never the time that the reader takes; and only waiting for content, since
    keep-alive comments would defeat a limit on bytes.
    """
    left, limit, name, flag = first_word, first_word, "no word came", "--timeout"
    async with aclosing(events), _Watch() as watch:
        while True:
            began = time.monotonic()
            try:
                with watch.during(left):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not watch.has_stopped_us():
                    raise
                break
            left -= time.monotonic() - began
            if isinstance(event, Token | Reasoning):
                left, limit, name, flag = idle, idle, "nothing more came", "--idle-timeout"
            elif isinstance(event, Status | Fallback):
                left = limit  # somebody else waits, and says so
            yield event
    raise ResponseTimeoutError(f"{name} within {limit:g} s; %llm_config {flag} SECONDS allows more")


class _Watch:
    """Cancels a wait that takes too long, with one timer for many waits.

    `asyncio.timeout` makes a timer for each: 9 of the 10 microseconds that the stages cost a chunk.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = math.inf
        self._has_rung = False

    def during(self, seconds: float) -> Self:
        """For a ``with`` block around one wait."""
        self._task = asyncio.current_task()
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def __enter__(self) -> None: ...

    def __exit__(self, *exc: object) -> None:
        self._deadline = math.inf

    def has_stopped_us(self) -> bool:
        """Whether it was this watch that cancelled the wait, and nobody else did, too."""
        return self._has_rung and self._task is not None and self._task.uncancel() == 0

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._deadline == math.inf or self._task is None:
            return  # nobody waits; the next wait arms it
        if self._loop.time() < self._deadline:
            self._arm()
        else:
            self._has_rung = True
            self._task.cancel()
