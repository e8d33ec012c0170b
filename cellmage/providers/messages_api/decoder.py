"""Decode the body of a message of the Messages API to events; no I/O.

Source: Anthropic's API reference, "Messages" and "Streaming messages", as a stream of events or as
one message. `event_body` decodes the body, `answer` each of its events, and `blocks` what the
message has at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...events import Event
from ..event_body import BodyDecoder
from ..other_protocols import other_protocol_error
from .answer import TYPES, MessageAnswer

_END = "message_stop"
"""The type of the last event; what follows it is of no interest."""


class MessagesDecoder(BodyDecoder):
    """Decodes the body of one message: see `BodyDecoder`.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.
        content_type: that of the reply.

    Example:
        >>> decoder = MessagesDecoder()
        >>> delta = b'{"type": "text_delta", "text": "Hi"}'
        >>> event = b'{"type": "content_block_delta", "delta": ' + delta + b"}"
        >>> list(decoder.feed(b"data: " + event + b"\\n\\n"))
        [Token(text='Hi')]
        >>> list(decoder.feed(b'data: {"type": "message_stop"}\\n\\n'))
        []
        >>> list(decoder.close())
        [Complete(finish_reason=None, usage=None)]
    """

    _mark = "message_start"

    def __init__(self, has_tools: bool = False, content_type: str = "text/event-stream") -> None:
        super().__init__(MessageAnswer(has_tools), content_type)

    def _is_complete(self) -> bool:
        # The end alone ends a text. Only a stop reason says that the calls are complete.
        has_end_mark = self.done and not self._is_json_body
        return bool(self.finish_reason) or (has_end_mark and not self._answer.has_tool_calls)

    def _on_object(self, value: dict[str, Any], has_addresses: bool) -> Iterable[Event]:
        type_ = value.get("type") or self._stream.event_type
        if self.done:
            return ()
        if type_ == _END:
            self.done = True
        elif isinstance(type_, str) and type_ in TYPES:
            return self._decode(value if "type" in value else {**value, "type": type_}, True)
        else:
            self._raise_error(value)
            if other := other_protocol_error(value, "the Messages API"):
                raise other
        return ()
