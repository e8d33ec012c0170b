"""What the strict servers of chat completions check in a request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cellmage.testing import Exchange
from tests.message_rules import violations
from tests.zoo.families import Family
from tests.zoo.fault import Fault, attached, refused_fields, unknown_fields

_FIELDS = {
    *("model", "messages", "tools", "stream", "stream_options", "temperature", "max_tokens"),
    *("max_completion_tokens", "response_format", "reasoning_effort"),
}
_MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}
_STATE_FIELDS = {
    "Gemini 3 and later": {"extra_content"},
    "DeepSeek V4": {"reasoning_content"},
    "OpenRouter": {"reasoning_details"},
    "xAI": {"reasoning_content"},
    "vLLM": {"reasoning_content"},
}
"""The fields of an assistant's message that a family knows besides."""

_SKIP = "skip_thought_signature_validator"
"""What Gemini documents for the calls of other models."""


def chat_faults(body: dict[str, Any], family: Family) -> Iterator[Fault]:
    """Yield the faults of a request to a family that is asked by chat completions."""
    known = _FIELDS - ({"stream_options"} if family.prefix == "mistral" else set())
    yield from unknown_fields(body, known, family)
    yield from refused_fields(body, family)
    yield from map(Fault, violations(Exchange("", {}, body)))
    has_effort = body.get("reasoning_effort") != "none"
    if family.model.startswith("gpt-5.6") and body.get("tools") and has_effort:
        yield Fault(
            "Function tools with reasoning_effort are not supported for gpt-5.6 in "
            "/v1/chat/completions. Use /v1/responses, or set reasoning_effort to 'none'."
        )
    question = max(i for i, message in enumerate(body["messages"]) if message["role"] == "user")
    for index, message in enumerate(body["messages"]):
        yield from _message_faults(message, family)
        yield from _state_faults(message, family, index > question)
    if family.prefix == "mistral":
        yield from _mistral_faults(body["messages"])


def _message_faults(message: dict[str, Any], family: Family) -> Iterator[Fault]:
    extra = message.keys() - _MESSAGE_FIELDS[message["role"]]
    if extra - _STATE_FIELDS.get(family.title, set()):
        yield Fault(f"unknown fields of a message: {extra}")
    if isinstance(message["content"], list):
        if message["role"] != "user":
            yield Fault("only a user's message has parts")
        for part in message["content"]:
            yield from _part_faults(part, family)


def _part_faults(part: dict[str, Any], family: Family) -> Iterator[Fault]:
    match part["type"]:
        case "text":
            if not part["text"].strip():
                yield Fault("a blank text")
        case "image_url":
            yield from attached(part["image_url"]["url"], "image", family)
        case "file":
            yield from attached(part["file"]["file_data"], "PDF", family)
        case other:
            yield Fault(f"an unknown part: {other}")


def _state_faults(message: dict[str, Any], family: Family, is_new: bool) -> Iterator[Fault]:
    calls = message.get("tool_calls") or []
    if family.state == "reasoning_content" and calls and not message.get("reasoning_content"):
        yield Fault("The `reasoning_content` in the thinking mode must be passed back to the API.")
    text = message.get("reasoning_content")
    if text is not None and is_new and text != family.thought:
        yield Fault(f"reasoning_content was changed: {text}")
    for number, call in enumerate(calls):
        extra = call.get("extra_content") or {}
        signature = extra.get("google", {}).get("thought_signature")
        expected = (family.sign(call["function"]["name"]), _SKIP)
        is_needed = family.state == "thought_signature" and is_new and not number
        if (is_needed or signature is not None) and signature not in expected:
            name = call["function"]["name"]
            yield Fault(f"Function call `{name}` is missing a valid thought_signature.")


def _mistral_faults(messages: list[dict[str, Any]]) -> Iterator[Fault]:
    for before, message in pairwise(messages):
        if (before["role"], message["role"]) == ("tool", "user"):
            yield Fault("Unexpected role 'user' after role 'tool'")
    ids = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    ids += [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    for id in ids:
        if not re.fullmatch("[A-Za-z0-9]{9}", id):
            yield Fault(f"Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.")
