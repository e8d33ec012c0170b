"""What the strict server of the Responses API checks in a request. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from tests.zoo.families import Family
from tests.zoo.fault import Fault, attached, refused_fields, unknown_fields

_FIELDS = {
    *("model", "instructions", "input", "tools", "stream", "store", "include", "reasoning"),
    *("temperature", "max_output_tokens", "text", "prompt_cache_key"),
}
_REASONING_FIELDS = {"type", "id", "summary", "encrypted_content"}
_STEP_ENDS = ("function_call_output",)

Item = dict[str, Any]


def responses_faults(body: Item, family: Family) -> Iterator[Fault]:
    """Yield the faults of a request to a family that is asked by the Responses API."""
    yield from unknown_fields(body, _FIELDS, family)
    yield from refused_fields(body, family)
    items = body["input"]
    if body.get("store") is not False or "reasoning.encrypted_content" not in body["include"]:
        yield Fault("nothing is stored here, so the encrypted reasoning must be included")
    pending: list[str] = []
    question = max(index for index, item in enumerate(items) if item.get("role") == "user")
    for index, item in enumerate(items):
        following = items[index + 1] if index + 1 < len(items) else {}
        yield from _reasoning_faults(item, following, family)
        yield from _call_faults(item, pending, family)
        yield from _text_faults(item, family)
        if item.get("type") == "function_call" and index > question:
            step = takewhile(lambda item: item.get("type") not in _STEP_ENDS, items[:index][::-1])
            if not any(item.get("type") == "reasoning" for item in step):
                yield Fault("Item 'function_call' was provided without its 'reasoning' item.")
    if pending:
        yield Fault(f"No tool output found for function call {pending[0]}.")


def _reasoning_faults(item: Item, following: Item, family: Family) -> Iterator[Fault]:
    if item.get("type") != "reasoning":
        return
    if item.keys() - _REASONING_FIELDS:
        yield Fault(f"Unknown parameter: {item.keys() - _REASONING_FIELDS}")
    if item.get("encrypted_content") != family.sign(item["id"]):
        yield Fault("The encrypted content could not be verified.")
    is_followed = following.get("type") == "function_call" or following.get("role") == "assistant"
    if not is_followed and following.get("type") != "reasoning":
        yield Fault("Item 'reasoning' was provided without its required following item.")


def _call_faults(item: Item, pending: list[str], family: Family) -> Iterator[Fault]:
    if item.get("type") == "function_call":
        pending.append(item["call_id"])
        if not isinstance(json.loads(item["arguments"]), dict) or not item["name"]:
            yield Fault("a call without its name, or its arguments")
    elif item.get("type") == "function_call_output":
        if item["call_id"] not in pending:
            yield Fault(f"No tool call found for function call output {item['call_id']}.")
        else:
            pending.remove(item["call_id"])
    elif "role" in item and pending:
        yield Fault(f"No tool output found for function call {pending[0]}.")


def _text_faults(item: Item, family: Family) -> Iterator[Fault]:
    if "role" not in item:
        return
    if item["role"] not in ("user", "assistant") or not item["content"]:
        yield Fault(f"Invalid input: {item}")
    parts = item["content"] if isinstance(item["content"], list) else []
    for part in parts:
        match part["type"]:
            case "input_text":
                continue
            case "input_image":
                yield from attached(part["image_url"], "image", family)
            case "input_file":
                yield from attached(part["file_data"], "PDF", family)
            case other:
                yield Fault(f"Invalid value: '{other}'.")
