"""What servers of chat completions demand back with a message that calls tools; no I/O.

==================================  ============================================================
server                              demands back, else HTTP 400
==================================  ============================================================
Gemini 3 and later                  ``extra_content`` of each call, and of the message: signatures
DeepSeek V4, Kimi                   ``reasoning_content`` of the message
OpenRouter                          ``reasoning_details`` of the message, in their order
==================================  ============================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from ..messages import ProviderState

API = "chat"


class ChatState:
    """Collects the state of one answer from its deltas.

    Example:
        >>> state = ChatState()
        >>> state.feed({"reasoning_content": "Hm"}); state.feed({"reasoning_content": "."})
        >>> state.item([None])
        {'reasoning_content': 'Hm.'}
    """

    def __init__(self) -> None:
        self._reasoning: list[str] = []
        self._details: list[Any] = []
        self._extra: Any = None

    def feed(self, delta: Mapping[str, Any]) -> None:
        """Take the fields of a delta, or of a whole message."""
        if isinstance(text := delta.get("reasoning_content"), str):
            self._reasoning.append(text)
        if isinstance(details := delta.get("reasoning_details"), list):
            self._details += details
        self._extra = delta.get("extra_content") or self._extra

    def item(self, calls: Sequence[Any]) -> dict[str, Any]:
        """Return the fields that go back with the message; those that are empty are left out.

        Args:
            calls: the ``extra_content`` of each call, or None.
        """
        fields = {
            "reasoning_content": "".join(self._reasoning),
            "reasoning_details": self._details,
            "extra_content": self._extra,
            "calls": list(calls) if any(calls) else None,
        }
        return {name: value for name, value in fields.items() if value}

    def events(self, calls: Sequence[Any]) -> list[ProviderState]:
        """Return the state as an event; none if there is nothing to send back."""
        item = self.item(calls)
        return [ProviderState(API, json.dumps(item, ensure_ascii=False))] if item else []


class _Placeholder(NamedTuple):
    """The fields that replace the state of a call, where another model has made it.

    Args:
        models: matches the names of the models that demand it.
        message: fields of the message.
        call: fields of its first call; those of calls at the same time are not demanded.
        is_for_all: False if only the calls after the last question need it.
    """

    models: re.Pattern[str]
    message: Mapping[str, Any] = {}
    call: Mapping[str, Any] = {}
    is_for_all: bool = True


_PLACEHOLDERS = (
    _Placeholder(
        re.compile(r"deepseek-v?[4-9]|kimi-k(?:2\.|2-thinking|[3-9])", re.IGNORECASE),
        message={"reasoning_content": "(none)"},
    ),
    # Gemini's documentation has this one for the calls of other models.
    _Placeholder(
        re.compile("gemini-[3-9]", re.IGNORECASE),
        call={
            "extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}
        },
        is_for_all=False,
    ),
)


def add_placeholders(encoded: dict[str, Any], model: str, is_new: bool) -> None:
    """Add to a message with calls what its model demands, if another one has made them.

    Args:
        encoded: the message, with its own state.
        model: the name of the model that is asked.
        is_new: True if the message follows the last question.

    Example:
        >>> encoded = {"role": "assistant", "content": "", "tool_calls": [{"id": "a"}]}
        >>> add_placeholders(encoded, "deepseek-v4-pro", is_new=False)
        >>> encoded["reasoning_content"]
        '(none)'
    """
    calls = encoded["tool_calls"]
    for row in _PLACEHOLDERS:
        if row.models.search(model) and (is_new or row.is_for_all):
            encoded |= {**row.message, **encoded}
            if not any(call.keys() & row.call.keys() for call in calls):
                calls[0] |= row.call


def add_state(encoded: dict[str, Any], state: Sequence[ProviderState]) -> None:
    """Add the fields of a state to an encoded message.

    Example:
        >>> encoded = {"role": "assistant", "content": ""}
        >>> add_state(encoded, [ProviderState("chat", '{"reasoning_content": "Hm."}')])
        >>> encoded["reasoning_content"]
        'Hm.'
    """
    for item in (json.loads(part.item) for part in state if part.api == API):
        for name in ("reasoning_content", "reasoning_details", "extra_content"):
            if name in item:
                encoded[name] = item[name]
        for call, extra in zip_longest(encoded.get("tool_calls", ()), item.get("calls") or ()):
            if call and extra:
                call["extra_content"] = extra
