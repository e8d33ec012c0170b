"""The reasoning of a model in the fields in which servers send it; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..events import Reasoning

# DeepSeek, vLLM and llama.cpp; OpenRouter, Ollama and Groq; OpenRouter; LiteLLM; gateways.
REASONING_FIELDS = (
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
    "reasoning_text",
    "reasoning_summary",
    "thinking",
    "thinking_content",
    "thought",
    "thoughts",
)

_TEXT_FIELDS = ("text", "thinking", "reasoning", "summary", "content", "reasoning_content")
_UNREADABLE = ("encrypted", "redacted", "signature")
_FIELDS = frozenset(REASONING_FIELDS)


def has_reasoning(delta: Mapping[str, Any]) -> bool:
    """Return whether a delta or a message has a field with reasoning; it may be empty."""
    return not _FIELDS.isdisjoint(delta)


def reasoning_texts(delta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each field with reasoning.

    Args:
        delta: a delta, a message, or a part of a content.

    Example:
        >>> list(reasoning_texts({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}))
        [('reasoning_details', 'hm')]
    """
    for name in REASONING_FIELDS:
        if text := text_of(delta.get(name)):
            yield name, text


def text_of(value: Any) -> str:
    """Return the text in a value of any shape; empty if it has none, or is encrypted.

    Example:
        >>> text_of([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}])
        'hm'
        >>> text_of([{"type": "reasoning.encrypted", "data": "9f="}])
        ''
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if not isinstance(value, Mapping):
        return ""
    if any(word in str(value.get("type")) for word in _UNREADABLE):
        return ""
    return next(filter(None, (text_of(value.get(name)) for name in _TEXT_FIELDS)), "")


class ReasoningMerger:
    """Makes events of reasoning that may arrive in several fields, each text once.

    The first field with a text is passed on at once. A text of another field waits until the
    reasoning ends: it may be the same text again.

    Example:
        >>> merger = ReasoningMerger()
        >>> [*merger.feed("reasoning", "hm"), *merger.feed("reasoning_content", "hm")]
        [Reasoning(text='hm')]
        >>> list(merger.flush())
        []
    """

    def __init__(self) -> None:
        self._first = ""
        self._texts: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._texts)

    @property
    def is_waiting(self) -> bool:
        """True if `flush` may yield something."""
        return len(self._texts) > 1

    def feed(self, field: str, text: str) -> Iterator[Reasoning]:
        """Yield the reasoning in a text of a field, if it need not wait."""
        self._first = self._first or field
        self._texts.setdefault(field, []).append(text)
        if field == self._first:
            yield Reasoning(text)

    def flush(self) -> Iterator[Reasoning]:
        """Yield what waits and is not the same text again, when the reasoning has ended."""
        if not self.is_waiting:
            return
        first_text = _normalize(self._texts[self._first])
        for field, texts in self._texts.items():
            if field != self._first:
                text = _normalize(texts)
                if text not in first_text:
                    first_text += text
                    yield Reasoning("".join(texts))
        self._texts = {self._first: [first_text]}


def _normalize(texts: list[str]) -> str:
    """Return a text without blanks, in which the fields of one server may differ."""
    return "".join("".join(texts).split())
