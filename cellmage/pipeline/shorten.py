"""A conversation that is too long for the model: asked once more, with older turns left out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..context_window import shortened
from ..errors import ProviderError
from ..events import BEGUN, Event, Notice, Start
from ..messages import Request


async def shortening(
    ask: Callable[[Request], AsyncGenerator[Event, None]], request: Request
) -> AsyncGenerator[Event, None]:
    """The events of the request, or of a shorter one when the provider finds it too long.

    Args:
        ask: sends a request.
        request: what is sent; its notes are told.

    Raises:
        ProviderError: the shorter one failed too, or there was nothing to leave out.
    """
    has_word = False
    async with aclosing(ask(request)) as events:
        try:
            async for event in events:
                has_word = has_word or isinstance(event, BEGUN)
                yield event
                if isinstance(event, Start):
                    for note in request.notices:
                        yield Notice("context", note)
            return
        except ProviderError as error:
            shorter = shortened(request, str(error)) if error.kind == "context_length" else None
            if shorter is None or has_word:
                raise
    yield Notice("context", shorter.notices[-1])
    async with aclosing(ask(shorter)) as events:
        async for event in events:
            if not isinstance(event, Start):
                yield event
