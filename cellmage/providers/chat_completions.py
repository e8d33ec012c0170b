"""Decode the body of a chat completion to events; no I/O.

Source: OpenAI's API reference, "Chat completions", as a stream of chunks or as one completion, and
the variants of the servers that are compatible with it. `event_body` decodes the body, `chunks`
each of its objects, and `answer_text` the text and the reasoning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ProtocolError
from ..events import Event
from .chunks import ChunkDecoder
from .event_body import BodyDecoder
from .json_values import parse_json
from .other_protocols import other_protocol_error


class ChatCompletionDecoder(BodyDecoder):
    """Decodes the body of one chat completion: see `BodyDecoder`.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.
        content_type: that of the reply.

    Example:
        >>> decoder = ChatCompletionDecoder()
        >>> list(decoder.feed(b'data: {"choices": [{"delta": {"content": "Hi"}}]}\\n\\n'))
        [Token(text='Hi')]
        >>> list(decoder.feed(b'data: {"choices": [{"finish_reason": "stop"}]}\\n\\n'))
        []
        >>> list(decoder.close())
        [Complete(finish_reason='stop', usage=None)]
    """

    _mark = '"choices"'

    def __init__(self, has_tools: bool = False, content_type: str = "text/event-stream") -> None:
        super().__init__(ChunkDecoder(has_tools), content_type)

    def _is_complete(self) -> bool:
        return bool(self.finish_reason) or self.done

    def _on_object(self, value: dict[str, Any], has_addresses: bool) -> Iterable[Event]:
        self._raise_error(value)
        if "choices" not in value and (other := other_protocol_error(value)):
            raise other
        return self._decode(value, has_addresses)


def model_names(data: bytes) -> list[str]:
    """Return the names in a list of models, sorted.

    Args:
        data: the body of the reply to ``GET /models``.

    Raises:
        ProtocolError: the body is not a list of models.

    Example:
        >>> model_names(b'{"data": [{"id": "b"}, {"id": "a"}]}')
        ['a', 'b']
    """
    body = parse_json(data)
    models = body.get("data") if isinstance(body, dict) else body
    if not isinstance(models, list):
        raise ProtocolError("what came back is no list of models; does the base URL end in /v1?")
    return sorted(str(model["id"]) for model in models if isinstance(model, dict) and "id" in model)
