"""Decode the chunks of one answer, which are parsed JSON, to events; no I/O.

Source: OpenAI's API reference, "Chat completions", and the habits of compatible servers. Only one
choice is decoded: that with the lowest index in the first chunk. It has its content in these
fields::

    delta      a piece of the answer; a delta is a delta
    message    the complete answer, of a server that does not stream. After deltas it is the same
               answer again: what the deltas brought is not taken again
    text       a piece of the text, of servers that know legacy completions only

One exception: if the last delta, with the finish reason, is exactly the text of two or more pieces
before it, it is that text again (RAGFlow and others send it so).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..events import Event, Status
from ..messages import Usage
from .answer_text import REFUSAL, AnswerText
from .chat_state import ChatState
from .reasoning import REASONING_FIELDS, has_reasoning, reasoning_texts, text_of
from .sources import SourceFinder
from .tool_calls import ToolCallAccumulator
from .usage import merge_usage, usage_of_timings

_REASONING_TYPES = ("thinking", "reasoning", "thought")
_NO_REASONS = {"", "null", "none", "undefined"}


class ChunkDecoder:
    """Decodes the chunks of one answer in their order.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.

    Attributes:
        finish_reason: the finish reason, once it has arrived.
        usage: the counts of tokens so far.
        has_begun: True once a chunk with a choice has arrived.
        has_tool_calls: True once a piece of a tool call has arrived.

    Raises:
        AttributeError, TypeError: a field has another type than any server sends.

    Example:
        >>> decoder = ChunkDecoder()
        >>> list(decoder.feed({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}))
        [Token(text='Hi')]
        >>> decoder.finish_reason
        'stop'
    """

    def __init__(self, has_tools: bool = False) -> None:
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.has_begun = False
        self._tool_calls = ToolCallAccumulator()
        self._has_tools = has_tools
        self._text = AnswerText()
        self._sources = SourceFinder()
        self._state = ChatState()
        self._timings: Any = None
        self._index: Any = None  # of the choice that is decoded
        self._has_content = False
        self._has_delta = False
        self._has_refusal = False

    def feed(self, chunk: Mapping[str, Any], has_addresses: bool = True) -> Iterator[Event]:
        """Yield the events of the next chunk.

        Args:
            chunk: parsed JSON.
            has_addresses: False if no web address is in it, so that none need be looked for.
        """
        if has_addresses:
            yield from self._sources.find(*_objects_with_sources(chunk))
        self._count(chunk)
        if choices := _choices(chunk):
            self.has_begun = True
            if self._index is None or not self._has_content:
                candidates = [choice for choice in choices if _has_content(choice)]
                self._index = _lowest_index(candidates or choices)
                self._has_content = bool(candidates)
            for choice in choices:
                if choice.get("index") in (None, self._index):
                    yield from self._on_choice(choice)

    @property
    def has_tool_calls(self) -> bool:
        """True once a piece of a tool call has arrived."""
        return bool(self._tool_calls)

    def flush(self) -> Iterator[Event]:
        """Yield the text and the reasoning that were held back, when nothing follows."""
        return self._text.flush()

    def end(self) -> Iterator[Event]:
        """Yield the tool calls and the notices of a complete answer; no other has calls to run."""
        self.usage = self.usage or usage_of_timings(self._timings)
        if self._has_refusal and not (self.finish_reason or "").startswith("refus"):
            yield REFUSAL
        if self._has_tools and (extra_contents := self._tool_calls.extra_contents()):
            yield from self._state.events(extra_contents)
        yield from self._tool_calls.events(self._has_tools)

    def _count(self, chunk: Mapping[str, Any]) -> None:
        if usage := chunk.get("usage") or chunk.get("usageMetadata"):
            self.usage = merge_usage(self.usage, usage)
        if timings := chunk.get("timings"):
            self._timings = timings
        if (groq := chunk.get("x_groq")) and isinstance(groq, dict):
            self.usage = merge_usage(self.usage, groq.get("usage"))

    def _on_choice(self, choice: Mapping[str, Any]) -> Iterator[Event]:
        if usage := choice.get("usage"):  # Moonshot
            self.usage = merge_usage(self.usage, usage)
        reason = _finish_reason(choice)
        delta, message = choice.get("delta"), choice.get("message")
        if has_reasoning(choice):  # beside the delta, where gateways put what they do not know
            yield from self._on_delta(_reasoning_of(choice), is_last=False)
        if delta:
            delta = {"content": delta} if isinstance(delta, str) else delta
            yield from self._on_delta(delta, bool(reason))
            self._has_delta = self._has_delta or _has_content({"delta": delta})
        if message:
            new = self._without_repetitions(message) if self._has_delta else message
            yield from self._on_delta(new, bool(reason))
        elif (text := choice.get("text")) and not (delta or {}).get("content"):
            yield from self._on_delta({"content": text}, bool(reason))
        if reason and not self.finish_reason:
            self.finish_reason = reason

    def _without_repetitions(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the fields of a whole message, without what the deltas before it brought."""
        fields = dict(message)
        if text := self._text.received:
            content = fields.pop("content", None)
            fields.pop("refusal", None)
            if isinstance(content, str) and content.startswith(text):
                fields["content"] = content[len(text) :]
        for name in REASONING_FIELDS if self._text.has_reasoning else ():
            fields.pop(name, None)
        for name in ("tool_calls", "function_call") if self._tool_calls else ():
            fields.pop(name, None)
        return fields

    def _on_delta(self, delta: Mapping[str, Any], is_last: bool) -> Iterator[Event]:
        self._state.feed(delta)
        if has_reasoning(delta):
            for field, text in reasoning_texts(delta):
                yield from self._text.feed_reasoning(field, text)
        deprecated = delta.get("function_call")  # the form before "tool_calls"
        pieces = delta.get("tool_calls") or ([{"function": deprecated}] if deprecated else None)
        if pieces:
            self._tool_calls.feed(pieces)
            # Long arguments take a while; the status tells the user, and ends no wait for a text.
            yield Status(f"Preparing {self._tool_calls.current_name}…")
        content, refusal = delta.get("content"), delta.get("refusal")
        if type(content) in (int, float):
            content = str(content)  # of gateways that guess types
        if content and not (is_last and self._text.is_repetition(content)):
            is_text = isinstance(content, str)
            yield from self._text.feed(content) if is_text else self._on_parts(content)
        if refusal and refusal == content:
            self._has_refusal = True
        elif refusal:
            yield from self._on_refusal(refusal)

    def _on_parts(self, content: Any) -> Iterator[Event]:
        """Yield the events of a content that is a list, as Mistral sends it."""
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, str):
                yield from self._text.feed(part)
            elif part is not None:
                yield from self._on_part(part)

    def _on_part(self, part: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of a part; pictures have no text."""
        is_thought = part.get("thought") is True  # Gemini
        if is_thought or str(part.get("type")).startswith(_REASONING_TYPES):
            if text := text_of(part):
                yield from self._text.feed_reasoning("content", text)
        elif text := text_of(part.get("text")):
            yield from self._text.feed(text)
        elif refusal := part.get("refusal"):
            yield from self._on_refusal(refusal)

    def _on_refusal(self, refusal: Any) -> Iterator[Event]:
        if text := text_of(refusal):
            self._has_refusal = True
            yield from self._text.feed(text)


def _choices(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the choices of a chunk; some servers send one without a list, or none in it."""
    choices = chunk.get("choices")
    if isinstance(choices, dict):
        choices = [choices]
    return [choice for choice in choices or () if choice is not None]


def _finish_reason(choice: Mapping[str, Any]) -> str | None:
    """Return the finish reason; templates of servers write a missing one as a word."""
    reason = choice.get("finish_reason" if "finish_reason" in choice else "finishReason")
    if isinstance(reason, dict):
        reason = reason.get("type") or reason.get("reason")
    word = str(reason or "")
    return None if word.lower() in _NO_REASONS else word


def _reasoning_of(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: choice.get(name) for name in REASONING_FIELDS}


def _has_content(choice: Mapping[str, Any]) -> bool:
    """Return whether a choice has more than a role."""
    delta = choice.get("delta") or {}
    if isinstance(delta, str):
        return True
    fields = [value for name, value in delta.items() if name != "role"]
    return any(fields) or any(choice.get(name) for name in ("message", "text", "finish_reason"))


def _lowest_index(choices: Iterable[Mapping[str, Any]]) -> Any:
    indexes = [choice.get("index") for choice in choices]
    return min((index for index in indexes if isinstance(index, int)), default=indexes[0])


def _objects_with_sources(chunk: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a chunk that may have sources."""
    yield chunk
    for choice in _choices(chunk):
        yield choice
        for fields in (choice.get("delta"), choice.get("message")):
            if isinstance(fields, dict):
                yield fields
                content = fields.get("content")
                parts = content if isinstance(content, list) else ()
                yield from (_part_sources(part) for part in parts if isinstance(part, dict))


def _part_sources(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a content that may have sources, or is one (Mistral)."""
    is_source = str(part.get("type")).endswith(("reference", "citation"))
    return {"references": [part]} if is_source else part
