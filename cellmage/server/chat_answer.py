"""Encode events and answers in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ..errors import CellmageError
from ..events import Complete, Event, Reasoning, Reclassification, Start, Token, ToolCall
from ..messages import ToolInvocation, Usage
from ..stream.response_stream import ResponseStream
from .encoding import CallIds, comment, sse_data, text_of
from .errors import openai_error
from .fields import get_path


class ChunkEncoder:
    """Encodes the events of one answer as chunks; their common fields are encoded once.

    Args:
        stream: the answer.
        body: the request.
    """

    def __init__(self, stream: ResponseStream, body: Mapping[str, Any]) -> None:
        self._stream = stream
        self._has_usage = bool(get_path(body, "stream_options", "include_usage"))
        head = json.dumps(_head(stream, "chat.completion.chunk"))
        self._prefix = f'data: {head[:-1]}, "choices": [{{"index": 0, "delta": '
        self._call_ids = CallIds()
        self._has_tools = bool(stream.request.tools)

    def encode(self, event: Event) -> str:
        """Return the server-sent event; what OpenAI has no field for becomes a comment."""
        match event:
            case Token() | Reclassification():
                return self._chunk(f'{{"content": {json.dumps(text_of(event))}}}')
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
        return comment(event)

    def end(self) -> str:
        """Return the count of tokens, for a client that asked for it, and the end mark."""
        usage = self._stream.response.usage if self._has_usage else None
        return (_encode_usage(self._stream, usage) if usage else "") + "data: [DONE]\n\n"

    def fail(self, error: CellmageError) -> str:
        """Return the end of a stream whose answer has failed."""
        return sse_data(openai_error(error))

    def _chunk(self, delta: str, finish_reason: str = "null") -> str:
        return f'{self._prefix}{delta}, "finish_reason": {finish_reason}}}]}}\n\n'


def encode_completion(stream: ResponseStream) -> dict[str, Any]:
    """Return a complete answer as one completion.

    Args:
        stream: the answer; it has been read to its end.
    """
    response, ids = stream.response, CallIds()
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


def _encode_usage(stream: ResponseStream, usage: Usage) -> str:
    head = _head(stream, "chat.completion.chunk")
    return sse_data({**head, "choices": [], "usage": _usage(usage)})


def encode_model(name: str) -> dict[str, Any]:
    """Return the entry of a model in the list; its time of creation is not known.

    Example:
        >>> encode_model("m")
        {'id': 'm', 'object': 'model', 'created': 0, 'owned_by': 'cellmage'}
    """
    return {"id": name, "object": "model", "created": 0, "owned_by": "cellmage"}


def _head(stream: ResponseStream, kind: str) -> dict[str, Any]:
    model = stream.request.options.model
    return {"id": stream.id, "object": kind, "created": int(time.time()), "model": model}


def _tool_call(call: ToolCall | ToolInvocation, ids: CallIds) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": ids.unique(call), "type": "function", "function": function}


def _usage(usage: Usage) -> dict[str, Any]:
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
    }
