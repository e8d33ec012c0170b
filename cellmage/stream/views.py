"""What an answer can be read as: text, events, larger pieces, JSON; each with both faces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Any, Protocol

from ..events import Event, Token, ToolCall
from ..messages import Response
from .buffer import Buffer
from .partial_json import PartialJSON, checked


class Readable(Protocol):
    """What the views read from; a `ResponseStream` is one."""

    def batches(self, min_interval: float = 0.0) -> Generator[list[Event]]:
        """Yield lists of events as they arrive, and an empty list when a while passes with none."""
        ...

    def aevents(self) -> AsyncGenerator[Event, None]:
        """Yield events as they arrive, on the running loop."""
        ...

    @property
    def response(self) -> Response:
        """The answer so far."""
        ...


class EventView:
    """The events of a `ResponseStream`, with both faces."""

    def __init__(self, stream: Readable) -> None:
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


class BufferedView:
    """The text of an answer in buffered pieces, with both faces.

    What has come is handed on before an error is raised.

    Args:
        stream: the answer.
        chars, until, seconds: see `Buffer`.
    """

    def __init__(
        self,
        stream: Readable,
        chars: int | None = None,
        until: str = "",
        seconds: float | None = None,
    ) -> None:
        self._stream = stream
        self._buffer = Buffer(chars, until, seconds)
        self._seconds = seconds

    def __iter__(self) -> Iterator[str]:
        with closing(self._stream.batches()) as batches:
            failure: BaseException | None = None
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised again behind what had come
                    failure = error
                    break
                now = time.monotonic()
                for event in batch:
                    yield from self._buffer.feed(_text(event), now)
                yield from self._buffer.due(now)
            yield from self._buffer.flush()
            if failure is not None:
                raise failure

    async def __aiter__(self) -> AsyncIterator[str]:
        async with aclosing(self._stream.aevents()) as events:
            failure: BaseException | None = None
            waiting: asyncio.Task[Event | None] | None = None
            try:
                while True:
                    waiting = waiting or asyncio.ensure_future(anext(events, None))
                    await asyncio.wait({waiting}, timeout=self._seconds)
                    if not waiting.done():
                        for piece in self._buffer.due(time.monotonic()):
                            yield piece
                        continue
                    try:
                        event = waiting.result()
                    except Exception as error:  # noqa: BLE001 - raised again, as above
                        failure = error
                        break
                    waiting = None
                    if event is None:
                        break
                    for piece in self._buffer.feed(_text(event), time.monotonic()):
                        yield piece
            finally:
                if waiting is not None and not waiting.done():
                    waiting.cancel()
                    await asyncio.wait({waiting})
            for piece in self._buffer.flush():
                yield piece
            if failure is not None:
                raise failure


def _text(event: Event) -> str:
    return event.text if isinstance(event, Token) else ""


class JSONView:
    """The growing value of an answer that is JSON, with both faces.

    Args:
        stream: the answer.

    Raises:
        ProtocolError: at the end, when the answer is not JSON, or was cut.
        CellmageError: the answer failed.

    Example:
        >>> from cellmage import Conversation
        >>> from cellmage.providers.scripted import ScriptedProvider
        >>> chat = Conversation(provider=ScriptedProvider(['{"a": [1, ', '2], "b"', ': "x"}']))
        >>> view = JSONView(chat.stream("A record, please"))
        >>> list(view)
        [{'a': [1]}, {'a': [1, 2]}, {'a': [1, 2], 'b': 'x'}]
        >>> view.result
        {'a': [1, 2], 'b': 'x'}
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._reader = PartialJSON()

    def __iter__(self) -> Iterator[Any]:
        with closing(iter(EventView(self._stream))) as events:  # type: ignore[type-var]
            for event in events:
                yield from self._values(event)
        yield from self._last()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async with aclosing(aiter(EventView(self._stream))) as events:  # type: ignore[type-var]
            async for event in events:
                for value in self._values(event):
                    yield value
        for value in self._last():
            yield value

    def _values(self, event: Event) -> Iterator[Any]:
        before = self._reader._value
        if isinstance(event, ToolCall):
            self._reader = PartialJSON()  # what came before it is not the answer
        elif not isinstance(event, Token):
            return
        elif self._reader.feed(event.text) and self._reader.value != before:
            yield self._reader.value

    def _last(self) -> Iterator[Any]:
        before = self._reader._value
        if self.result != before:
            yield self.result

    @property
    def result(self) -> Any:
        """The value, once the answer has come whole.

        Raises:
            ProtocolError: it is not JSON, or was cut.
        """
        return checked(self._stream.response)
