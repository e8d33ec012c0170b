"""Decode the body of a response of the Responses API to events; no I/O.

Source: OpenAI's API reference, "Responses", as a stream of events or as one response, and
openresponses.org. `event_body` decodes the body, `answer` each of its events, and `items` what the
response has at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...events import Event
from ..error_translation import stream_error
from ..event_body import BodyDecoder
from ..other_protocols import other_protocol_error
from .answer import PREFIX, ResponseAnswer

_ENDS = {PREFIX + state for state in ("completed", "incomplete", "failed", "cancelled")}
"""The types of the last event; what follows it is of another response, or of no interest."""


class ResponsesDecoder(BodyDecoder):
    """Decodes the body of one response: see `BodyDecoder`.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.
        content_type: that of the reply.

    Example:
        >>> decoder = ResponsesDecoder()
        >>> delta = b'{"type": "response.output_text.delta", "delta": "Hi"}'
        >>> list(decoder.feed(b"data: " + delta + b"\\n\\n"))
        [Token(text='Hi')]
        >>> list(decoder.feed(b'data: {"type": "response.completed", "response": {}}\\n\\n'))
        []
        >>> list(decoder.close())
        [Complete(finish_reason='stop', usage=None)]
    """

    _mark = '"response'

    def __init__(self, has_tools: bool = False, content_type: str = "text/event-stream") -> None:
        super().__init__(ResponseAnswer(has_tools), content_type)

    def _is_complete(self) -> bool:
        # An end mark alone ends a text. A response says of its state whether it is complete.
        has_end_mark = self.done and not self._is_json_body
        return bool(self.finish_reason) or (has_end_mark and not self._answer.has_tool_calls)

    def _on_object(self, value: dict[str, Any], has_addresses: bool) -> Iterable[Event]:
        event = self._as_event(value)
        if event is None:
            self._raise_error(value)
            if other := other_protocol_error(value, "the Responses API"):
                raise other
            return ()
        if event["type"] in _ENDS:
            self.done = True
        if event["type"] == "response.failed":
            response = event.get("response")
            error = (response if isinstance(response, dict) else event).get("error")
            raise stream_error({"error": error}, is_stream=not self._is_json_body)
        return self._decode(event, has_addresses)

    def _as_event(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """Return an event, or a whole response as one; None for any other object."""
        type_ = value.get("type") or self._stream.event_type
        if isinstance(type_, str) and type_.startswith(PREFIX):
            return value if "type" in value else {**value, "type": type_}
        if value.get("object") != "response":
            return None
        state = value.get("status") or ("failed" if value.get("error") else "completed")
        return {"type": f"{PREFIX}{state}", "response": value}
