"""The strict check of a request to a family, whatever its API. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.zoo.chat_rules import chat_faults
from tests.zoo.families import Family
from tests.zoo.fault import Fault
from tests.zoo.messages_rules import messages_faults
from tests.zoo.ollama_rules import ollama_faults
from tests.zoo.responses_rules import responses_faults

_RULES: Mapping[str, Callable[[dict[str, Any], Family], Iterator[Fault]]] = {
    "chat": chat_faults,
    "responses": responses_faults,
    "messages": messages_faults,
    "ollama": ollama_faults,
}

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "ollama": "/api/chat",
}


def faults(body: dict[str, Any], family: Family) -> list[Fault]:
    """Return the faults of a request; none if the family accepts it."""
    return list(_RULES[family.used_api](body, family))
