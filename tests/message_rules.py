"""What a strict server refuses: the invariants I1 to I3 of tests/data/state_scenarios.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cellmage.testing import Exchange


def violations(exchange: Exchange) -> list[str]:
    """What is wrong with the messages of a request."""
    messages = exchange.body["messages"]
    if messages[0]["role"] == "system":
        messages = messages[1:]
    return [*_turns(messages), *_tools(messages)]


def _turns(messages: list[dict[str, Any]]) -> Iterator[str]:
    """User and assistant in turn; an assistant that asked for tools speaks again after them."""
    before = "assistant"
    for message in messages:
        role = message["role"]
        if role == "user" and before not in ("assistant", "tool"):
            yield "two questions"
        if role == "assistant" and before == "assistant":
            yield "two answers"
        if not message["content"] and not message.get("tool_calls"):
            yield f"empty: {message}"
        before = role
    if before not in ("user", "tool"):
        yield "the last message is the assistant's"


def _tools(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Every call has one result, directly after the message that asks for it."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                yield f"a result without its call: {message}"
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            yield f"calls without results: {waiting}"
        calls = message.get("tool_calls") or []
        waiting = [call["id"] for call in calls]
        if not all(waiting) or len(set(waiting)) < len(waiting):
            yield f"ids are empty, or not each its own: {waiting}"
        for call in (each["function"] for each in calls):
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["name"]):
                yield f"no name: {call}"
            if not isinstance(json.loads(call["arguments"]), dict):
                yield f"no arguments: {call}"
    if waiting:
        yield f"calls without results: {waiting}"
