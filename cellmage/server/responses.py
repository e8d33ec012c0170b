"""Encode events and answers in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from ..events import Complete, Event, Reasoning, Reclassification, Start, Token, ToolCall
from ..messages import ToolInvocation, Usage
from ..stream.response_stream import ResponseStream

_END_TAG = "</think>\n\n"
"""What a model writes after reasoning that its chat template has begun."""


class ChunkEncoder:
    """Encodes the events of one answer as chunks; their common fields are encoded once.

    Args:
        stream: the answer.
    """

    def __init__(self, stream: ResponseStream) -> None:
        head = json.dumps(_head(stream, "chat.completion.chunk"))
        self._prefix = f'data: {head[:-1]}, "choices": [{{"index": 0, "delta": '
        self._call_ids: set[str] = set()
        self._has_tools = bool(stream.request.tools)

    def encode(self, event: Event) -> str:
        """Return the server-sent event; what OpenAI has no field for becomes a comment."""
        match event:
            case Token() | Reclassification():
                # The client has the text, and reads the end tag as it would read it of the model.
                text = event.text if isinstance(event, Token) else _END_TAG
                return self._chunk(f'{{"content": {json.dumps(text)}}}')
            case Reasoning():
                return self._chunk(f'{{"reasoning_content": {json.dumps(event.text)}}}')
            case Start():
                return self._chunk('{"role": "assistant", "content": ""}')
            case ToolCall() if self._has_tools:
                call = {"index": len(self._call_ids), **_tool_call(event, self._call_ids)}
                return self._chunk(json.dumps({"tool_calls": [call]}))
            case Complete():
                default = "tool_calls" if self._call_ids else "stop"
                return self._chunk("{}", json.dumps(event.finish_reason or default))
        return f": {json.dumps(asdict(event))}\n\n"

    def _chunk(self, delta: str, finish_reason: str = "null") -> str:
        return f'{self._prefix}{delta}, "finish_reason": {finish_reason}}}]}}\n\n'


def encode_completion(stream: ResponseStream) -> dict[str, Any]:
    """Return a complete answer as one completion.

    Args:
        stream: the answer; it has been read to its end.
    """
    response, ids = stream.response, set[str]()
    steps = response.steps if stream.request.tools else ()
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if calls := [_tool_call(call, ids) for step in steps for call in step.calls]:
        message |= {"content": response.text or None, "tool_calls": calls}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    finish_reason = response.finish_reason or ("tool_calls" if calls else "stop")
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    usage = {"usage": _usage(response.usage)} if response.usage else {}
    return {**_head(stream, "chat.completion"), "choices": [choice], **usage}


def encode_usage(stream: ResponseStream, usage: Usage) -> str:
    """Return the last chunk, for a client that asked for the count of tokens."""
    head = _head(stream, "chat.completion.chunk")
    return sse_data({**head, "choices": [], "usage": _usage(usage)})


def encode_model(name: str) -> dict[str, Any]:
    """Return the entry of a model in the list; its time of creation is not known.

    Example:
        >>> encode_model("m")
        {'id': 'm', 'object': 'model', 'created': 0, 'owned_by': 'cellmage'}
    """
    return {"id": name, "object": "model", "created": 0, "owned_by": "cellmage"}


def sse_data(value: Mapping[str, Any]) -> str:
    """Return a server-sent event with JSON as its data."""
    return f"data: {json.dumps(value)}\n\n"


def _head(stream: ResponseStream, kind: str) -> dict[str, Any]:
    model = stream.request.options.model
    return {"id": stream.id, "object": kind, "created": int(time.time()), "model": model}


def _tool_call(call: ToolCall | ToolInvocation, ids: set[str]) -> dict[str, Any]:
    """Return a call with an id of its own, and add the id to `ids`.

    Some servers send no id, or one id for all calls.
    """
    is_unique = bool(call.id) and call.id not in ids
    call_id = call.id if is_unique else uuid4().hex[:9]  # Mistral accepts exactly nine characters
    ids.add(call_id)
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call_id, "type": "function", "function": function}


def _usage(usage: Usage) -> dict[str, int]:
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
