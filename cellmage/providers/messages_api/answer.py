"""Decode the events of one message, which are parsed JSON, to our events; no I/O.

Source: Anthropic's API reference, "Streaming messages". A message that was not streamed is read as
the beginnings of its blocks, which are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...errors import IncompleteResponseError, Kind
from ...events import Event, Status
from ...messages import Usage
from ..answer_text import AnswerText
from ..sources import SourceFinder
from ..usage import merge_usage
from .blocks import ContentBlocks

# Stop reasons in the words of chat completions. Other words are passed on.
_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}
_NATURAL = ("stop", "tool_calls")
"""The finish reasons of an answer whose calls are complete."""

# The kind of the error if a call is cut by it.
_KINDS: Mapping[str, Kind] = {
    "length": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}

# The tokens of the request are the sum of these.
_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")

_COUNTS = (
    *("output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "output_tokens_details",
)
"""The counts besides those."""

_SEARCHES = ("web_search", "web_fetch")
_SEARCH = Status("Searching the web…")
_PARAGRAPH = "\n\n"

Fields = Mapping[str, Any]


class MessageAnswer:
    """Decodes the events of one message in their order.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.

    Attributes:
        finish_reason: the finish reason, once it has arrived, in the words of chat completions.
        usage: the counts of tokens so far.
        has_begun: True once an event has arrived.

    Raises:
        IncompleteResponseError: from `end`, when a call is cut.
        AttributeError, TypeError: a field has another type than any server sends.

    Example:
        >>> answer = MessageAnswer()
        >>> delta = {"type": "text_delta", "text": "Hi"}
        >>> list(answer.feed({"type": "content_block_delta", "index": 0, "delta": delta}))
        [Token(text='Hi')]
        >>> list(answer.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}))
        []
        >>> answer.finish_reason
        'stop'
    """

    def __init__(self, has_tools: bool = False) -> None:
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.has_begun = False
        self._has_tools = has_tools
        self._text = AnswerText()
        self._sources = SourceFinder()
        self._blocks = ContentBlocks()
        self._inputs: dict[str, Usage | None] = {}
        self._last_type = ""
        self._begins_part = False
        self._status = Status("Preparing a call…")

    @property
    def has_tool_calls(self) -> bool:
        """True once a part of a tool call has arrived."""
        return self._blocks.has_calls

    def feed(self, value: Fields, has_addresses: bool = True) -> Iterable[Event]:
        """Return the events of the next event, of one of `TYPES`.

        Args:
            value: parsed JSON.
            has_addresses: False if no web address is in it; only sources have one here.
        """
        self.has_begun = True
        return _HANDLERS[value["type"]](self, value)

    def flush(self) -> Iterator[Event]:
        """Yield the text and the reasoning that were held back, when nothing follows."""
        return self._text.flush()

    def end(self) -> Iterator[Event]:
        """Yield the state and the tool calls of a complete message."""
        reason = self.finish_reason or ""
        is_cut = self._blocks.has_calls and reason not in _NATURAL
        if is_cut or self._blocks.has_cut_call:
            message = "the request for a tool was cut; nothing was run"
            kind = _KINDS.get(reason, "truncated_no_finish")
            raise IncompleteResponseError(message, kind=kind)
        yield from self._blocks.states()
        yield from self._blocks.calls().events(self._has_tools)

    def _on_start(self, event: Fields) -> Iterable[Event]:
        self._count((event.get("message") or {}).get("usage"))
        return ()

    def _on_message(self, message: Fields) -> Iterator[Event]:
        """Yield the events of a message that was not streamed."""
        for index, block in enumerate(message.get("content") or ()):
            yield from self._on_block(index, block)
            self._blocks.finish(index)
        self._on_end({"delta": message, "usage": message.get("usage")})
        if not self.finish_reason and not self.has_tool_calls:
            self.finish_reason = "stop"

    def _on_block_start(self, event: Fields) -> Iterable[Event]:
        return self._on_block(event.get("index"), event.get("content_block") or {})

    def _on_block(self, index: Any, block: Fields) -> Iterator[Event]:
        """Yield the events of the beginning of a block, which may be whole."""
        type_ = str(block.get("type"))
        # Texts that follow each other are one: only their sources differ.
        self._begins_part = type_ != "text" or self._last_type not in ("", "text")
        self._last_type = type_
        self._blocks.begin(index, block)
        if type_ == "tool_use":
            self._status = Status(f"Preparing {block.get('name')}…")
            yield self._status
        elif type_ == "server_tool_use" and block.get("name") in _SEARCHES:
            yield _SEARCH
        elif type_ in ("web_search_tool_result", "web_fetch_tool_result"):
            yield from self._sources.find({"web_search_results": [block.get("content")]})
        elif type_ == "thinking":
            yield from self._on_thinking(index, block)
        elif type_ == "text":
            yield from self._on_text(index, block)
            yield from self._sources.find(block)

    def _on_block_end(self, event: Fields) -> Iterable[Event]:
        self._blocks.finish(event.get("index"))
        return ()

    def _on_delta(self, event: Fields) -> Iterable[Event]:
        delta, index = event.get("delta") or {}, event.get("index")
        type_ = delta.get("type")
        if type_ == "text_delta":  # nearly all; a block keeps no text
            return self._on_text(index, delta)
        self._blocks.add(index, delta)
        handler = _DELTAS.get(type_)
        return handler(self, index, delta) if handler else ()

    def _on_text(self, index: Any, fields: Fields) -> Iterable[Event]:
        if not (text := _text_of(fields, "text")):
            return ()
        if text.strip():
            self._blocks.note_text(index)
        received = self._text.received if self._begins_part else ""
        is_separate = not received or received[-1].isspace() or text[0].isspace()
        self._begins_part = False
        return self._text.feed(text if is_separate else _PARAGRAPH + text)

    def _on_thinking(self, _: Any, fields: Fields) -> Iterable[Event]:
        if not (text := _text_of(fields, "thinking")):
            return ()
        is_separate = not (self._begins_part and self._text.has_reasoning)
        self._begins_part = False
        return self._text.feed_reasoning("thinking", text if is_separate else _PARAGRAPH + text)

    def _on_arguments(self, *_: Any) -> Iterable[Event]:
        # Long arguments take a while; the status tells the user, and ends no wait for a text.
        return (self._status,) if self._last_type == "tool_use" else ()

    def _on_citation(self, _: Any, delta: Fields) -> Iterable[Event]:
        return self._sources.find({"citations": [delta.get("citation")]})

    def _on_end(self, event: Fields) -> Iterable[Event]:
        self._count(event.get("usage"))
        if reason := (event.get("delta") or {}).get("stop_reason"):
            self.finish_reason = _REASONS.get(reason, str(reason))
        return ()

    def _count(self, usage: Any) -> None:
        """Take counts of tokens, each of which counts all so far."""
        if not isinstance(usage, Mapping):
            return
        for name in _INPUTS:
            count = {"input_tokens": usage.get(name)}
            self._inputs[name] = merge_usage(self._inputs.get(name), count)
        parts = [part.input_tokens or 0 for part in self._inputs.values() if part]
        counts = {name: usage.get(name) for name in _COUNTS}
        total = {"input_tokens": sum(parts) if parts else None}
        self.usage = merge_usage(self.usage, counts | total)


def _text_of(fields: Fields, name: str) -> str:
    """Return a text; raise TypeError if it is none."""
    return "" + (fields.get(name) or "")


_Handler = Callable[[MessageAnswer, Fields], Iterable[Event]]
_HANDLERS: Mapping[str, _Handler] = {
    "message": MessageAnswer._on_message,
    "message_start": MessageAnswer._on_start,
    "content_block_start": MessageAnswer._on_block_start,
    "content_block_delta": MessageAnswer._on_delta,
    "content_block_stop": MessageAnswer._on_block_end,
    "message_delta": MessageAnswer._on_end,
}
"""What is done with an event, by its type."""

_DELTAS: Mapping[Any, Callable[[MessageAnswer, Any, Fields], Iterable[Event]]] = {
    "thinking_delta": MessageAnswer._on_thinking,
    "input_json_delta": MessageAnswer._on_arguments,
    "citations_delta": MessageAnswer._on_citation,
}
"""What is shown of a delta, by its type."""

TYPES = frozenset(_HANDLERS)
"""The types of the objects that belong to an answer."""
