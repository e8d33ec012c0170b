"""Time limits on waiting for text."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple, Self

from ..errors import Kind, ResponseTimeoutError
from ..events import Event, Fallback, Reasoning, Status, Token
from ..messages import Request
from ..options import Options
from .base import Ask

FIRST_TOKEN_SECONDS = 120.0
"""The limit for the first token, where the options set none."""

IDLE_SECONDS = 60.0
"""The limit between two pieces of the text, where the options set none."""


class _Limit(NamedTuple):
    """A limit in seconds, the option that sets it, and the kind and beginning of its error."""

    seconds: float
    option: str
    kind: Kind
    problem: str

    def error(self) -> ResponseTimeoutError:
        return ResponseTimeoutError(
            f"{self.problem} within {self.seconds:g} s; `{self.option}` allows more",
            kind=self.kind,
            option=self.option,
        )


def _read_limits(options: Options) -> tuple[_Limit, _Limit]:
    """Return the limit for the first token, and the one for each further token."""
    first_seconds = options.timeout or FIRST_TOKEN_SECONDS
    idle_seconds = options.idle_timeout or IDLE_SECONDS
    return (
        _Limit(first_seconds, "timeout", "timeout_first_token", "no text arrived"),
        _Limit(idle_seconds, "idle_timeout", "stalled", "no further text arrived"),
    )


async def enforce_timeouts(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events, or fail when the next piece of the text takes too long.

    Only the time that is spent waiting counts, never the time that the consumer takes; and only
    content ends a wait, since keep-alive comments would defeat a limit on bytes.

    Raises:
        ResponseTimeoutError: no text arrived within ``options.timeout`` or
            ``options.idle_timeout`` seconds.
    """
    limit, idle = _read_limits(request.options)
    remaining = limit.seconds
    async with aclosing(ask(request)) as events, _Deadline() as deadline:
        while True:
            started_at = time.monotonic()
            try:
                with deadline.after(remaining):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not deadline.has_expired():
                    raise
                break
            remaining -= time.monotonic() - started_at
            if isinstance(event, Token | Reasoning):
                limit, remaining = idle, idle.seconds
            elif isinstance(event, Status | Fallback):
                remaining = limit.seconds  # a retry or a tool call waits, and the status says so
            yield event
    raise limit.error()


class _Deadline:
    """Cancels a wait that takes too long, with one timer for many waits.

    `asyncio.timeout` makes a timer for each wait: that was 9 of the 10 microseconds that the stages
    cost for a chunk.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = math.inf
        self._has_cancelled = False

    def after(self, seconds: float) -> Self:
        """Set the deadline of one wait, for a ``with`` block around it."""
        self._task = asyncio.current_task()
        self._expires_at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._expires_at:
            self._schedule()
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def __enter__(self) -> None: ...

    def __exit__(self, *exc: object) -> None:
        self._expires_at = math.inf

    def has_expired(self) -> bool:
        """Return whether this deadline, and nothing else, cancelled the wait."""
        return self._has_cancelled and self._task is not None and self._task.uncancel() == 0

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._expires_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._expires_at == math.inf or self._task is None:
            return  # no wait is running; the next one schedules the timer
        if self._loop.time() < self._expires_at:
            self._schedule()
        else:
            self._has_cancelled = True
            self._task.cancel()
