"""Turn what a foreign object streams into events: text, LangChain's messages, and values.

Source: LangChain's ``AIMessageChunk`` (langchain-core 1), and the fields that its partner packages
put beside the text: ``reasoning_content`` (DeepSeek, Ollama), ``thinking`` (Anthropic, Mistral).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from ..errors import ProviderError
from ..events import Complete, Event, Reasoning, Token
from ..messages import Usage

_EVENTS = tuple(Event.__args__)

# The types of content blocks, and the fields in which they have their text.
_TEXT_BLOCKS = ("text", "output_text", "refusal")
_REASONING_BLOCKS = ("reasoning", "thinking", "reasoning_content")
_TEXT_FIELDS = ("text", "reasoning", "thinking", "reasoning_content", "summary", "refusal")

# The fields of a message in which integrations put reasoning, and why the model stopped.
_REASONING_FIELDS = ("reasoning_content", "reasoning")
_FINISH_FIELDS = ("finish_reason", "stop_reason", "done_reason", "finishReason", "stopReason")


class ChunkReader:
    """Reads the chunks of one answer: it yields what can be shown, and collects the rest."""

    def __init__(self) -> None:
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._value: Any = None
        self._has_text = False
        self._is_complete = False

    def feed(self, chunk: Any) -> Iterator[Event]:
        """Yield the events of a chunk: text, an event, a message chunk, or a value.

        Raises:
            ProviderError: the chunk is none of these.
        """
        content = chunk if isinstance(chunk, str) else getattr(chunk, "content", None)
        if isinstance(chunk, _EVENTS):
            self._is_complete = isinstance(chunk, Complete)
            yield cast(Event, chunk)
        elif isinstance(content, str | list):
            self._read_metadata(chunk)
            for event in _message_events(chunk, content):
                self._has_text = self._has_text or isinstance(event, Token)
                yield event
        elif isinstance(chunk, Mapping | list) or hasattr(chunk, "model_dump"):
            self._value = _join_values(self._value, chunk)
        else:
            raise ProviderError(f"a piece is neither text nor an event: {chunk!r:.60}")

    def close(self) -> Iterator[Event]:
        """Yield what is left at the end: the value as JSON."""
        if self._value is not None:
            paragraph = "\n\n" if self._has_text else ""
            yield Token(f"{paragraph}```json\n{_to_json(self._value)}\n```")
            self._value = None

    def complete(self) -> Iterator[Event]:
        """Yield a `Complete`, unless the object yielded one itself."""
        if not self._is_complete:
            yield Complete(self._finish_reason or "stop", self._usage)

    def _read_metadata(self, chunk: Any) -> None:
        """Keep the finish reason and the count of tokens of a message chunk."""
        metadata = getattr(chunk, "response_metadata", None)
        if isinstance(metadata, Mapping):
            reasons = (metadata.get(name) for name in _FINISH_FIELDS)
            self._finish_reason = next((str(r) for r in reasons if r), self._finish_reason)
        usage = getattr(chunk, "usage_metadata", None)
        if isinstance(usage, Mapping):
            self._usage = _add_usage(self._usage or Usage(), usage)


def _message_events(chunk: Any, content: str | list[Any]) -> Iterator[Event]:
    """Yield the reasoning and the text of a message chunk."""
    blocks = [content] if isinstance(content, str) else content
    events = [event for block in blocks for event in _block_events(block)]
    fields = getattr(chunk, "additional_kwargs", None)
    if isinstance(fields, Mapping) and not any(isinstance(event, Reasoning) for event in events):
        reasoning = next(filter(None, (_text(fields.get(name)) for name in _REASONING_FIELDS)), "")
        if reasoning:
            yield Reasoning(reasoning)
    yield from events


def _block_events(block: Any) -> Iterator[Event]:
    """Yield the events of a content block, of which a LangChain message may have several."""
    kind = block.get("type", "text") if isinstance(block, Mapping) else "text"
    text = _text(block)
    if text and kind in _TEXT_BLOCKS:
        yield Token(text)
    elif text and kind in _REASONING_BLOCKS:
        yield Reasoning(text)


def _text(value: Any) -> str:
    """Return the text of a block, wherever the integration nested it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_text, value))
    if isinstance(value, Mapping):
        return next(filter(None, (_text(value.get(name)) for name in _TEXT_FIELDS)), "")
    return ""


def _add_usage(usage: Usage, metadata: Mapping[str, Any]) -> Usage:
    """Return the sum of two counts: Anthropic's integration sends one at each end of the answer."""
    return Usage(
        _add(usage.input_tokens, metadata.get("input_tokens")),
        _add(usage.output_tokens, metadata.get("output_tokens")),
        _add(usage.cached_tokens, _detail(metadata, "input_token_details", "cache_read")),
        _add(usage.reasoning_tokens, _detail(metadata, "output_token_details", "reasoning")),
        _add(usage.cache_write_tokens, _detail(metadata, "input_token_details", "cache_creation")),
    )


def _detail(metadata: Mapping[str, Any], details: str, name: str) -> Any:
    value = metadata.get(details)
    return value.get(name) if isinstance(value, Mapping) else None


def _add(total: int | None, count: Any) -> int | None:
    return (total or 0) + count if isinstance(count, int) else total


# Values: what a chain yields that ends in a parser, or in several branches.


def _join_values(value: Any, chunk: Any) -> Any:
    """Return the value of a chain after one more chunk.

    A parser yields growing values, and each takes the place of the one before; branches yield
    parts, which LangChain adds up.
    """
    are_lists = isinstance(value, list) and isinstance(chunk, list)
    if value is None or (are_lists and chunk[: len(value)] == value):
        return chunk
    try:
        return value + chunk
    except TypeError:
        return chunk


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=_jsonable)
    except (TypeError, ValueError):  # keys that are no text, or a value that contains itself
        return json.dumps(str(value), ensure_ascii=False)


def _jsonable(value: Any) -> Any:
    """Return what JSON can hold of an object in a value: a message is its text."""
    content = getattr(value, "content", None)
    if isinstance(content, str | list):
        return _text(content)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, set | frozenset) else str(value)
