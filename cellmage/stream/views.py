"""What an answer can be read as: text, events, larger pieces, JSON; each with both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TYPE_CHECKING, cast

from ..events import Event, Token
from .buffer import BufferedView
from .partial_json import JSONView

if TYPE_CHECKING:
    from .response_stream import ResponseStream


class EventView:
    """The events of a `ResponseStream`, with both faces."""

    def __init__(self, stream: ResponseStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        with closing(self._stream.batches()) as batches:
            for batch in batches:
                for event in batch:
                    yield event
                    if getgeneratorstate(batches) == GEN_CLOSED:  # by the reader's own loop
                        return

    async def __aiter__(self) -> AsyncIterator[Event]:
        async with aclosing(self._stream.aevents()) as events:
            async for event in events:
                yield event


class Faces:
    """The views of a `ResponseStream`, all of the same consumption."""

    def __iter__(self) -> Iterator[str]:
        for event in self.events:
            if isinstance(event, Token):
                yield event.text

    async def __aiter__(self) -> AsyncIterator[str]:
        async with aclosing(self._stream.aevents()) as events:
            async for event in events:
                if isinstance(event, Token):
                    yield event.text

    @property
    def events(self) -> EventView:
        """The same answer as events.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("Hello", model="offline/echo")
            >>> [event.type for event in stream.events]
            ['start', 'token', 'complete']
        """
        return EventView(self._stream)

    def buffered(
        self, chars: int | None = None, until: str = "", seconds: float | None = None
    ) -> BufferedView:
        """The same answer in larger pieces.

        Args:
            chars: characters of a piece, at least; None leaves that to `until`.
            until: characters that end a piece.
            seconds: hand on what is there after so long, in any case.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("One. Two. Three", model="offline/echo")
            >>> list(stream.buffered(until="."))
            ['One.', ' Two.', ' Three']
        """
        return BufferedView(self._stream, chars, until, seconds)

    def partial_json(self) -> JSONView:
        """The same answer as growing JSON values.

        Raises:
            ProtocolError: at the end, when the answer is not JSON, or was cut.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream('{"city": "Oslo"}', model="offline/echo")
            >>> list(stream.partial_json())[-1]
            {'city': 'Oslo'}
        """
        return JSONView(self._stream)

    @property
    def _stream(self) -> ResponseStream:
        return cast("ResponseStream", self)
