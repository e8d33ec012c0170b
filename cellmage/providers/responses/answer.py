"""Decode the events of one response, which are parsed JSON, to our events; no I/O.

Source: OpenAI's API reference, "Responses: streaming events". Text and reasoning are shown from
their deltas. The response at the end has them again: what the deltas brought is not taken again. A
response that was not streamed is that end alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...errors import IncompleteResponseError, Kind
from ...events import Event, Status
from ...messages import Usage
from ..answer_text import REFUSAL, AnswerText
from ..sources import SourceFinder
from ..usage import merge_usage
from .items import OutputItems, message_parts, reasoning_text

PREFIX = "response."
"""What the types of all events of the API begin with."""

# Why a response is incomplete, in the words of chat completions, with the kind of the error if a
# call is cut by it. Other words are passed on.
_REASONS: Mapping[str, tuple[str, Kind]] = {
    "max_output_tokens": ("length", "length"),
    "max_messages": ("length", "length"),
    "incomplete": ("length", "length"),
    "content_filter": ("content_filter", "content_filter"),
}
_CUT: Kind = "truncated_no_finish"

_SEARCH = Status("Searching the web…")
_PARAGRAPH = "\n\n"


class ResponseAnswer:
    """Decodes the events of one response in their order.

    Args:
        has_tools: False if the request offered no tools; a tool call then becomes a notice.

    Attributes:
        finish_reason: the finish reason, once it has arrived, in the words of chat completions.
        usage: the counts of tokens so far.
        has_begun: True once an event has arrived.

    Raises:
        IncompleteResponseError: a call of it is cut.
        ProtocolError: a call arrived in two versions.
        AttributeError, TypeError: a field has another type than any server sends.

    Example:
        >>> answer = ResponseAnswer()
        >>> list(answer.feed({"type": "response.output_text.delta", "delta": "Hi"}))
        [Token(text='Hi')]
        >>> list(answer.feed({"type": "response.completed", "response": {}}))
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
        self._items = OutputItems()
        self._places: dict[str, tuple[Any, ...]] = {}
        self._has_refusal = False
        self._status = Status("Preparing a call…")

    @property
    def has_tool_calls(self) -> bool:
        """True once a part of a tool call has arrived."""
        return self._items.has_calls

    def feed(self, value: Mapping[str, Any], has_addresses: bool = True) -> Iterable[Event]:
        """Return the events of the next event.

        Args:
            value: parsed JSON.
            has_addresses: False if no web address is in it; only annotations have one here.
        """
        self.has_begun = True
        handler = _HANDLERS.get(value["type"])
        return handler(self, value) if handler else ()

    def flush(self) -> Iterator[Event]:
        """Yield the text and the reasoning that were held back, when nothing follows."""
        return self._text.flush()

    def end(self) -> Iterator[Event]:
        """Yield the notices, the state and the tool calls of a complete response."""
        if self._has_refusal:
            yield REFUSAL
        yield from self._items.states()
        yield from self._items.calls().events(self._has_tools)

    def _on_text(self, event: Mapping[str, Any]) -> Iterable[Event]:
        if not (text := event.get("delta")):
            return ()
        return self._text.feed(self._separator("text", event, "output_index") + text)

    def _on_text_end(self, event: Mapping[str, Any]) -> Iterable[Event]:
        """Return the events of a text that is whole, unless its deltas have brought it."""
        if self._places.get("text") == (event.get("output_index"),):
            return ()
        return self._on_text({**event, "delta": event.get("text") or event.get("refusal")})

    def _on_refusal_end(self, event: Mapping[str, Any]) -> Iterable[Event]:
        self._has_refusal = True
        return self._on_text_end(event)

    def _on_refusal(self, event: Mapping[str, Any]) -> Iterable[Event]:
        self._has_refusal = True
        return self._on_text(event)

    def _on_summary(self, event: Mapping[str, Any]) -> Iterable[Event]:
        return self._on_reasoning("summary", event, "summary_index")

    def _on_thought(self, event: Mapping[str, Any]) -> Iterable[Event]:
        return self._on_reasoning("content", event, "content_index")

    def _on_reasoning(self, kind: str, event: Mapping[str, Any], index: str) -> Iterable[Event]:
        if not (text := event.get("delta")):
            return ()
        separator = self._separator(kind, event, "output_index", index)
        return self._text.feed_reasoning(kind, separator + text)

    def _separator(self, kind: str, event: Mapping[str, Any], *indexes: str) -> str:
        """Return what stands before a piece: an empty line, if the piece begins another part."""
        position = tuple(event.get(index) for index in indexes)
        last = self._places.setdefault(kind, position)
        self._places[kind] = position
        return "" if position == last else _PARAGRAPH

    def _on_annotation(self, event: Mapping[str, Any]) -> Iterable[Event]:
        return self._sources.find({"annotations": [event.get("annotation")]})

    def _on_item_begin(self, event: Mapping[str, Any]) -> Iterable[Event]:
        item = event.get("item") or {}
        self._items.begin(_key(event), item)
        if item.get("type") == "function_call":
            self._status = Status(f"Preparing {item.get('name')}…")
            return (self._status,)
        return (_SEARCH,) if item.get("type") == "web_search_call" else ()

    def _on_item_end(self, event: Mapping[str, Any]) -> Iterable[Event]:
        self._items.finish(_key(event), event.get("item") or {})
        return ()

    def _on_arguments(self, _: Mapping[str, Any]) -> Iterable[Event]:
        # Long arguments take a while; the status tells the user, and ends no wait for a text.
        return (self._status,)

    def _on_search(self, _: Mapping[str, Any]) -> Iterable[Event]:
        return (_SEARCH,)

    def _on_end(self, event: Mapping[str, Any]) -> Iterator[Event]:
        response = event.get("response") or {}
        state = event["type"].removeprefix(PREFIX)
        if state == "completed":  # of some servers, the status alone says that it is cut
            state = str(response.get("status") or state)
        self.usage = merge_usage(self.usage, response.get("usage"))
        self._items.replace(response.get("output") or [])
        yield from self._missing_events()
        has_calls = self._items.has_calls
        details = response.get("incomplete_details") or {}
        reason, kind = _finish_reason(state, details.get("reason"), has_calls)
        if self._items.has_cut_call or (has_calls and state != "completed"):
            message = "the request for a tool was cut; nothing was run"
            raise IncompleteResponseError(message, kind=kind)
        self.finish_reason = reason

    def _missing_events(self) -> Iterator[Event]:
        """Yield what the items have, and no delta has brought."""
        if not self._text.has_reasoning:
            for index, (kind, text) in enumerate(filter(any, map(reasoning_text, self._items))):
                yield from self._text.feed_reasoning(kind, _PARAGRAPH * bool(index) + text)
        texts = []
        for parts in map(message_parts, self._items):
            texts.append("".join(part.get("text") or part.get("refusal") or "" for part in parts))
            self._has_refusal = self._has_refusal or any(part.get("refusal") for part in parts)
            yield from self._sources.find(*parts)
        text, received = _PARAGRAPH.join(filter(None, texts)), self._text.received
        if text != received and text.startswith(received):
            yield from self._text.feed(text[len(received) :])


def _finish_reason(state: str, reason: Any, has_calls: bool) -> tuple[str, Kind]:
    """Return the finish reason, and the kind of the error if a call is cut."""
    if state == "completed":
        return "tool_calls" if has_calls else "stop", _CUT
    word = str(reason or state)
    return _REASONS.get(word, (word, _CUT))


def _key(event: Mapping[str, Any]) -> Any:
    """Return what tells an item from the others."""
    item = event.get("item") or {}
    return event.get("output_index", item.get("id"))


_Handler = Callable[[ResponseAnswer, Mapping[str, Any]], Iterable[Event]]
_HANDLERS: Mapping[str, _Handler] = {
    PREFIX + name: handler
    for names, handler in {
        "output_text.delta": ResponseAnswer._on_text,
        "output_text.done": ResponseAnswer._on_text_end,
        "refusal.delta": ResponseAnswer._on_refusal,
        "refusal.done": ResponseAnswer._on_refusal_end,
        "reasoning_summary_text.delta": ResponseAnswer._on_summary,
        "reasoning_text.delta": ResponseAnswer._on_thought,
        "output_text.annotation.added": ResponseAnswer._on_annotation,
        "output_item.added": ResponseAnswer._on_item_begin,
        "output_item.done": ResponseAnswer._on_item_end,
        "function_call_arguments.delta": ResponseAnswer._on_arguments,
        "web_search_call.in_progress web_search_call.searching": ResponseAnswer._on_search,
        "completed incomplete cancelled": ResponseAnswer._on_end,
    }.items()
    for name in names.split()
}
"""What is done with an event, by its type; the others have nothing that these do not have."""
