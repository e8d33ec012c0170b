"""What the strict server of the Messages API checks in a request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.zoo.families import Family
from tests.zoo.fault import Fault, attached, decoded, refused_fields, unknown_fields

_FIELDS = {
    *("model", "system", "messages", "max_tokens", "tools", "stream", "temperature", "thinking"),
    *("output_config", "cache_control"),
}
_ID = re.compile("[A-Za-z0-9_-]+")

Item = dict[str, Any]


def messages_faults(body: Item, family: Family) -> Iterator[Fault]:
    """Yield the faults of a request to a family that is asked by the Messages API."""
    yield from unknown_fields(body, _FIELDS, family)
    yield from refused_fields(body, family)
    if not isinstance(body.get("max_tokens"), int):
        yield Fault("max_tokens: Field required")
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    if roles != [("user", "assistant")[index % 2] for index in range(len(roles))]:
        yield Fault(f"messages: roles must alternate, and begin with the user's: {roles}")
    if roles[-1] != "user":
        yield Fault("This model does not support assistant message prefill.")
    calls = [block["id"] for message in messages for block in _blocks(message, "tool_use")]
    if len(set(calls)) < len(calls):
        yield Fault("messages: `tool_use` ids must be unique")
    pending: set[str] = set()
    for index, message in enumerate(messages):
        results = [block["tool_use_id"] for block in _blocks(message, "tool_result")]
        if set(results) != pending or len(results) > len(pending):
            yield Fault("`tool_use` ids were found without `tool_result` blocks after")
        pending = {block["id"] for block in _blocks(message, "tool_use")}
        for block in message["content"]:
            yield from _block_faults(block, message["role"], family)
        if message["role"] == "assistant":
            is_round = all(block["type"] == "tool_result" for block in messages[-1]["content"])
            is_new = index == len(messages) - 2 and is_round
            yield from _thinking_faults(message["content"], family, is_new)


def _blocks(message: Item, type_: str) -> list[Item]:
    return [block for block in message["content"] if block["type"] == type_]


def _block_faults(block: Item, role: str, family: Family) -> Iterator[Fault]:
    match role, block["type"]:
        case _, "text":
            if not block["text"].strip():
                yield Fault("messages: text content blocks must be non-empty")
        case "assistant", "tool_use":
            if not (_ID.fullmatch(block["id"]) and isinstance(block["input"], dict)):
                yield Fault(f"messages: an invalid tool_use: {block}")
        case "assistant", "thinking":
            if block.get("signature") != family.sign(block["thinking"]):
                yield Fault("messages: Invalid `signature` in `thinking` block")
        case "user", "tool_result":
            pass
        case "user", ("image" | "document"):
            yield from _source_faults(block, family)
        case _:
            yield Fault(f"messages: Input tag '{block['type']}' does not match")


def _source_faults(block: Item, family: Family) -> Iterator[Fault]:
    source, kind = block["source"], "image" if block["type"] == "image" else "PDF"
    if source["type"] == "url":
        yield from attached(source["url"], kind, family)
    else:
        yield from decoded(source["data"], source["media_type"])


def _thinking_faults(content: list[Item], family: Family, is_new: bool) -> Iterator[Fault]:
    if content[-1]["type"] == "thinking":
        yield Fault("The final block in an assistant message cannot be `thinking`.")
    has_call = any(block["type"] == "tool_use" for block in content)
    if family.state == "signature" and is_new and has_call and content[0]["type"] != "thinking":
        yield Fault("Expected `thinking`, but found `tool_use`.")
