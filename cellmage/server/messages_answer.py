"""Encode events and answers in the form of Anthropic's Messages API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import CellmageError
from ..events import Complete, Event, Reasoning, Reclassification, Start, Token, ToolCall
from ..messages import ToolInvocation, Usage
from ..stream.response_stream import ResponseStream
from .encoding import CallIds, comment, end_word, sse_event, text_of
from .errors import anthropic_error

_REASONS = {
    "stop": "end_turn",
    "calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
}

Block = dict[str, Any]


class MessageEncoder:
    """Encodes the events of one answer as those of a message.

    Args:
        stream: the answer.
        _body: the request.
    """

    def __init__(self, stream: ResponseStream, _body: Mapping[str, Any]) -> None:
        self._stream = stream
        self._ids = CallIds()
        self._index = -1
        self._kind = ""  # of the block that is open
        self._delta = ""  # the beginning of its deltas

    def encode(self, event: Event) -> str:
        """Return the server-sent events; what the API has no form for becomes a comment."""
        match event:
            case Token() | Reclassification():
                return self._text("text", text_of(event))
            case Reasoning():
                return self._text("thinking", event.text)
            case Start():
                message = _message(self._stream, [], None, Usage())
                return sse_event({"type": "message_start", "message": message})
            case ToolCall() if self._stream.request.tools:
                return "".join(self._call(event))
            case Complete():
                return ""
        return comment(event)

    def end(self) -> str:
        """Return the end: the stop reason and the count of tokens."""
        response = self._stream.response
        reason = end_word(response, _REASONS, has_calls=len(self._ids) > 0)
        delta = {"stop_reason": reason, "stop_sequence": None}
        usage = _usage(response.usage or Usage())
        last = {"type": "message_delta", "delta": delta, "usage": usage}
        return self._leave() + sse_event(last) + sse_event({"type": "message_stop"})

    def fail(self, error: CellmageError) -> str:
        """Return the end of a stream whose answer has failed."""
        return sse_event(anthropic_error(error))

    def _text(self, kind: str, text: str) -> str:
        start = "" if kind == self._kind else self._enter(kind, _text_block(kind, ""))
        return f"{start}{self._delta}{json.dumps(text)}}}}}\n\n"

    def _enter(self, kind: str, block: Block, field: str = "") -> str:
        """Return the beginning of a block; end the one before it."""
        end = self._leave()
        self._index, self._kind = self._index + 1, kind
        type_, field = _DELTAS[kind]
        start = "event: content_block_delta\ndata: "
        self._delta = f'{start}{{"type": "content_block_delta", "index": {self._index}, '
        self._delta += f'"delta": {{"type": "{type_}", "{field}": '
        event = {"type": "content_block_start", "index": self._index}
        return end + sse_event({**event, "content_block": block})

    def _leave(self) -> str:
        """Return the end of the block that is open."""
        if not self._kind:
            return ""
        self._kind = ""
        return sse_event({"type": "content_block_stop", "index": self._index})

    def _call(self, call: ToolCall) -> Iterator[str]:
        yield self._enter("tool_use", {**_call_block(call, self._ids), "input": {}})
        yield f"{self._delta}{json.dumps(call.arguments)}}}}}\n\n"
        yield self._leave()


_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
"""The types of the deltas of a block, and the field of a piece."""


def encode_message(stream: ResponseStream) -> dict[str, Any]:
    """Return a complete answer as one message.

    Args:
        stream: the answer; it has been read to its end.
    """
    response, ids = stream.response, CallIds()
    parts = (("thinking", response.reasoning), ("text", response.text))
    blocks = [_text_block(kind, text) for kind, text in parts if text]
    for step in response.steps if stream.request.tools else ():
        blocks += [_call_block(call, ids) for call in step.calls]
    reason = end_word(response, _REASONS, has_calls=len(ids) > 0)
    return _message(stream, blocks, reason, response.usage or Usage())


def _message(
    stream: ResponseStream, blocks: list[Block], reason: str | None, usage: Usage
) -> dict[str, Any]:
    return {
        "id": f"msg_{stream.id}",
        "type": "message",
        "role": "assistant",
        "model": stream.request.options.model,
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _usage(usage),
    }


def _text_block(kind: str, text: str) -> Block:
    # A signature proves who wrote the reasoning; ours has none, and is not read again.
    return {"type": kind, kind: text, **({"signature": ""} if kind == "thinking" else {})}


def _call_block(call: ToolCall | ToolInvocation, ids: CallIds) -> Block:
    head = {"type": "tool_use", "id": ids.unique(call), "name": call.name}
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    return {**head, "input": arguments if isinstance(arguments, dict) else {}}


def _usage(usage: Usage) -> dict[str, int]:
    """Return the counts; those of the cache are not in that of the input here."""
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    return {
        "input_tokens": max((usage.input_tokens or 0) - cached - written, 0),
        "output_tokens": usage.output_tokens or 0,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
    }
