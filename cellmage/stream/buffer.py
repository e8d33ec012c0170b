"""Text in pieces of a useful size: by sentence, line, number of characters, or time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING

from ..events import Event, Token

if TYPE_CHECKING:
    from .response_stream import ResponseStream


class Buffer:
    """Gathers text until it is worth handing on. Pure: nothing is lost, and the order is kept.

    Args:
        chars: hand on at least so many characters at a time; None leaves that to `until`.
        until: characters that end a piece, such as ``".!?\\n"``.
        seconds: hand on what is there after so long, in any case.

    Example:
        >>> buffer = Buffer(until=".")
        >>> buffer.feed("One. Two", 0.0), buffer.feed(". Thr", 0.1), buffer.flush()
        (['One.'], [' Two.'], [' Thr'])
    """

    def __init__(
        self, chars: int | None = None, until: str = "", seconds: float | None = None
    ) -> None:
        self._chars = chars or (50 if not until else 1)
        self._until = until
        self._seconds = seconds
        self._text = ""
        self._since: float | None = None

    def feed(self, text: str, now: float) -> list[str]:
        """The pieces that are ready with this text."""
        if text and self._since is None:
            self._since = now
        self._text += text
        pieces = []
        while end := self._end():
            pieces.append(self._text[:end])
            self._text = self._text[end:]
            self._since = now if self._text else None
        return pieces or self.due(now)

    def _end(self) -> int:
        """Where the next piece ends; 0 while there is none."""
        if not self._until:
            return len(self._text) if len(self._text) >= self._chars else 0
        places = (self._text.find(each, self._chars - 1) for each in self._until)
        return min((place + 1 for place in places if place >= 0), default=0)

    def due(self, now: float) -> list[str]:
        """What has waited long enough."""
        if self._seconds is None or self._since is None or now - self._since < self._seconds:
            return []
        return self.flush()

    def flush(self) -> list[str]:
        """What is left."""
        pieces = [self._text] if self._text else []
        self._text, self._since = "", None
        return pieces


class BufferedView:
    """The text of an answer in buffered pieces, with both faces.

    What has come is handed on before an error is raised.

    Args:
        stream: the answer.
        chars, until, seconds: see `Buffer`.
    """

    def __init__(
        self,
        stream: ResponseStream,
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
