"""Time limits on waiting for words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..errors import StalledError
from ..events import Event, Fallback, Reasoning, Status, Token

FIRST_WORD = 120.0
IDLE = 60.0
"""Seconds to wait for the first word, and between two pieces, where the options set nothing."""


async def clocks(
    events: AsyncGenerator[Event, None], *, first_word: float, idle: float
) -> AsyncGenerator[Event, None]:
    """Pass events on, and raise `StalledError` when a piece of the answer is too long in coming.

    Only waiting counts, never the time that the reader takes; and only waiting for content, since
    keep-alive comments would defeat a limit on bytes.
    """
    left, limit, name, flag = first_word, first_word, "no word came", "--timeout"
    async with aclosing(events):
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(left) as scope:
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not scope.expired():
                    raise
                break
            left -= time.monotonic() - began
            if isinstance(event, Token | Reasoning):
                left, limit, name, flag = idle, idle, "nothing more came", "--idle-timeout"
            elif isinstance(event, Status | Fallback):
                left = limit  # somebody else waits, and says so
            yield event
    raise StalledError(f"{name} within {limit:g} s; %llm_config {flag} SECONDS allows more")
