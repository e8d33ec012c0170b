"""Events and answers in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from ..events import Complete, Event, Reasoning, Start, Token, ToolCall
from ..messages import ToolInvocation, Usage
from ..stream.response_stream import ResponseStream


class Chunks:
    """Events of one answer as chunks; what they have in common is written once."""

    def __init__(self, stream: ResponseStream) -> None:
        head = json.dumps(_head(stream, "chat.completion.chunk"))
        self._begin = f'data: {head[:-1]}, "choices": [{{"index": 0, "delta": '
        self._ids: set[str] = set()
        self._has_tools = bool(stream.request.tools)

    def of(self, event: Event) -> str:
        """The chunk; events that OpenAI's form has no place for are comments."""
        match event:
            case Token():
                return self._chunk(f'{{"content": {json.dumps(event.text)}}}')
            case Reasoning():
                return self._chunk(f'{{"reasoning_content": {json.dumps(event.text)}}}')
            case Start():
                return self._chunk('{"role": "assistant", "content": ""}')
            case ToolCall() if self._has_tools:
                call = {"index": len(self._ids), **_asked(event, self._ids)}
                return self._chunk(json.dumps({"tool_calls": [call]}))
            case Complete(reason):
                usual = "tool_calls" if self._ids else "stop"
                return self._chunk("{}", json.dumps(reason or usual))
        return f": {json.dumps(asdict(event))}\n\n"

    def _chunk(self, delta: str, reason: str = "null") -> str:
        return f'{self._begin}{delta}, "finish_reason": {reason}}}]}}\n\n'


def _asked(call: ToolCall | ToolInvocation, ids: set[str]) -> dict[str, Any]:
    """A call with an id of its own, which is put to the others: some servers give one to all."""
    name = call.id if call.id and call.id not in ids else uuid4().hex[:9]  # as Mistral's are
    ids.add(name)
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": name, "type": "function", "function": function}


def whole(stream: ResponseStream) -> dict[str, Any]:
    """An answer that has been read, as one completion."""
    response, ids = stream.response, set[str]()
    rounds = response.steps if stream.request.tools else ()
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if calls := [_asked(call, ids) for each in rounds for call in each.calls]:
        message |= {"content": response.text or None, "tool_calls": calls}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    reason = response.finish_reason or ("tool_calls" if calls else "stop")
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"usage": _usage(response.usage)} if response.usage else {}
    return {**_head(stream, "chat.completion"), "choices": [choice], **usage}


def _head(stream: ResponseStream, kind: str) -> dict[str, Any]:
    model = stream.request.options.model
    return {"id": stream.id, "object": kind, "created": int(time.time()), "model": model}


def _usage(usage: Usage) -> dict[str, int]:
    asked, answered = usage.input_tokens or 0, usage.output_tokens or 0
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def usage_chunk(stream: ResponseStream, usage: Usage) -> str:
    """The last chunk, for those who have asked for the tokens."""
    head = _head(stream, "chat.completion.chunk")
    return data({**head, "choices": [], "usage": _usage(usage)})


def data(value: Mapping[str, Any]) -> str:
    """A server-sent event that is JSON."""
    return f"data: {json.dumps(value)}\n\n"
