"""Messages of the Messages API as Anthropic sends them: one body, or the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cellmage.events import Event
from cellmage.providers.messages_api.decoder import MessagesDecoder

Item = dict[str, Any]

USAGE = {
    "input_tokens": 2,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 4,
    "output_tokens": 1,
}


def text(content: str, *citations: Item) -> Item:
    return {"type": "text", "text": content, "citations": list(citations) or None}


def thinking(content: str, signature: str = "sig=") -> Item:
    return {"type": "thinking", "thinking": content, "signature": signature}


def redacted(data: str) -> Item:
    return {"type": "redacted_thinking", "data": data}


def call(name: str, arguments: Item, id: str = "toolu_1") -> Item:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def search(query: str) -> Item:
    return {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": query}}


def result(url: str, title: str) -> Item:
    page = {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "x"}
    return {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [page]}


def citation(url: str, title: str) -> Item:
    place = {"type": "web_search_result_location", "encrypted_index": "x", "cited_text": "so"}
    return {**place, "url": url, "title": title}


def message(*content: Item, stop_reason: str | None = None) -> Item:
    has_call = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": list(content),
        "stop_reason": stop_reason or ("tool_use" if has_call else "end_turn"),
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 5},
    }


def events_of(final: Item, size: int = 3) -> list[Item]:
    """Return the events of the stream of a message, with deltas of some characters."""
    opening = {**final, "content": [], "stop_reason": None, "usage": USAGE}
    events: list[Item] = [{"type": "message_start", "message": opening}, {"type": "ping"}]
    for index, block in enumerate(final["content"]):
        events += [{**event, "index": index} for event in _block_events(block, size)]
    delta = {"stop_reason": final["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": final["usage"]["output_tokens"]}
    return [*events, {"type": "message_delta", "delta": delta, "usage": usage}, {"type": STOP}]


STOP = "message_stop"


def _block_events(block: Item, size: int) -> Iterator[Item]:
    empty = {"text": "", "thinking": "", "signature": "", "input": {}, "citations": None}
    opening = {name: empty.get(name, value) for name, value in block.items()}
    yield {"type": "content_block_start", "content_block": opening}
    for delta in _deltas(block, size):
        yield {"type": "content_block_delta", "delta": delta}
    yield {"type": "content_block_stop"}


def _deltas(block: Item, size: int) -> Iterator[Item]:
    for item in block.get("citations") or ():
        yield {"type": "citations_delta", "citation": item}
    for name in ("text", "thinking"):
        for piece in _pieces(block.get(name, ""), size):
            yield {"type": f"{name}_delta", name: piece}
    if "signature" in block:
        yield {"type": "signature_delta", "signature": block["signature"]}
    if "input" in block:
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in _pieces(json.dumps(block["input"]), size):
            yield {"type": "input_json_delta", "partial_json": piece}


def _pieces(content: str, size: int) -> list[str]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def encode(events: list[Item]) -> bytes:
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
        for event in events
    ).encode("utf-8", "replace")


def stream_of(final: Item, size: int = 3) -> bytes:
    return encode(events_of(final, size))


def decode(pieces: list[bytes], has_tools: bool = True) -> list[Event]:
    decoder = MessagesDecoder(has_tools)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]
