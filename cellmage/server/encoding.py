"""What the encoders of answers share: events as text, comments, and calls with ids of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol
from uuid import uuid4

from ..errors import CellmageError
from ..events import Event, Reclassification, Token, ToolCall
from ..messages import Response, ToolInvocation

END_TAG = "</think>\n\n"
"""What a model writes after reasoning that its chat template has begun."""


class AnswerEncoder(Protocol):
    """Encodes the events of one answer as the stream of an API."""

    def encode(self, event: Event) -> str:
        """Return what is sent for an event; empty if it waits for the next."""
        ...

    def end(self) -> str:
        """Return the end of the stream, when all events have been encoded."""
        ...

    def fail(self, error: CellmageError) -> str:
        """Return the end of a stream whose answer has failed."""
        ...


def sse_data(value: Mapping[str, Any]) -> str:
    """Return a server-sent event with JSON as its data."""
    return f"data: {json.dumps(value)}\n\n"


def sse_event(value: Mapping[str, Any]) -> str:
    """Return a server-sent event whose type is that of its data."""
    return f"event: {value['type']}\n{sse_data(value)}"


def comment(event: Event) -> str:
    """Return an event that an API has no form for: clients ignore comments."""
    return f": {json.dumps(asdict(event))}\n\n"


def text_of(event: Token | Reclassification) -> str:
    """Return the text of an event.

    At a `Reclassification` the client has the text already, and reads the end tag as it would read
    it of the model.
    """
    return event.text if isinstance(event, Token) else END_TAG


class CallIds:
    """Gives each call an id of its own: some servers send no id, or one id for all calls."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def unique(self, call: ToolCall | ToolInvocation) -> str:
        """Return the id of a call, or another one if it has none, or that of a call before it."""
        is_unique = bool(call.id) and call.id not in self._ids
        call_id = call.id if is_unique else uuid4().hex[:9]  # Mistral accepts exactly nine
        self._ids.add(call_id)
        return call_id


def end_word(response: Response, words: Mapping[str, str], has_calls: bool) -> str:
    """Return the word of an API for the end of an answer.

    Args:
        response: the answer.
        words: the words by the kind of the end, ``calls`` and ``stop``; an end of another kind is
            ``stop``.
        has_calls: True if the answer ends with calls.
    """
    kind = response.incomplete_reason or ("calls" if has_calls else "stop")
    if (response.finish_reason or "").startswith("refus"):
        kind = "refusal"
    return words.get(kind, words["stop"])
