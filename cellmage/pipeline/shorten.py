"""Ask once more without the oldest turns when a conversation is too long for the model."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..context_window import drop_older_turns
from ..errors import ProviderError
from ..events import CONTENT_EVENTS, Event, Notice, Start
from ..messages import Request
from .base import Ask

_STATUS = re.compile(r"\(HTTP \d+\)")


def _counts_in(error: ProviderError) -> str:
    """Return the message without the numbers that are no counts: those of host and status."""
    return _STATUS.sub("", str(error).replace(error.host or "", ""))


async def retry_shorter(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of the request, or of a shorter one if the provider finds it too long.

    The notices of the request follow its `Start`.

    Raises:
        ProviderError: the shorter request failed too, or no turn can be left out.
    """
    has_content = False
    async with aclosing(ask(request)) as events:
        try:
            async for event in events:
                has_content = has_content or isinstance(event, CONTENT_EVENTS)
                yield event
                if isinstance(event, Start):
                    for notice in request.notices:
                        yield Notice("context", notice)
            return
        except ProviderError as error:
            is_too_long = error.kind == "context_overflow" and not has_content
            shorter = drop_older_turns(request, _counts_in(error)) if is_too_long else None
            if shorter is None:
                raise
    yield Notice("context", shorter.notices[-1])
    async with aclosing(ask(shorter)) as events:
        async for event in events:
            if not isinstance(event, Start):
                yield event
