"""The text and the reasoning of one answer, put together from its pieces; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..events import Event, Notice, Reasoning
from ..text import join_surrogates
from .reasoning import ReasoningMerger
from .think_tags import ThinkTagSplitter

REFUSAL = Notice("refusal", "The model declined to answer.")
"""The notice under a text that the provider marks as a refusal."""

_TAGS = "tags"
"""Where reasoning between tags comes from, beside the names of the fields."""


class AnswerText:
    """Makes events of the pieces of one answer's text and reasoning, in their order.

    Example:
        >>> text = AnswerText()
        >>> [*text.feed_reasoning("reasoning", "hm"), *text.feed("\\n\\nHello"), *text.flush()]
        [Reasoning(text='hm'), Token(text='Hello')]
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._high_surrogate = ""
        self._splitter = ThinkTagSplitter()
        self._reasoning = ReasoningMerger()

    @property
    def received(self) -> str:
        """The text so far as it was received, with its tags."""
        return "".join(self._pieces)

    @property
    def has_reasoning(self) -> bool:
        """True if reasoning has arrived."""
        return bool(self._reasoning)

    def is_repetition(self, text: str) -> bool:
        """Return whether a text is exactly that of the pieces so far, which are more than one."""
        return len(self._pieces) > 1 and text == self.received

    def feed_reasoning(self, field: str, text: str) -> Iterator[Event]:
        """Yield the events of a piece of reasoning.

        Args:
            field: the field that contains it; a server may send one text in several.
            text: the piece.
        """
        self._splitter.drop_blank_lines()
        return self._reasoning.feed(field, text)

    def feed(self, text: str) -> Iterable[Event]:
        """Return the events of a piece of the text.

        A high surrogate at its end waits for the low one in the next piece: servers that cut by
        UTF-16 code units send a character beyond U+FFFF in two halves.
        """
        self._pieces.append(text)
        if not text.isascii() or self._high_surrogate:
            text, self._high_surrogate = self._high_surrogate + text, ""
            if "\ud800" <= text[-1] <= "\udbff":
                text, self._high_surrogate = text[:-1], text[-1]
            text = join_surrogates(text)
        events = self._splitter.feed(text) if text else ()
        if isinstance(events, tuple) and not self._reasoning.is_waiting:  # nearly all pieces
            return events
        return self._merge(events)

    def flush(self) -> Iterator[Event]:
        """Yield what was held back, when nothing follows."""
        if self._high_surrogate:
            half, self._high_surrogate = join_surrogates(self._high_surrogate), ""
            yield from self._merge(self._splitter.feed(half))
        yield from self._merge(self._splitter.close())
        yield from self._reasoning.flush()

    def _merge(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events; reasoning between tags may have arrived in a field before."""
        for event in events:
            if isinstance(event, Reasoning):
                yield from self._reasoning.feed(_TAGS, event.text)
            else:
                if self._reasoning.is_waiting:
                    yield from self._reasoning.flush()
                yield event
