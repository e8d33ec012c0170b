"""The events of an answer, with both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TYPE_CHECKING

from .events import Event

if TYPE_CHECKING:
    from .stream import ResponseStream


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
