"""The views of a stream: text, events, larger pieces, JSON; each for ``for`` and ``async for``.

`for` runs on the consumer's thread over `Readable.batches`; `async for` runs on the loop that asks,
over `Readable.aevents`. All views of a stream share its one consumption.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import closing
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Any

from ..arguments import TEXT, check, number, optional, whole_number
from ..events import Event, Reclassification, Token, ToolCall
from ..messages import Response
from ..runtime.interrupts import set_one_line
from ..runtime.loop import check_event_loop
from ..runtime.nested import Nested, cancel_and_wait
from .buffer import Buffer
from .partial_json import PartialJSON, read_response

INTERVAL = number("seconds from 0", lambda value: value >= 0)
_CHARS = optional(whole_number(1))
_SECONDS = optional(number("seconds above 0", lambda value: value > 0))


class Readable(ABC):
    """A stream that can be read: three members that a subclass has, and the views of them."""

    @property
    @abstractmethod
    def response(self) -> Response:
        """The answer so far."""

    @abstractmethod
    def batches(self, min_interval: float = 0.0) -> Generator[list[Event]]:
        """Return a generator of lists of events; an empty list says that a while has passed."""

    @abstractmethod
    def aevents(self) -> AsyncGenerator[Event, None]:
        """Return an async generator of events, for the running event loop."""

    def __iter__(self) -> Iterator[str]:
        for event in self.events:
            if isinstance(event, Token):
                yield event.text

    async def __aiter__(self) -> AsyncIterator[str]:
        async with Nested(self.aevents()) as events:
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
        return EventView(self)

    def buffered(
        self, chars: int | None = None, until: str = "", seconds: float | None = None
    ) -> BufferedView:
        """Return the same answer in larger pieces.

        Args:
            chars: the least number of characters of a piece; None leaves the size to `until`.
            until: the characters that end a piece.
            seconds: the longest time that text waits for the end of its piece.

        Raises:
            UsageError: a value is of the wrong type or out of its range.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("One. Two. Three", model="offline/echo")
            >>> list(stream.buffered(until="."))
            ['One.', ' Two.', ' Three']
        """
        for name, value, kind in (
            ("chars", chars, _CHARS),
            ("until", until, TEXT),
            ("seconds", seconds, _SECONDS),
        ):
            check(name, value, kind)
        return BufferedView(self, chars, until, seconds)

    def partial_json(self) -> JSONView:
        """Return the same answer as growing JSON values.

        Raises:
            OutputValidationError: at the end, when the answer is not JSON, or was cut.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream('{"city": "Oslo"}', model="offline/echo")
            >>> list(stream.partial_json())[-1]
            {'city': 'Oslo'}
        """
        return JSONView(self)


class _View:
    """A way to read a stream; reading it again yields the same."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._stream!r}>"


class EventView(_View):
    """The events of a stream."""

    def __iter__(self) -> Iterator[Event]:
        with closing(self._stream.batches()) as batches:
            for batch in batches:
                for event in batch:
                    yield event
                    # The consumer's own loop may have closed the stream.
                    if getgeneratorstate(batches) == GEN_CLOSED:
                        return

    async def __aiter__(self) -> AsyncIterator[Event]:
        async with Nested(self._stream.aevents()) as events:
            async for event in events:
                yield event


class BufferedView(_View):
    """The text of a stream in larger pieces; text that has arrived is yielded before an error.

    Args:
        stream: the stream.
        chars, until, seconds: see `Buffer`.
    """

    def __init__(
        self,
        stream: Readable,
        chars: int | None = None,
        until: str = "",
        seconds: float | None = None,
    ) -> None:
        super().__init__(stream)
        self._make_buffer = partial(Buffer, chars, until, seconds)
        self._seconds = seconds

    def __iter__(self) -> Iterator[str]:
        buffer = self._make_buffer()
        failure: Exception | None = None
        with closing(self._stream.batches()) as batches:
            try:
                for batch in batches:
                    now = time.monotonic()
                    for event in batch:
                        yield from buffer.feed(_text(event), now)
                    yield from buffer.due(now)
            except Exception as error:  # noqa: BLE001 - raised again, after the rest of the text
                failure = error
            yield from buffer.flush()
        if failure is not None:
            raise failure

    async def __aiter__(self) -> AsyncIterator[str]:
        buffer = self._make_buffer()
        failure: Exception | None = None
        async with Nested(_with_timeouts(self._stream.aevents(), self._seconds)) as events:
            try:
                async for event in events:
                    now = time.monotonic()
                    pieces = buffer.feed(_text(event), now) if event else []
                    for piece in [*pieces, *buffer.due(now)]:
                        yield piece
            except asyncio.CancelledError as error:
                set_one_line(error, len(self._stream.response.text))
                raise
            except Exception as error:  # noqa: BLE001 - as above
                failure = error
            for piece in buffer.flush():
                yield piece
        if failure is not None:
            raise failure


async def _with_timeouts(
    source: AsyncGenerator[Event, None], seconds: float | None
) -> AsyncGenerator[Event | None, None]:
    """Yield the events, and None when no event arrives for so many seconds."""
    check_event_loop()
    pending: asyncio.Task[Event | None] | None = None
    async with Nested(source) as events:
        try:
            while True:
                pending = pending or asyncio.ensure_future(anext(events, None))
                await asyncio.wait({pending}, timeout=seconds)
                if not pending.done():
                    yield None
                    continue
                event, pending = pending.result(), None
                if event is None:
                    return
                yield event
        finally:
            if pending is not None:
                await cancel_and_wait(pending)


def _text(event: Event) -> str:
    return event.text if isinstance(event, Token) else ""


class JSONView(_View):
    """The growing value of an answer that is JSON.

    Args:
        stream: the stream.

    Raises:
        OutputValidationError: at the end, when the answer is not JSON, or was cut.
        CellmageError: the answer failed.

    Example:
        >>> from cellmage import Conversation
        >>> from cellmage.testing import ScriptedProvider
        >>> chat = Conversation(provider=ScriptedProvider(['{"a": [1, ', '2], "b"', ': "x"}']))
        >>> view = JSONView(chat.stream("A record, please"))
        >>> list(view)
        [{'a': [1]}, {'a': [1, 2]}, {'a': [1, 2], 'b': 'x'}]
        >>> view.result
        {'a': [1, 2], 'b': 'x'}
    """

    def __iter__(self) -> Iterator[Any]:
        values = _GrowingValue()
        with closing(iter(EventView(self._stream))) as events:  # type: ignore[type-var]
            for event in events:
                yield from values.feed(event)
        yield from self._last_values(values)

    async def __aiter__(self) -> AsyncIterator[Any]:
        values = _GrowingValue()
        async with Nested(self._stream.aevents()) as events:
            async for event in events:
                for value in values.feed(event):
                    yield value
        for value in self._last_values(values):
            yield value

    def _last_values(self, values: _GrowingValue) -> list[Any]:
        # A consumer that has closed the stream reaches the end without an error, as in all views.
        is_closed = self._stream.response.incomplete_reason == "closed"
        return [] if is_closed else values.finish(self.result)

    @property
    def result(self) -> Any:
        """The value of the complete answer.

        Raises:
            OutputValidationError: the answer is not JSON, or was cut.
        """
        return read_response(self._stream.response).value

    @property
    def notice(self) -> str:
        """The line for the user about an answer that is not plain JSON; else empty.

        Raises:
            OutputValidationError: the answer is not JSON, or was cut.
        """
        return read_response(self._stream.response).notice


class _GrowingValue:
    """The values of one reading of a `JSONView`."""

    def __init__(self) -> None:
        self._parser = PartialJSON()

    def feed(self, event: Event) -> list[Any]:
        """Return the value so far if the event has changed it."""
        previous = self._parser.last_value
        if isinstance(event, ToolCall | Reclassification):
            self._parser = PartialJSON()  # text before it is not the answer
        elif isinstance(event, Token) and self._parser.feed(event.text):
            return [self._parser.value] if self._parser.value != previous else []
        return []

    def finish(self, result: Any) -> list[Any]:
        """Return the value of the complete answer if it is not the last one."""
        return [result] if result != self._parser.last_value else []
