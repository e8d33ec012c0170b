"""What a strict server of Ollama's own API checks in a request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.zoo.families import Family
from tests.zoo.fault import Fault, decoded, refused_fields

_FIELDS = {"model", "messages", "tools", "stream", "format", "think", "options", "keep_alive"}
_MESSAGE_FIELDS = {
    *("role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"),
}
_OPTIONS = {"num_ctx", "num_predict", "temperature", "seed", "stop", "top_p", "top_k", "min_p"}


def ollama_faults(body: dict[str, Any], family: Family) -> Iterator[Fault]:
    """Yield the faults of a request to a family that is asked by Ollama's API."""
    if unknown := (body.keys() - _FIELDS) | (body.get("options", {}).keys() - _OPTIONS):
        yield Fault(f"invalid option provided: {unknown}")  # a line of its log
    yield from refused_fields(body, family)
    pending: list[str] = []
    for message in body["messages"]:
        if message.keys() - _MESSAGE_FIELDS or not isinstance(message["content"], str):
            yield Fault(f"json: cannot unmarshal: {message}")
        for image in message.get("images", ()):
            yield from decoded(image, "image/png")
        if message["role"] == "tool":
            if message.get("tool_name") not in pending:
                yield Fault(f"a result without its call: {message}")
            else:
                pending.remove(message["tool_name"])
        elif pending:
            yield Fault(f"calls without results: {pending}")
        for call in message.get("tool_calls", ()):
            pending.append(call["function"]["name"])
            if not isinstance(call["function"]["arguments"], dict):
                yield Fault("json: cannot unmarshal string into arguments")
    if pending:
        yield Fault(f"calls without results: {pending}")
