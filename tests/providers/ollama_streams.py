"""Answers of Ollama's chat API as it sends them: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cellmage.events import Event
from cellmage.providers.ollama_api.decoder import OllamaDecoder

Item = dict[str, Any]

COUNTS = {"prompt_eval_count": 9, "eval_count": 5, "total_duration": 10**9}


def piece(content: str = "", **fields: Any) -> Item:
    message = {"role": "assistant", "content": content, **fields}
    return {"model": "m", "created_at": "2026-11-28T00:00:00Z", "message": message, "done": False}


def last(reason: str = "stop") -> Item:
    return {**piece(), "done": True, "done_reason": reason, **COUNTS}


def call(name: str, arguments: Item) -> Item:
    return piece(tool_calls=[{"function": {"name": name, "arguments": arguments}}])


def lines(*objects: Item, ascii_only: bool = True) -> bytes:
    texts = (json.dumps(item, ensure_ascii=ascii_only) + "\n" for item in objects)
    return "".join(texts).encode()


def decode(pieces: Sequence[bytes], has_tools: bool = True) -> list[Event]:
    decoder = OllamaDecoder(has_tools)
    events = [event for part in pieces for event in decoder.feed(part)]
    return [*events, *decoder.close()]
