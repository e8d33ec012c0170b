"""The checks of a strict server: invariants I1 to I3 of tests/data/state_scenarios.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cellmage.testing import Exchange


def violations(exchange: Exchange) -> list[str]:
    """Return the faults in the messages of a request."""
    return message_violations(exchange.body["messages"])


def message_violations(messages: list[dict[str, Any]]) -> list[str]:
    """Return the faults in some messages, as chat completions has them."""
    if messages[0]["role"] == "system":
        messages = messages[1:]
    return [*_turns(messages), *_tools(messages)]


def _turns(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Check that user and assistant alternate; the results of tools precede an assistant."""
    previous = "assistant"
    for message in messages:
        role = message["role"]
        if role == "user" and previous not in ("assistant", "tool"):
            yield "two questions"
        if role == "assistant" and previous == "assistant":
            yield "two answers"
        if not message["content"] and not message.get("tool_calls"):
            yield f"empty: {message}"
        previous = role
    if previous not in ("user", "tool"):
        yield "the last message is the assistant's"


def _tools(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Check that every call has one result, directly after the message that holds the call."""
    pending: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in pending:
                yield f"a result without its call: {message}"
            else:
                pending.remove(message["tool_call_id"])
            continue
        if pending:
            yield f"calls without results: {pending}"
        calls = message.get("tool_calls") or []
        pending = [call["id"] for call in calls]
        if not all(pending) or len(set(pending)) < len(pending):
            yield f"ids are empty or not unique: {pending}"
        for call in (item["function"] for item in calls):
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["name"]):
                yield f"no name: {call}"
            if not isinstance(json.loads(call["arguments"]), dict):
                yield f"no arguments: {call}"
    if pending:
        yield f"calls without results: {pending}"
