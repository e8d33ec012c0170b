"""Answers as server-sent events, for any web framework that can send an iterator of text.

The form is the WHATWG's: an ``event`` line with the event's type, a ``data`` line with JSON, an
empty line. With Starlette::

    async def answer(request):
        stream = chat.stream(request.query_params["q"])
        return StreamingResponse(sse.encode(stream.events), media_type=sse.MEDIA_TYPE)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import asdict

from .errors import CellmageError
from .events import Event, Reasoning, Token

MEDIA_TYPE = "text/event-stream"


def encode_one(event: Event) -> str:
    r"""One event as text.

    Example:
        >>> from cellmage import Token
        >>> encode_one(Token("two\nlines"))
        'event: token\ndata: {"text": "two\\nlines"}\n\n'
    """
    if isinstance(event, Token | Reasoning):  # nearly all: a tenth of what `asdict` takes
        return f'event: {event.type}\ndata: {{"text": {json.dumps(event.text)}}}\n\n'
    return _frame(event.type, asdict(event))


def _frame(kind: str, data: Mapping[str, object]) -> str:
    # In ASCII no character is a line end to any reader.
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


async def encode(events: AsyncIterable[Event]) -> AsyncIterator[str]:
    """Events as text, one for each; a failure is the last one, of type ``error``.

    Leaving it, as a server does when its client has gone, leaves the answer and closes its
    connection.

    Args:
        events: such as ``stream.events``, or ``chat.astream_events(…)``.

    Example:
        >>> import asyncio
        >>> from cellmage import Conversation
        >>> async def sent():
        ...     events = Conversation().stream("Hi", model="offline/echo").events
        ...     return [text.split("\\n")[0] async for text in encode(events)]
        >>> asyncio.run(sent())
        ['event: start', 'event: token', 'event: complete']
    """
    failure: CellmageError | None = None
    async with aclosing(aiter(events)) as each:  # type: ignore[type-var]
        try:
            async for event in each:
                yield encode_one(event)
        except CellmageError as error:
            failure = error
    if failure is not None:
        facts = {"kind": failure.kind, "message": str(failure), "text": failure.text}
        yield _frame("error", facts)
