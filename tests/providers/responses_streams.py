"""Responses of the Responses API as OpenAI sends them: one body, or the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from cellmage.events import Event
from cellmage.providers.responses.decoder import ResponsesDecoder

Item = dict[str, Any]

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}


def text_part(text: str, *annotations: Item) -> Item:
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def message(*parts: Item | str, **fields: Any) -> Item:
    content = [text_part(part) if isinstance(part, str) else part for part in parts]
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    return {**item, "content": content, **fields}


def refusal(text: str) -> Item:
    return message({"type": "refusal", "refusal": text})


def reasoning(*summary: str, **fields: Any) -> Item:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": "rs_1", "type": "reasoning", "summary": parts, **fields}


def call(name: str, arguments: Any, call_id: str = "call_1", **fields: Any) -> Item:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    item = {"id": "fc_1", "type": "function_call", "status": "completed"}
    return {**item, "call_id": call_id, "name": name, "arguments": text, **fields}


def search(query: str) -> Item:
    action = {"type": "search", "query": query}
    return {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action}


def citation(url: str, title: str) -> Item:
    return {"type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": 1}


def response(*output: Item, status: str = "completed", **fields: Any) -> Item:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-6-luna",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        **fields,
    }


def events_of(final: Item, size: int = 3, items: list[Item] | None = None) -> list[Item]:
    """Return the events of the stream that ends with a response.

    Args:
        final: the response at the end.
        size: the characters in a delta.
        items: the items as their own events have them, if not as the response.
    """
    opening = {**final, "status": "in_progress", "output": [], "usage": None}
    events = [{"type": f"response.{name}", "response": opening} for name in CREATED]
    for index, item in enumerate(final["output"] if items is None else items):
        for event in _item_events(item, size):
            events.append({**event, "output_index": index})
    events.append({"type": f"response.{final['status']}", "response": final})
    return [{**event, "sequence_number": number} for number, event in zip(count(), events)]


CREATED = ("created", "in_progress")


def _item_events(item: Item, size: int) -> Iterator[Item]:
    id = item["id"]
    empty = {"content": [], "summary": [], "arguments": "", "status": "in_progress"}
    opening = {name: empty.get(name, value) for name, value in item.items()}
    yield {"type": "response.output_item.added", "item": opening}
    for event in _inner_events(item, size):
        yield {**event, "item_id": id}
    yield {"type": "response.output_item.done", "item": item}


def _inner_events(item: Item, size: int) -> Iterator[Item]:
    for index, part in enumerate(item.get("summary", ())):
        yield from _deltas("reasoning_summary_text", part["text"], size, summary_index=index)
    for index, part in enumerate(item.get("content", ())):
        name = "refusal" if part["type"] == "refusal" else part["type"]
        text = part.get("text", part.get("refusal"))
        yield from _deltas(name, text, size, content_index=index)
        for number, annotation in enumerate(part.get("annotations", ())):
            fields = {"annotation_index": number, "content_index": index}
            type_ = "response.output_text.annotation.added"
            yield {"type": type_, "annotation": annotation, **fields}
    if item["type"] == "function_call":
        yield from _deltas("function_call_arguments", item["arguments"], size, name=item["name"])
    if item["type"] == "web_search_call":
        for state in ("in_progress", "searching", "completed"):
            yield {"type": f"response.web_search_call.{state}"}


DONE_FIELDS = {"function_call_arguments": "arguments", "refusal": "refusal"}


def _deltas(kind: str, text: str, size: int, **fields: Any) -> Iterator[Item]:
    logprobs = {"logprobs": []} if kind == "output_text" else {}
    fields |= logprobs
    for start in range(0, len(text), size):
        delta = text[start : start + size]
        yield {"type": f"response.{kind}.delta", "delta": delta, **fields}
    yield {"type": f"response.{kind}.done", DONE_FIELDS.get(kind, "text"): text, **fields}


def encode(events: list[Item], ascii_only: bool = True) -> bytes:
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=ascii_only)}\n\n"
        for event in events
    ).encode("utf-8", "replace")


def stream_of(final: Item, **kwargs: Any) -> bytes:
    return encode(events_of(final, **kwargs))


def decode(pieces: list[bytes], has_tools: bool = True) -> list[Event]:
    decoder = ResponsesDecoder(has_tools)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]
