"""One answer while it is read: by ``for`` or ``async for``, once; then it is replayed.

An event comes from `cellmage.pipeline`, is kept by `ResponseStream._receive`, and goes to a view.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from inspect import GEN_RUNNING, getgeneratorstate
from typing import Self
from uuid import uuid4

from ..arguments import FUNCTION, check
from ..errors import CellmageError, UsageError
from ..events import Event
from ..messages import Request, Response
from ..pipeline.base import Ask
from ..pipeline.timeouts import FIRST_TOKEN_SECONDS, IDLE_SECONDS
from ..runtime.interrupts import defer_interrupts, set_one_line
from ..runtime.loop import Heartbeat, check_event_loop
from ..runtime.nested import Nested
from ..runtime.sync_stream import SyncStream
from .accumulator import Accumulator
from .closable import Closable
from .views import INTERVAL, Readable


class ResponseStream(Readable, Closable):
    """An answer that is read as it arrives.

    - Lazy: nothing is sent until the stream is iterated.
    - Closable: leaving a loop early closes the connection.
    - Replayable: after it was read, iterating yields the same pieces again, and raises the same
      error if there was one. If you stop early, iterating again replays what had arrived.

    Iterating yields text; `events` yields everything; both work with ``for`` and ``async for``.
    Leaving an ``async for`` finalizes the response on the next turn of the event loop;
    ``async with`` finalizes it at once.

    Args:
        request: the request that is sent.
        ask: sends the request: see `cellmage.pipeline.build`.
        on_end: is called once with the `Response`, complete or not, before the consumer goes on.
        on_start: is called once with this stream, before the request is sent.
        response_id: the id of the response; empty for a random one.

    Attributes:
        id: the id of the response, and of its turn.
        request: the request, with what `stop_at` and `watch` added.

    Raises:
        CellmageError: at the loop, when the answer fails; its ``text`` is what had arrived.

    Example:
        >>> from cellmage import Conversation
        >>> stream = Conversation().stream("Hello", model="offline/echo")
        >>> list(stream), stream.response.text
        (['Hello'], 'Hello')
    """

    def __init__(
        self,
        request: Request,
        ask: Ask,
        on_end: Callable[[Response], object] | None = None,
        on_start: Callable[[ResponseStream], object] | None = None,
        response_id: str = "",
    ) -> None:
        self.request = request
        self.id = response_id or uuid4().hex
        self._ask = ask
        self._on_end = on_end
        self._on_start = on_start
        self._taps: list[Callable[[Event], object]] = []
        self._accumulator = Accumulator(self.id)
        self._error: Exception | None = None
        self._response: Response | None = None
        self._is_closing = self._is_announced = False
        self._open_batches: weakref.ref[Generator[list[Event]]] | None = None
        self._open_events: weakref.ref[AsyncGenerator[Event, None]] | None = None
        self._sync_stream: SyncStream[Event] | None = None
        self._pending_task: asyncio.Task[object] | None = None

    def __repr__(self) -> str:
        response = self.response
        state = response.incomplete_reason or "complete"
        model = self.request.options.model or response.model
        return f"<ResponseStream of {model!r}: {len(response.text)} characters, {state}>"

    def __reduce__(self) -> str:
        raise UsageError("a stream cannot be copied or pickled; its `response` can")

    # Options, before the stream is read.

    def stop_at(self, *phrases: str) -> Self:
        """End the answer, complete, after the first of these phrases, and close the connection.

        Raises:
            UsageError: the stream has been read, at least in part.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("one two three", model="offline/echo")
            >>> "".join(stream.stop_at("two")), stream.response.finish_reason
            ('one two', 'stop_phrase')
        """
        self._check_is_new("stop_at")
        phrases = (*(self.request.options.stop_at or ()), *phrases)
        options = replace(self.request.options, stop_at=phrases)
        self.request = replace(self.request, options=options)
        return self

    def watch(self, *words: str) -> Self:
        """Add a `Notice` to the answer when one of these words is first seen.

        Raises:
            UsageError: the stream has been read, at least in part.

        Example:
            >>> from cellmage import Conversation
            >>> stream = Conversation().stream("one two three", model="offline/echo").watch("two")
            >>> "".join(stream), stream.response.notices
            ('one two three', ('first seen: two, at character 7',))
        """
        self._check_is_new("watch")
        words = (*(self.request.options.watch or ()), *words)
        options = replace(self.request.options, watch=words)
        self.request = replace(self.request, options=options)
        return self

    def on_event(self, function: Callable[[Event], object]) -> Self:
        """Call a function with each event, on the consumer's thread, before the consumer has it.

        An exception of the function ends the reading, as if the consumer had raised it.

        Example:
            >>> from cellmage import Conversation
            >>> events = []
            >>> stream = Conversation().stream("Hello", model="offline/echo")
            >>> "".join(stream.on_event(events.append)), [event.type for event in events]
            ('Hello', ['start', 'token', 'complete'])
        """
        self._taps.append(check("function", function, FUNCTION))
        return self

    def _check_is_new(self, method: str) -> None:
        if self._accumulator.has_started:
            raise UsageError(f"{method}() must be called before the stream is read")

    # Reading: what the views of `Readable` are made of.

    @property
    def response(self) -> Response:
        """The answer so far; the complete one after the stream was read. Safe on any thread."""
        return self._response or self._accumulator.response("unfinished")

    def batches(self, min_interval: float = 0.0) -> Generator[list[Event]]:
        """Return a generator of lists of events, for consumers with other work, such as painting.

        An empty list says that a while has passed without an event.

        Args:
            min_interval: the least number of seconds between two lists: see `SyncStream.batches`.
        """
        batches = self._read(check("min_interval", min_interval, INTERVAL))
        if not self._is_running:
            self._open_batches = weakref.ref(batches)
        return batches

    def aevents(self) -> AsyncGenerator[Event, None]:
        """Return an async generator of events, for the running event loop."""
        events = self._read_async()
        if not self._is_running:
            self._open_events = weakref.ref(events)
        return events

    @property
    def _is_running(self) -> bool:
        return self._accumulator.has_started and self._response is None

    def _read(self, min_interval: float) -> Generator[list[Event]]:
        if self._response is not None:
            yield self._accumulator.events
            self._raise_error()
            return
        with self._consume(), SyncStream(self._receive(), self.patience) as self._sync_stream:
            for batch in self._sync_stream.batches(min_interval):
                self._notify_taps(batch)
                yield batch

    @property
    def patience(self) -> float:
        """Seconds that a provider may block the event loop: those of its time limits."""
        options = self.request.options
        return max(options.timeout or FIRST_TOKEN_SECONDS, options.idle_timeout or IDLE_SECONDS, 1)

    async def _read_async(self) -> AsyncGenerator[Event, None]:
        if self._response is not None:
            for event in self._accumulator.events:
                yield event
            self._raise_error()
            return
        check_event_loop()
        with self._consume(), Heartbeat():
            async with Nested(self._receive()) as events:
                while (received := await self._next(events)) is not None:
                    self._notify_taps([received])
                    yield received

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _notify_taps(self, events: list[Event]) -> None:
        for function in self._taps:
            for event in events:
                function(event)

    async def _next(self, events: Nested[Event]) -> Event | None:
        """Return the next event; None at the end, and after `close` was called."""
        if self._is_closed():
            return None
        task = self._pending_task = asyncio.current_task()
        try:
            return await anext(events, None)
        except asyncio.CancelledError:
            if task is None or not self._is_closed():
                raise
            task.uncancel()
            return None
        finally:
            self._pending_task = None

    def _is_closed(self) -> bool:
        # A method: another thread sets the attribute while a task waits, which mypy cannot know.
        return self._is_closing

    async def _receive(self) -> AsyncGenerator[Event, None]:
        # Kept here, on the loop's thread, so that nothing is lost that arrived before a stop.
        add = self._accumulator.add
        async with aclosing(self._ask(self.request)) as events:
            async for event in events:
                add(event)
                yield event

    @contextmanager
    def _consume(self) -> Generator[None]:
        """Start the answer, and finalize it when its consumer reaches the end or leaves."""
        if self._is_running:
            raise UsageError("this stream is being read already; read it once, or wait for its end")
        self._accumulator.start()
        try:
            self.announce()
            yield
        except BaseException as error:
            self._error = error if isinstance(error, Exception) else None
            self._finalize(_interruption_of(error))
            if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
                set_one_line(error, len(self.response.text))
            raise
        self._finalize("closed" if self._is_closing else "truncated_no_finish")

    def announce(self) -> None:
        """Report the start now, for an answer that is read later; `close` then reports its end."""
        if self._on_start is not None and not self._is_announced:
            with defer_interrupts():
                self._is_announced = True
                self._on_start(self)

    def _finalize(self, reason: str) -> None:
        """Fix the response, and report it.

        Args:
            reason: why the reading ended, for an answer that is not complete.
        """
        with defer_interrupts():
            incomplete_reason = None if self._accumulator.is_complete else reason
            self._response = self._accumulator.response(incomplete_reason)
            self._is_closing = False
            if isinstance(self._error, CellmageError):
                self._error.text = self._response.text
                self._error.model = self._error.model or self._response.model
                self._error.host = self._error.host or self._response.provider
            is_forked = self._sync_stream is not None and self._sync_stream.is_forked
            if self._on_end is not None and not is_forked:  # the turn is the parent process's
                self._on_end(self._response)

    # Closing.

    def close(self) -> None:
        """Stop reading and close the connection, from any thread or task.

        What had arrived stays in `response`; a consumer reaches the end without an error. A stream
        that has not been read sends nothing, and yields nothing: its response has no text, and the
        `incomplete_reason` ``"closed"``.
        """
        if not self._accumulator.has_started:  # nothing is sent, and a consumer reads nothing
            is_new = self._response is None
            self._response = self._response or self._accumulator.response("closed")
            if is_new and self._is_announced and self._on_end is not None:
                self._on_end(self._response)
            return
        self._is_closing = True
        if self._pending_task is not None:
            self._pending_task.get_loop().call_soon_threadsafe(self._pending_task.cancel)
        if self._sync_stream is not None:
            self._sync_stream.cancel()
        batches = self._open_batches() if self._open_batches is not None else None
        if batches is not None and getgeneratorstate(batches) != GEN_RUNNING:
            batches.close()

    async def aclose(self) -> None:
        """Stop reading, and wait until the connection is closed.

        Example:
            >>> import asyncio
            >>> from cellmage import Conversation
            >>> async def first_text():
            ...     stream = Conversation().stream("Hello", model="offline/tour")
            ...     async for text in stream:
            ...         await stream.aclose()
            ...     return stream.response.incomplete_reason
            >>> asyncio.run(first_text())
            'closed'
        """
        check_event_loop()
        events = self._open_events() if self._open_events is not None else None
        pending = self._pending_task
        if pending is not None:  # the task of a view waits in the generator, which cannot be closed
            self.close()
            if pending.get_loop() is asyncio.get_running_loop():
                await asyncio.wait({pending})
        elif events is not None:
            await events.aclose()
        else:
            self.close()


def _interruption_of(error: BaseException) -> str:
    """Return one word for what cut an answer."""
    match error:
        case CellmageError():
            return error.kind
        case KeyboardInterrupt() | asyncio.CancelledError():
            return "interrupted"
        case GeneratorExit():
            return "closed"
    return "provider_error"
