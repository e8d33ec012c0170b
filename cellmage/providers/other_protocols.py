"""Recognize the answers of protocols other than chat completions; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ProtocolError


class _Protocol(NamedTuple):
    """A protocol of another kind, by the fields of its objects and the beginning of their type."""

    name: str
    fields: frozenset[str]
    type: str = ""
    base_url: str = "/v1"


_PROTOCOLS = (
    _Protocol("Ollama", frozenset({"message", "done"})),
    _Protocol("Ollama", frozenset({"response", "done"})),
    _Protocol("llama.cpp", frozenset({"content", "stop"})),
    _Protocol("Gemini", frozenset({"candidates"}), base_url="/v1beta/openai"),
    _Protocol("Anthropic", frozenset({"type", "message"}), "message_start"),
    _Protocol("Anthropic", frozenset({"type", "content", "stop_reason"}), "message"),
    _Protocol("the Responses API", frozenset({"type", "response"}), "response."),
)


def other_protocol_error(body: Mapping[str, Any]) -> ProtocolError | None:
    """Return the error for an object of another protocol; it says what to type.

    Example:
        >>> str(other_protocol_error({"message": {"content": "Hel"}, "done": False}))
        'this is not chat completions, but the protocol of Ollama; end the base URL in /v1'
    """
    for protocol in _PROTOCOLS:
        has_type = str(body.get("type", "")).startswith(protocol.type)
        if protocol.fields <= body.keys() and has_type and not body.get("choices"):
            return ProtocolError(
                f"this is not chat completions, but the protocol of {protocol.name}; "
                f"end the base URL in {protocol.base_url}",
                kind="not_a_stream",
            )
    return None
