"""The strict check of a request to a family, whatever its API. Pure."""

from __future__ import annotations

import json
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


_PLACEHOLDERS = ("(none)", "skip_thought_signature_validator")
"""What stands for the state of calls that another model made."""


def faults(body: dict[str, Any], family: Family, *, is_alone: bool = True) -> list[Fault]:
    """Return the faults of a request; none if the family accepts it.

    Args:
        body: the request.
        family: who is asked.
        is_alone: True if no other family has answered before.
    """
    found = list(_RULES[family.used_api](body, family))
    if is_alone and any(text in json.dumps(body) for text in _PLACEHOLDERS):
        found.append(Fault("a placeholder stands where the state of this family was"))
    return found
