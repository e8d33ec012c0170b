"""Ask again: only before the first token, only where it may help, and always seen by the user."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from ..errors import ProviderError
from ..events import CONTENT_EVENTS, Event, Start, Status
from ..messages import Request
from .base import Ask

MAX_RETRIES = 2
"""How many times a request is sent again."""

MAX_RETRY_AFTER_SECONDS = 60.0
"""The longest wait that a server may ask for; a server that asks for more is not asked again."""

_FIRST_WAIT_SECONDS = 0.5

sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
"""Waits for a number of seconds; `cellmage.testing.speed_up_retries` replaces it."""


async def retry_request(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of the first attempt that gets as far as a token.

    Between two attempts a `Status` counts the seconds down.

    Raises:
        ProviderError: the last attempt failed.
    """
    for attempt in range(MAX_RETRIES + 1):
        has_content = False
        async with aclosing(ask(request)) as events:
            try:
                async for event in events:
                    has_content = has_content or isinstance(event, CONTENT_EVENTS)
                    if not (attempt and isinstance(event, Start)):
                        yield event
                return
            except ProviderError as error:
                if has_content or not _should_retry(error, attempt):
                    raise
                wait, reason = _wait_seconds(error, attempt), error.short
        async with aclosing(_count_down(wait, f"{reason}; asking again")) as countdown:
            async for status in countdown:
                yield status


def _should_retry(error: ProviderError, attempt: int) -> bool:
    return attempt < error.retries and (error.retry_after or 0) <= MAX_RETRY_AFTER_SECONDS


def _wait_seconds(error: ProviderError, attempt: int) -> float:
    """Return what the server asks for, else an exponential backoff with jitter."""
    if error.retry_after is not None:
        return error.retry_after
    return _FIRST_WAIT_SECONDS * float(2**attempt) * random.uniform(0.75, 1.25)


async def _count_down(seconds: float, message: str) -> AsyncGenerator[Event, None]:
    whole_seconds = math.ceil(seconds)
    for remaining in range(whole_seconds, 0, -1):
        yield Status(f"{message} in {remaining} s")
        # The first step has the fraction, so that the whole wait is as long as it should be.
        await sleep(seconds - whole_seconds + 1 if remaining == whole_seconds else 1)
    yield Status("")
