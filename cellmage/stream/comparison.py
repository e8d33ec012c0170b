"""Several answers to one question, read together as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing

from ..errors import CellmageError
from ..events import Event
from ..messages import Response
from ..runtime.loop import Flow
from .response_stream import ResponseStream

Merged = asyncio.Queue[tuple[int, Event | None]]
_BACKLOG = 64


class Comparison:
    """Answers that are read at the same time, none waiting for another.

    Iterating gives pairs of an answer's number and an event of it. An answer that fails ends, and
    leaves the others alone: see `errors`.

    Args:
        streams: the answers, none of them begun.
        selected: the number of the one that is kept.

    Example:
        >>> from cellmage import Conversation
        >>> chat = Conversation()
        >>> streams = [chat.stream(each, model="offline/echo", keep=False) for each in "ab"]
        >>> both = Comparison(streams)
        >>> sorted((number, event.text) for number, event in both if event.type == "token")
        [(0, 'a'), (1, 'b')]
    """

    def __init__(self, streams: Sequence[ResponseStream], selected: int = 0) -> None:
        self.streams = tuple(streams)
        self.selected = self.streams[selected]
        self.errors: dict[int, Exception] = {}
        """The failures, by the number of the answer."""

    @property
    def responses(self) -> list[Response]:
        """The answers so far."""
        return [stream.response for stream in self.streams]

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        for batch in self.batches():
            yield from batch

    async def __aiter__(self) -> AsyncIterator[tuple[int, Event]]:
        async with aclosing(self._merged()) as pairs:
            async for pair in pairs:
                yield pair

    def batches(self, pace: float = 0.0) -> Generator[list[tuple[int, Event]]]:
        """Lists of events as they come, each with its answer's number: see `Flow.batches`."""
        with Flow(self._merged()) as flow:
            yield from flow.batches(pace)

    def close(self) -> None:
        """Stop reading, and close all connections."""
        for stream in self.streams:
            stream.close()

    async def _merged(self) -> AsyncGenerator[tuple[int, Event], None]:
        queue: Merged = asyncio.Queue(_BACKLOG)
        tasks = [asyncio.create_task(self._read(n, queue)) for n in range(len(self.streams))]
        left = len(tasks)
        try:
            while left:
                number, event = await queue.get()
                if event is None:
                    left -= 1
                else:
                    yield number, event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, number: int, queue: Merged) -> None:
        try:
            async with aclosing(self.streams[number].aevents()) as events:
                async for event in events:
                    await queue.put((number, event))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.errors[number] = CellmageError("it was cancelled from within", kind="cancelled")
        except Exception as error:  # noqa: BLE001 - one answer's failure is not the others'
            self.errors[number] = error
        await queue.put((number, None))
