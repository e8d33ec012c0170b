"""Server-sent events, both ways: decode those of a model's server, encode those of an answer.

Source: WHATWG, HTML, section 9.2 "Server-sent events". `encode` writes an ``event`` line with the
type of the event, a ``data`` line with JSON, and an empty line, for any web framework that sends an
iterator of text. With Starlette::

    async def answer(request):
        stream = chat.stream(request.query_params["q"])
        return StreamingResponse(sse.encode(stream.events), media_type=sse.MEDIA_TYPE)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict

import jiter

from .errors import CellmageError, ProtocolError
from .events import Event, Reasoning, Token

MEDIA_TYPE = "text/event-stream"
"""The content type of a response with server-sent events."""

MAX_EVENT_BYTES = 16 * 2**20
"""A longer event is an error: an endless line must not fill the memory."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which a body may begin with."""

_DATA_FIELDS = {b"data", b"error"}
_FIELDS = {*_DATA_FIELDS, b"event", b"id", b"retry", b""}
"""Names of the fields of an event; that of a comment is empty."""


class EventStreamDecoder:
    """Decodes a stream of bytes, cut anywhere, to the data of its events.

    Lines may end with LF, CR LF or CR. Ids of events are ignored: no chat protocol needs them.
    Bytes that are not UTF-8 become U+FFFD, as the standard requires. Some habits of servers are
    accepted that the standard does not know: a byte order mark before any line, a line
    ``error: …``, with which older llama.cpp servers report an error, ``data:`` in capitals, with
    blanks before it or left out before JSON, and no blank line between two events of JSON.

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
        self._type = b""
        self._last_type = b""
        self._line_size = self._data_size = 0
        self._after_cr = False

    @property
    def event_type(self) -> str:
        """The type of the event that was yielded last; empty if it has none."""
        return self._last_type.decode("utf-8", "replace")

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the data of each event that ends in these bytes; exhaust it before the next call.

        Args:
            data: the next bytes of the stream, of any length.
        """
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        remainder = lines.pop()
        for piece in lines:
            line = self._take_line(piece) if self._line else piece
            event = self._end_line(line) if line else self._end_event()
            if event is not None:
                yield event
        if remainder:
            self._line.append(remainder)
        self._line_size = len(remainder) if lines else self._line_size + len(remainder)
        if self._line_size + self._data_size > MAX_EVENT_BYTES:
            raise ProtocolError("one event of the answer is longer than 16 MiB")

    def close(self) -> Iterator[str]:
        """Yield the last event, if the stream ended before its blank line.

        The standard discards such an event, but some servers forget the last blank line, and a
        connection may break before it. If it broke within the event, the data is cut.
        """
        if (line := self._take_line(b"")) and (event := self._end_line(line)):
            yield event
        if event := self._end_event():
            yield event

    def _take_line(self, end: bytes) -> bytes:
        """Return the line that has arrived so far, with its end."""
        line = b"".join([*self._line, end])
        self._line.clear()
        return line

    def _end_line(self, line: bytes) -> str | None:
        """Add a complete line, without its end; return the data if the line ends an event."""
        if line == BOM:
            return self._end_event()
        field, _, value = line.partition(b":")
        if field not in _FIELDS:
            field, value = _repair_line(line)
        if field == b"event":
            self._type = value.removeprefix(b" ")
            return None
        if field not in _DATA_FIELDS:
            return None
        event = self._end_event() if self._data and self._has_whole_json() else None
        self._data.append(value.removeprefix(b" "))
        self._data_size += len(value)
        if field == b"error":
            self._type = field
        return event

    def _has_whole_json(self) -> bool:
        """Return whether one line of data is a JSON object: then the next line is another event."""
        if len(self._data) != 1 or not self._data[0].endswith(b"}"):
            return False
        try:
            return isinstance(jiter.from_json(self._data[0]), dict)
        except ValueError:
            return False

    def _end_event(self) -> str | None:
        data, self._data, self._data_size = self._data, [], 0
        self._last_type, self._type = self._type, b""
        return b"\n".join(data).decode("utf-8", "replace") if data else None


def _repair_line(line: bytes) -> tuple[bytes, bytes]:
    """Return the field and the value of a line that begins with no field of the standard."""
    line = line.removeprefix(BOM)
    field, _, value = line.partition(b":")
    if field in _FIELDS:
        return field, value
    line = line.lstrip()
    if line.startswith(b"{"):  # proxies lose the name of the field
        return b"data", line
    field, _, value = line.partition(b":")
    return field.lower(), value


def encode_one(event: Event) -> str:
    r"""Return one event as text.

    Example:
        >>> from cellmage import Token
        >>> encode_one(Token("two\nlines"))
        'event: token\ndata: {"text": "two\\nlines"}\n\n'
    """
    if isinstance(event, Token | Reasoning):  # nearly all events; ten times as fast as `asdict`
        return f'event: {event.type}\ndata: {{"text": {json.dumps(event.text)}}}\n\n'
    return _encode_fields(event.type, asdict(event))


def _encode_fields(event_type: str, data: Mapping[str, object]) -> str:
    # JSON in ASCII contains no character that any parser takes for the end of a line.
    return f"event: {event_type}\ndata: {json.dumps(data)}\n\n"


async def encode(events: AsyncIterable[Event]) -> AsyncIterator[str]:
    """Yield each event as text; a failure becomes the last event, of type ``error``.

    If the iterator is closed early, as by a server whose client has disconnected, the answer stops
    and its connection is closed.

    Args:
        events: such as ``stream.events``, or ``chat.astream_events(…)``.

    Returns:
        Texts of one event each; the ``error`` event has the fields ``kind``, ``message`` and
        ``text``, the text that had arrived.

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
    async with aclosing(aiter(events)) as iterator:  # type: ignore[type-var]
        try:
            async for event in iterator:
                yield encode_one(event)
        except CellmageError as error:
            failure = error
    if failure is not None:
        fields = {"kind": failure.kind, "message": str(failure), "text": failure.text}
        yield _encode_fields("error", fields)
