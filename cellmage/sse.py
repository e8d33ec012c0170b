"""Answers as server-sent events, for any web framework that can send an iterator of text.

The form is the WHATWG's: an ``event`` line with the event's type, a ``data`` line with JSON, an
empty line. With Starlette::

    async def answer(request):
        stream = chat.stream(request.query_params["q"])
        return StreamingResponse(sse.encode(stream.events), media_type=sse.MEDIA_TYPE)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict

from .errors import CellmageError, ProtocolError
from .events import Event, Reasoning, Token

MEDIA_TYPE = "text/event-stream"

MAX_EVENT_BYTES = 16 * 2**20
"""Bytes that one event may hold; an endless line is an error, not a full memory."""


BOM = b"\xef\xbb\xbf"


class EventStreamDecoder:
    """Feed it bytes, cut anywhere; it gives the data of each event that they complete.

    Lines may end with LF, CR LF or CR. Names and ids of events are not kept: no chat protocol
    needs them. What is not UTF-8 becomes U+FFFD, as the standard says.

    Raises:
        ProtocolError: an event is longer than 16 MiB.

    Example:
        >>> decoder = EventStreamDecoder()
        >>> list(decoder.feed(b"data: a\\n")), list(decoder.feed(b"data: b\\r\\n\\r\\ndata: c"))
        ([], ['a\\nb'])
    """

    def __init__(self) -> None:
        # A line that arrives in many reads is collected in a list and joined once: 'buffer + read'
        # would copy a 10 MiB event thousands of times.
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._line_size = self._data_size = 0
        self._after_cr = False
        self._first_line = True

    def feed(self, data: bytes) -> Iterator[str]:
        """The data of the events that end in these bytes; run it to its end, then call again."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line.append(line)
            event = self._end_line(b"".join(self._line))
            self._line.clear()
            if event is not None:
                yield event
        self._line.append(rest)
        self._line_size = len(rest) if lines else self._line_size + len(rest)
        if self._line_size + self._data_size > MAX_EVENT_BYTES:
            raise ProtocolError("one event of the answer is longer than 16 MiB")

    def close(self) -> Iterator[str]:
        """The last event, where its lines are whole and only the blank line behind it is missing.

        The standard drops it; servers that forget the blank line have sent it all the same.
        """
        if event := self._end_event():
            yield event

    def _end_line(self, line: bytes) -> str | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(BOM)
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(value)
        return None

    def _end_event(self) -> str | None:
        data, self._data, self._data_size = self._data, [], 0
        return b"\n".join(data).decode("utf-8", "replace") if data else None


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
