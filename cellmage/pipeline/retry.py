"""Asking again: only before the first word, only where it may help, and never unseen."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..errors import ProviderError
from ..events import BEGUN, Event, Start, Status

RETRIES = 2
LONGEST = 60.0
"""Seconds that a server may make us wait; one that asks for more is not asked again."""

SECOND = 1.0
"""How long a second of waiting lasts."""

_FIRST_WAIT = 0.5


async def retrying(
    attempt: Callable[[], AsyncGenerator[Event, None]],
) -> AsyncGenerator[Event, None]:
    """The events of the first attempt that gets as far as a word.

    Between two attempts a `Status` counts the seconds down.

    Args:
        attempt: asks, anew on every call.

    Raises:
        ProviderError: that of the last attempt.
    """
    for number in range(RETRIES + 1):
        has_word, wait, reason = False, 0.0, ""
        async with aclosing(attempt()) as events:
            try:
                async for event in events:
                    has_word = has_word or isinstance(event, BEGUN)
                    if not (number and isinstance(event, Start)):
                        yield event
                return
            except ProviderError as error:
                if has_word or not _is_worth(error, number):
                    raise
                wait, reason = _wait(error, number), error.short
        async with aclosing(_countdown(wait, f"{reason}; asking again")) as seconds:
            async for status in seconds:
                yield status


def _is_worth(error: ProviderError, number: int) -> bool:
    """Whether asking again may help."""
    return number < error.retries and (error.retry_after or 0) <= LONGEST


def _wait(error: ProviderError, number: int) -> float:
    """Seconds to wait: what the server asks for, else twice as long as before, give or take."""
    if error.retry_after is not None:
        return error.retry_after
    return _FIRST_WAIT * float(2**number) * random.uniform(0.75, 1.25)


async def _countdown(wait: float, what: str) -> AsyncGenerator[Event, None]:
    for left in range(math.ceil(wait), 0, -1):
        yield Status(f"{what} in {left} s")
        await asyncio.sleep((wait - left + 1 if left == math.ceil(wait) else 1) * SECOND)
    yield Status("")
