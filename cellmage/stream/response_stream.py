"""One answer on its way: read once, by ``for`` or ``async for``, kept, and replayed.

The walk of an event: `cellmage.pipeline.staged` → `ResponseStream._pipeline` (keeps it) → a view.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from inspect import GEN_RUNNING, getgeneratorstate
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from ..errors import CellmageError, UsageError
from ..events import Complete, Event, Token, ToolCall
from ..messages import News, Request, Response, Timings
from ..pipeline import Source, staged
from ..runtime.interrupts import interrupts_held
from ..runtime.loop import Flow, Heartbeat
from .accumulator import fold
from .views import BufferedView, EventView, JSONView


class ResponseStream:
    """An answer that is read as it arrives.

    Lazy: nothing is sent until it is iterated. Closable: leaving a loop early closes the
    connection. Replayable: once it has been read, iterating gives the same pieces again, and the
    same error if there was one; what was left early ends where it was left. Iterating gives text,
    `events` gives everything, both with ``for`` and with ``async for``. An ``async for`` that is
    left is settled when the loop next runs; ``async with`` settles it at once.

    Args:
        request: what is sent.
        source: the provider that answers.
        on_end: called once with the `Response`, whole or partial, before the reader goes on.
        on_start: called once with this stream, when it is first read.

    Raises:
        CellmageError: at the ``for``, when the answer fails; its ``text`` is what had arrived.

    Example:
        >>> from cellmage import Message, Options
        >>> from cellmage.providers.scripted import ScriptedProvider
        >>> request = Request((Message("user", "Hi"),), Options(model="offline/script"))
        >>> stream = ResponseStream(request, ScriptedProvider(["Hel", "lo"]))
        >>> list(stream), stream.response.text
        (['Hel', 'lo'], 'Hello')
    """

    def __init__(
        self,
        request: Request,
        source: Source,
        on_end: Callable[[Response], object] | None = None,
        on_start: Callable[[ResponseStream], object] | None = None,
    ) -> None:
        self.request = request
        self.id = uuid4().hex
        self._source = source
        self._on_end = on_end
        self._on_start = on_start
        self._told = 0
        self._has_calls = False
        self._taps: list[Callable[[Event], object]] = []
        self._events: list[Event] = []
        self._state = "new"
        self._started = 0.0
        self._first_word: float | None = None
        self._error: BaseException | None = None
        self._response: Response | None = None
        self._reader: weakref.ref[Generator[list[Event]]] | None = None
        self._areader: weakref.ref[AsyncGenerator[Event, None]] | None = None
        self._flow: Flow[Event] | None = None
        self._waiter: asyncio.Task[object] | None = None
        self._is_closing = False

    # What is done on the way; to be said before the first piece is read.

    def stop_at(self, *phrases: str) -> Self:
        """End the answer with the first of these phrases, complete, and close the connection.

        Raises:
            UsageError: the answer has begun.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("one two three", model="offline/echo")
            >>> "".join(stream.stop_at("two")), stream.response.finish_reason
            ('one two', 'stop_phrase')
        """
        return self._with(stop_at=(*(self.request.options.stop_at or ()), *phrases))

    def watch(self, *words: str) -> Self:
        """Tell of each of these words, by a `Notice`, when it is first seen.

        Raises:
            UsageError: the answer has begun.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("one two three", model="offline/echo").watch("two")
            >>> "".join(stream), stream.response.notices
            ('one two three', ('first seen: two, at character 7',))
        """
        return self._with(watch=(*(self.request.options.watch or ()), *words))

    def tap(self, function: Callable[[Event], object]) -> Self:
        """Call a function with each event, on the reader's thread, before the reader has it.

        What it raises ends the reading, as if the reader had raised it.

        Example:
            >>> from cellmage import Conversation
            >>> seen = []
            >>> stream = Conversation().stream("Hello", model="offline/echo").tap(seen.append)
            >>> "".join(stream), [event.type for event in seen]
            ('Hello', ['start', 'token', 'complete'])
        """
        self._taps.append(function)
        return self

    def _with(self, **options: Any) -> Self:
        if self._state != "new":
            raise UsageError("the answer has begun; say this before it is read")
        self.request = replace(self.request, options=replace(self.request.options, **options))
        return self

    def batches(self, min_interval: float = 0.0) -> Generator[list[Event]]:
        """Lists of events as they come, and an empty list when a while passes with none.

        Made for a reader that also has other things to do, such as painting: see `Flow.batches`.
        """
        reader = self._read(min_interval)
        if self._state != "running":
            self._reader = weakref.ref(reader)
        return reader

    def aevents(self) -> AsyncGenerator[Event, None]:
        """Events as they come, on the loop that asks for them."""
        reader = self._aread()
        if self._state != "running":
            self._areader = weakref.ref(reader)
        return reader

    @property
    def response(self) -> Response:
        """The answer so far; the whole one once the stream has been read."""
        return self._response or self._so_far("unfinished")

    def news(self) -> News:
        """What has come since this was last called, from any thread."""
        fresh = self._events[self._told :]
        self._told += len(fresh)
        self._has_calls = self._has_calls or any(isinstance(each, ToolCall) for each in fresh)
        text = "".join(event.text for event in fresh if isinstance(event, Token))
        return News(text, self._so_far(None).steps if self._has_calls else ())

    def _so_far(self, partial: str | None) -> Response:
        timings = Timings(self._first_word, time.monotonic() - self._started)
        folded = fold(list(self._events), timings=timings, partial=partial)
        return replace(folded, id=self.id)

    # Views, all of the same consumption.

    def __iter__(self) -> Iterator[str]:
        for event in self.events:
            if isinstance(event, Token):
                yield event.text

    async def __aiter__(self) -> AsyncIterator[str]:
        async with aclosing(self.aevents()) as events:
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
        return BufferedView(self, chars, until, seconds)

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
        return JSONView(self)

    # Reading.

    def _read(self, pace: float) -> Generator[list[Event]]:
        with self._reading() as fresh:
            if not fresh:
                yield list(self._events)
                return
            with Flow(self._pipeline()) as self._flow:
                for batch in self._flow.batches(pace):
                    self._tell(batch)
                    yield batch

    async def _aread(self) -> AsyncGenerator[Event, None]:
        with self._reading() as fresh:
            if not fresh:
                for event in list(self._events):
                    yield event
                return
            with Heartbeat():
                async with aclosing(self._pipeline()) as events:
                    while (fresh_event := await self._next(events)) is not None:
                        self._tell([fresh_event])
                        yield fresh_event

    def _tell(self, events: list[Event]) -> None:
        for function in self._taps:
            for event in events:
                function(event)

    async def _next(self, events: AsyncGenerator[Event, None]) -> Event | None:
        """The next event; None at the end, and when `close` was called."""
        if self._was_closed():
            return None
        task = self._waiter = asyncio.current_task()
        try:
            return await anext(events, None)
        except asyncio.CancelledError:
            if task is None or not self._was_closed():
                raise
            task.uncancel()
            return None
        finally:
            self._waiter = None

    def _was_closed(self) -> bool:
        return self._is_closing

    async def _pipeline(self) -> AsyncGenerator[Event, None]:
        async with aclosing(staged(self._source, self.request)) as events:
            async for event in events:
                self._events.append(event)
                if self._first_word is None and isinstance(event, Token):
                    self._first_word = time.monotonic() - self._started
                yield event

    @contextmanager
    def _reading(self) -> Generator[bool]:
        """Give True to the first reader, and settle the answer when it ends or leaves."""
        if self._state == "running":
            raise UsageError("this answer is being read already; read it once, or wait for its end")
        if self._state == "over":
            yield False
            if self._error is not None:
                raise self._error
            return
        self._state = "running"
        self._started = time.monotonic()
        try:
            if self._on_start is not None:
                with interrupts_held():
                    self._on_start(self)
            yield True
        except BaseException as error:
            self._error = error if isinstance(error, Exception) else None
            self._settle(_reason(error))
            raise
        self._settle(None)

    def _settle(self, reason: str | None) -> None:
        with interrupts_held():
            self._state = "over"
            complete = bool(self._events) and isinstance(self._events[-1], Complete)
            if not complete:
                reason = reason or ("closed" if self._is_closing else "no_end")
            self._response = self._so_far(None if complete else reason)
            self._is_closing = False
            if isinstance(self._error, CellmageError):
                self._error.text = self._response.text
                self._error.model = self._error.model or self._response.model
                self._error.host = self._error.host or self._response.provider
            if self._on_end is not None:
                self._on_end(self._response)

    # Leaving.

    def close(self) -> None:
        """Stop reading and close the connection, from any thread or task.

        What had arrived stays in `response`; a reader comes to its end without an error.
        """
        self._is_closing = True
        if self._waiter is not None:
            self._waiter.get_loop().call_soon_threadsafe(self._waiter.cancel)
        if self._flow is not None:
            self._flow.cancel()
        reader = self._reader() if self._reader is not None else None
        if reader is not None and getgeneratorstate(reader) != GEN_RUNNING:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        reader = self._areader() if self._areader is not None else None
        waiting = self._waiter
        if waiting is not None:  # a task of a view, which is in the reader
            self.close()
            await asyncio.wait({waiting})
        elif reader is not None:
            await reader.aclose()


def _reason(error: BaseException) -> str:
    """One word for what cut an answer."""
    if isinstance(error, CellmageError):
        return error.kind
    stopped = isinstance(error, KeyboardInterrupt | asyncio.CancelledError)
    return "interrupted" if stopped else "closed" if isinstance(error, GeneratorExit) else "error"
