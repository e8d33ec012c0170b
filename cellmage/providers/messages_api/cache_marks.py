"""Mark what the Messages API should keep in its cache; no I/O.

Source: Anthropic's documentation, "Prompt caching". A mark covers all before it: the tools, the
system prompt, the messages. At most four are allowed; here are at most two. Reading costs a tenth,
writing a quarter more. Text below a least size, which is 512 to 4096 tokens for today's models, is
not kept, and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARK = {"type": "ephemeral"}

_MIN_CHARS = 4 * 1024
"""Shorter text is not marked: 1024 tokens are about the least that most models keep."""

_MARKABLE = ("text", "image", "document", "tool_use", "tool_result")
"""The types of blocks that may have a mark; reasoning may not."""


def mark_for_cache(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with marks behind what the next request will repeat.

    One is behind the tools and the system prompt. One is behind the last message that the next
    request has again: the results of tools, or what is before the question.

    Args:
        payload: the fields of the request.

    Example:
        >>> long, short = "word " * 999, {"role": "user", "content": [{"type": "text", "text": ""}]}
        >>> marked = mark_for_cache({"system": long, "messages": [short]})
        >>> marked["system"][0]["cache_control"], marked["messages"] == [short]
        ({'type': 'ephemeral'}, True)
        >>> mark_for_cache({"system": "Be brief.", "messages": [short]})["system"]
        'Be brief.'
    """
    marked = dict(payload)
    system, tools = payload.get("system"), payload.get("tools") or []
    messages = list(payload["messages"])
    size = _count_chars([system, tools])
    if size >= _MIN_CHARS:
        if system:
            marked["system"] = [{"type": "text", "text": system, "cache_control": _MARK}]
        else:
            marked["tools"] = [*tools[:-1], {**tools[-1], "cache_control": _MARK}]
    stable = messages if _has_results(messages[-1]) else messages[:-1]
    if stable and size + _count_chars(stable) >= _MIN_CHARS:
        messages[len(stable) - 1] = _mark_message(stable[-1])
    return {**marked, "messages": messages}


def _has_results(message: Mapping[str, Any]) -> bool:
    return any(block["type"] == "tool_result" for block in message["content"])


def _mark_message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    *blocks, last = message["content"]
    if last["type"] not in _MARKABLE or last.get("text") == "":
        return message
    return {**message, "content": [*blocks, {**last, "cache_control": _MARK}]}


def _count_chars(value: Any) -> int:
    """Return about how many characters a part of a payload has."""
    if isinstance(value, Mapping):
        return sum(map(_count_chars, value.values()))
    if isinstance(value, list):
        return sum(map(_count_chars, value))
    return len(value) if isinstance(value, str) else 0
