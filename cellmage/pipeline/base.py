"""The two types of the pipeline: a way to ask, and a stage around it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial

from ..events import Event
from ..messages import Request

Ask = Callable[[Request], AsyncGenerator[Event, None]]
"""Sends a request and yields the events of its answer, such as ``provider.stream``."""

Stage = Callable[[Ask, Request], AsyncGenerator[Event, None]]
"""Answers a request by asking: it may change the request, the events, or ask several times.

A stage closes the generator that it reads, so that closing the outermost one closes the connection.
"""


def compose(ask: Ask, stages: Sequence[Stage]) -> Ask:
    """Return a way to ask that goes through the stages; the first stage is the innermost.

    Example:
        >>> import asyncio
        >>> from cellmage import Message, Options, Token
        >>> async def ask(request):
        ...     yield Token("a")
        >>> async def twice(ask, request):
        ...     for _ in range(2):
        ...         async for event in ask(request):
        ...             yield event
        >>> async def texts(request):
        ...     return [event.text async for event in compose(ask, [twice, twice])(request)]
        >>> asyncio.run(texts(Request((Message("user", "Hi"),), Options())))
        ['a', 'a', 'a', 'a']
    """
    for stage in stages:
        ask = partial(stage, ask)
    return ask
