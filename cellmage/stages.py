"""What happens to events between a provider and a reader."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from .errors import StalledError
from .events import Complete, Event, Notice, Reasoning, Start, Token
from .messages import Response, Timings

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
            yield event
    raise StalledError(f"{name} within {limit:g} s; %llm_config {flag} SECONDS allows more")


def fold(events: Iterable[Event], *, timings: Timings, partial: str | None) -> Response:
    """The answer that these events make.

    Example:
        >>> fold([Token("Hel"), Token("lo")], timings=Timings(None, 0.1), partial=None).text
        'Hello'
    """
    start, end = Start("", ""), Complete()
    text: list[str] = []
    reasoning: list[str] = []
    notices: list[str] = []
    for event in events:
        match event:
            case Token():
                text.append(event.text)
            case Reasoning():
                reasoning.append(event.text)
            case Notice():
                notices.append(event.text)
            case Start():
                start = event
            case Complete():
                end = event
    return Response(
        text="".join(text),
        reasoning="".join(reasoning),
        model=start.model,
        provider=start.provider,
        finish_reason=end.finish_reason,
        usage=end.usage,
        timings=timings,
        partial=partial,
        notices=tuple(notices),
    )
