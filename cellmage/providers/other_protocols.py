"""Recognize the answers of protocols other than the one that was asked for; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ProtocolError


class _Protocol(NamedTuple):
    """A protocol of another kind, by the fields of its objects and the beginning of their type."""

    name: str
    fields: frozenset[str]
    type: str = ""
    advice: str = "end the base URL in /v1"


CHAT = "chat completions"
OLLAMA = "Ollama"

_PROTOCOLS = (
    _Protocol(CHAT, frozenset({"choices"}), advice="the server may know no other"),
    _Protocol(OLLAMA, frozenset({"message", "done"})),
    _Protocol(OLLAMA, frozenset({"response", "done"})),
    _Protocol("llama.cpp", frozenset({"content", "stop"})),
    _Protocol("Gemini", frozenset({"candidates"}), advice="end the base URL in /v1beta/openai"),
    _Protocol("Anthropic", frozenset({"type", "message"}), "message_start"),
    _Protocol("Anthropic", frozenset({"type", "content", "stop_reason"}), "message"),
    _Protocol("the Responses API", frozenset({"type", "response"}), "response."),
)


def other_protocol_error(body: Mapping[str, Any], expected: str = CHAT) -> ProtocolError | None:
    """Return the error for an object of another protocol; it says what to type.

    Args:
        body: the object.
        expected: the name of the protocol that was asked for.

    Example:
        >>> str(other_protocol_error({"message": {"content": "Hel"}, "done": False}))
        'this is not chat completions, but the protocol of Ollama; end the base URL in /v1'
    """
    for protocol in _PROTOCOLS:
        has_type = str(body.get("type", "")).startswith(protocol.type)
        if protocol.fields <= body.keys() and has_type and protocol.name != expected:
            return ProtocolError(
                f"this is not {expected}, but the protocol of {protocol.name}; {protocol.advice}",
                kind="not_a_stream",
            )
    return None
