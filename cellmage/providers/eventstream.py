"""Bytes of an event stream to the data of its events; no I/O.

Source: the WHATWG HTML standard, section 9.2.6, "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ProtocolError

MAX_EVENT = 16 * 2**20
"""Bytes that one event may hold; an endless line is an error, not a full memory."""

_BOM = b"\xef\xbb\xbf"


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
        if self._line_size + self._data_size > MAX_EVENT:
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
            line = line.removeprefix(_BOM)
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
