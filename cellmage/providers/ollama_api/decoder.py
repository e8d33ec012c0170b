"""Decode the body of an answer of Ollama's chat API to events; no I/O.

Source: Ollama's documentation, "Generate a chat message". A streamed answer is a line of JSON for
each piece; one that is not streamed is one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from ...errors import ProtocolError
from ...events import Event
from ..error_bodies import is_error_body
from ..error_translation import stream_error
from ..event_body import BodyDecoder
from ..json_values import parse_json
from ..other_protocols import OLLAMA, other_protocol_error
from .answer import OllamaAnswer


class OllamaDecoder(BodyDecoder):
    r"""Decodes the body of one answer: see `BodyDecoder`.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.
        content_type: that of the reply.

    Example:
        >>> decoder = OllamaDecoder()
        >>> list(decoder.feed(b'{"message": {"content": "Hi"}, "done": false}\n'))
        [Token(text='Hi')]
        >>> list(decoder.feed(b'{"message": {"content": ""}, "done": true}\n'))
        []
        >>> list(decoder.close())
        [Complete(finish_reason='stop', usage=None)]
    """

    _mark = '"message"'

    def __init__(self, has_tools: bool = False, content_type: str = "") -> None:
        super().__init__(OllamaAnswer(has_tools), content_type)
        self._has_lines: bool | None = None  # None until the first line is complete

    def _is_complete(self) -> bool:
        return bool(self.finish_reason)

    def _on_bytes(self, data: bytes) -> Iterator[Event]:
        yield from super()._on_bytes(data)
        if not self._is_json_body or self._has_lines is False or b"\n" not in data:
            return
        *lines, tail = b"".join(self._buffer).split(b"\n")
        for line in filter(bytes.strip, lines):
            if self._has_lines is None:
                self._has_lines = _is_json(line)
            if not self._has_lines:  # one object on several lines
                return
            if not self.done:
                yield from self._on_json(parse_json(line))
        self._buffer[:] = [tail]

    def _on_end(self, is_cut: bool) -> Iterator[Event]:
        if not self._has_lines:
            yield from super()._on_end(is_cut)
        elif not self.done:
            last = b"".join(self._buffer)
            if _is_json(last):  # else it is cut, or there is none
                yield from self._on_json(parse_json(last))

    def _on_object(self, value: dict[str, Any], has_addresses: bool) -> Iterable[Event]:
        is_piece = isinstance(value.get("message"), dict)
        if not is_piece or "error" in value or "type" in value:  # the checks take long
            if is_error_body(value):
                raise stream_error(value)
            if other := other_protocol_error(value, OLLAMA):
                raise other
        self.done = bool(value.get("done"))
        return self._decode(value, has_addresses)


def _is_json(data: bytes) -> bool:
    with suppress(ProtocolError):
        parse_json(data)
        return True
    return False
