"""Read the answers of several models to one question together, as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence

from ..arguments import check, instance_of, list_of, whole_number
from ..errors import CellmageError
from ..events import Event
from ..messages import Response
from ..runtime.interrupts import set_one_line
from ..runtime.loop import check_event_loop
from ..runtime.nested import Nested, cancel_and_wait, start_all
from ..runtime.sync_stream import SyncStream
from .closable import Closable, close_all
from .response_stream import ResponseStream
from .views import INTERVAL

_Queue = asyncio.Queue[tuple[int, Event | None]]
"""Events with the index of their stream; None is the end of a stream."""

_MAX_QUEUED_EVENTS = 64

_STREAMS = list_of(
    instance_of(ResponseStream, "a stream"), "a list of streams, as those of chat.stream(…)", 1
)


class Comparison(Closable):
    """Several streams that are read at the same time; no stream waits for another.

    Iterating yields pairs of the index of a stream and an event of it. A stream that fails ends and
    leaves the others alone: look at `errors` after the loop, which raises none of them.

    Args:
        streams: the streams; none of them has been read.
        selected: the index of the stream whose answer becomes a turn.

    Attributes:
        streams: the streams, in the order of the models.
        selected: the stream whose answer becomes a turn.
        errors: the failures, by the index of the stream.

    Raises:
        UsageError: at the loop, when a stream is being read already.

    Example:
        >>> from cellmage import Conversation
        >>> chat = Conversation()
        >>> both = Comparison([chat.stream(text, model="offline/echo") for text in "ab"])
        >>> sorted((index, event.text) for index, event in both if event.type == "token")
        [(0, 'a'), (1, 'b')]
    """

    def __init__(self, streams: Sequence[ResponseStream], selected: int = 0) -> None:
        self.streams = tuple(check("streams", streams, _STREAMS))
        index = whole_number(0, len(self.streams) - 1)
        self.selected = self.streams[check("selected", selected, index)]
        self.errors: dict[int, Exception] = {}

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.streams)} streams>"

    @property
    def responses(self) -> list[Response]:
        """The answers so far, in the order of the streams."""
        return [stream.response for stream in self.streams]

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        for batch in self.batches():
            yield from batch

    async def __aiter__(self) -> AsyncIterator[tuple[int, Event]]:
        async with Nested(self._merge()) as pairs:
            async for pair in pairs:
                yield pair

    def batches(self, min_interval: float = 0.0) -> Generator[list[tuple[int, Event]]]:
        """Yield lists of pairs as they arrive, and an empty list when a while passes with none.

        Args:
            min_interval: the least number of seconds between two lists: see `SyncStream.batches`.
        """
        interval = check("min_interval", min_interval, INTERVAL)
        patience = max(stream.patience for stream in self.streams)
        with SyncStream(self._merge(), patience) as stream:
            yield from stream.batches(interval)

    def close(self) -> None:
        """Stop reading, and close all connections."""
        for stream in self.streams:
            stream.close()

    async def aclose(self) -> None:
        """Stop reading, and wait until all connections are closed."""
        await close_all(self.streams)

    async def _merge(self) -> AsyncGenerator[tuple[int, Event], None]:
        check_event_loop()
        queue: _Queue = asyncio.Queue(_MAX_QUEUED_EVENTS)
        open_streams = len(self.streams)
        readers = start_all(*(self._drain(index, queue) for index in range(open_streams)))
        try:
            while open_streams:
                index, event = await queue.get()
                if event is None:
                    open_streams -= 1
                else:
                    yield index, event
        except asyncio.CancelledError as error:
            set_one_line(error, sum(len(stream.response.text) for stream in self.streams))
            raise
        finally:
            await cancel_and_wait(readers)

    async def _drain(self, index: int, queue: _Queue) -> None:
        """Put the events of a stream into the queue, then its end."""
        try:
            async with Nested(self.streams[index].aevents()) as events:
                async for event in events:
                    await queue.put((index, event))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.errors[index] = CellmageError("it was cancelled from within", kind="interrupted")
        except Exception as error:  # noqa: BLE001 - a failure of one stream is not the others'
            self.errors[index] = error
        await queue.put((index, None))
