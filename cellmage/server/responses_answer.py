"""Encode events and answers in the form of OpenAI's Responses API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from ..errors import CellmageError
from ..events import Complete, Event, Reasoning, Reclassification, Start, Token, ToolCall
from ..messages import ToolInvocation, Usage
from ..stream.response_stream import ResponseStream
from .encoding import CallIds, comment, end_word, sse_event, text_of
from .errors import openai_error

_STATES = {
    "stop": "completed",
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}

Item = dict[str, Any]


class ResponseEncoder:
    """Encodes the events of one answer as those of a response.

    Args:
        stream: the answer.
        _body: the request.
    """

    def __init__(self, stream: ResponseStream, _body: Mapping[str, Any]) -> None:
        self._stream = stream
        self._numbers = count()
        self._items: list[Item] = []
        self._texts: list[str] = []  # of the item that is open
        self._ids = CallIds()
        self._delta = ""  # the beginning of the deltas of the item that is open

    def encode(self, event: Event) -> str:
        """Return the server-sent events; what the API has no form for becomes a comment."""
        match event:
            case Token() | Reclassification():
                return self._text("message", text_of(event))
            case Reasoning():
                return self._text("reasoning", event.text)
            case Start():
                response = _response(self._stream, "in_progress", [])
                events = ("response.created", "response.in_progress")
                return "".join(self._event(name, response=response) for name in events)
            case ToolCall() if self._stream.request.tools:
                return "".join(self._call(event))
            case Complete():
                return ""
        return comment(event)

    def end(self) -> str:
        """Return the end: the whole response."""
        item_end = "".join(self._leave())
        final = _final_response(self._stream, self._items)
        return item_end + self._event(f"response.{final['status']}", response=final)

    def fail(self, error: CellmageError) -> str:
        """Return the end of a stream whose answer has failed."""
        body = openai_error(error)
        return self._event("error", **body["error"] | {"type": "error"}, **body)

    def _event(self, type_: str, **fields: Any) -> str:
        fields = {"type": type_, "sequence_number": next(self._numbers)} | fields
        return sse_event(fields)

    def _text(self, kind: str, text: str) -> str:
        start = "" if self._texts and self._items[-1]["type"] == kind else self._enter(kind)
        self._texts.append(text)
        delta = f'{json.dumps(text)}, "sequence_number": {next(self._numbers)}}}\n\n'
        return f"{start}{self._delta}{delta}"

    def _enter(self, kind: str) -> str:
        """Return the beginning of an item with a text; end the one before it."""
        end = "".join(self._leave())
        item = _text_item(kind, "", len(self._items), "in_progress")
        self._items.append(item)
        name, _, _ = _NAMES[kind]
        position = json.dumps(self._place())[1:-1]
        type_ = f"response.{name}.delta"
        self._delta = f'event: {type_}\ndata: {{"type": "{type_}", {position}, "delta": '
        opening = {**item, **({"content": []} if kind == "message" else {"summary": []})}
        added = self._event("response.output_item.added", **self._index(), item=opening)
        return end + added + self._part("added", "")

    def _leave(self) -> Iterator[str]:
        """Yield the end of the item with a text that is open."""
        if not self._texts:
            return
        text, kind = "".join(self._texts), self._items[-1]["type"]
        self._texts.clear()
        name, _, _ = _NAMES[kind]
        yield self._event(f"response.{name}.done", **self._place(), text=text)
        yield self._part("done", text)
        self._items[-1] = _text_item(kind, text, len(self._items) - 1, "completed")
        yield self._event("response.output_item.done", **self._index(), item=self._items[-1])

    def _part(self, state: str, text: str) -> str:
        kind = self._items[-1]["type"]
        _, name, _ = _NAMES[kind]
        return self._event(f"response.{name}.{state}", **self._place(), part=_part(kind, text))

    def _call(self, call: ToolCall) -> Iterator[str]:
        yield from self._leave()
        item = _call_item(call, self._ids, len(self._items))
        self._items.append(item)
        opening = {**item, "arguments": "", "status": "in_progress"}
        yield self._event("response.output_item.added", **self._index(), item=opening)
        name, position = (
            "response.function_call_arguments",
            {**self._index(), "item_id": item["id"]},
        )
        yield self._event(f"{name}.delta", **position, delta=call.arguments)
        yield self._event(f"{name}.done", **position, name=call.name, arguments=call.arguments)
        yield self._event("response.output_item.done", **self._index(), item=item)

    def _index(self) -> dict[str, Any]:
        return {"output_index": len(self._items) - 1}

    def _place(self) -> dict[str, Any]:
        item = self._items[-1]
        _, _, index = _NAMES[item["type"]]
        logprobs: Item = {"logprobs": []} if item["type"] == "message" else {}
        return {**self._index(), "item_id": item["id"], index: 0, **logprobs}


_NAMES = {
    "message": ("output_text", "content_part", "content_index"),
    "reasoning": ("reasoning_summary_text", "reasoning_summary_part", "summary_index"),
}
"""The names of an item's deltas and parts, and of the index of a part."""


def encode_response(stream: ResponseStream) -> dict[str, Any]:
    """Return a complete answer as one response.

    Args:
        stream: the answer; it has been read to its end.
    """
    response, ids, items = stream.response, CallIds(), list[Item]()
    for kind, text in (("reasoning", response.reasoning), ("message", response.text)):
        if text:
            items.append(_text_item(kind, text, len(items), "completed"))
    for step in response.steps if stream.request.tools else ():
        for call in step.calls:
            items.append(_call_item(call, ids, len(items)))
    return _final_response(stream, items)


def _final_response(stream: ResponseStream, items: list[Item]) -> dict[str, Any]:
    response = stream.response
    word = end_word(response, _STATES, has_calls=False)
    is_complete = word == "completed"
    final = _response(stream, "completed" if is_complete else "incomplete", items)
    details = None if is_complete else {"reason": word}
    usage = response.usage and _usage(response.usage)
    return {**final, "incomplete_details": details, "usage": usage}


def _response(stream: ResponseStream, status: str, items: list[Item]) -> dict[str, Any]:
    return {
        "id": f"resp_{stream.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": stream.request.options.model,
        "output": items,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": stream.request.options.temperature,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def _text_item(kind: str, text: str, index: int, status: str) -> Item:
    part = _part(kind, text)
    if kind == "reasoning":
        return {"id": f"rs_{index}", "type": kind, "summary": [part], "status": status}
    fields = {"role": "assistant", "content": [part], "status": status}
    return {"id": f"msg_{index}", "type": kind, **fields}


def _part(kind: str, text: str) -> Item:
    if kind == "reasoning":
        return {"type": "summary_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call_item(call: ToolCall | ToolInvocation, ids: CallIds, index: int) -> Item:
    head = {"id": f"fc_{index}", "type": "function_call", "status": "completed"}
    return {**head, "call_id": ids.unique(call), "name": call.name, "arguments": call.arguments}


def _usage(usage: Usage) -> dict[str, Any]:
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": tokens_in + tokens_out,
    }
