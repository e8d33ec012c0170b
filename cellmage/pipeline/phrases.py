"""Find phrases in an answer, also where they are cut in pieces: to stop at, and to notify about."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..events import Complete, Event, Notice, Reclassification, Token
from ..messages import Request
from .base import Ask


class PhraseFinder:
    """Finds phrases in a text that arrives in pieces.

    Args:
        phrases: the phrases to find; empty ones are left out.
        ignore_case: True finds "Moon" in "the moon".

    Example:
        >>> finder = PhraseFinder(["END"])
        >>> finder.find("the E"), finder.find("ND of it")
        ([], [('END', 2)])
    """

    def __init__(self, phrases: Sequence[str], ignore_case: bool = False) -> None:
        self._phrases = [phrase for phrase in phrases if phrase]
        self._ignore_case = ignore_case
        self._tail = ""
        self._max_chars = max((len(phrase) for phrase in self._phrases), default=1)

    def find(self, piece: str) -> list[tuple[str, int]]:
        """Return the phrases that end in this piece, in the order of their ends.

        Returns:
            pairs of a phrase and the offset in the piece, in characters, where it ends first.
        """
        text = self._tail + piece
        matches = []
        for phrase in self._phrases:
            start = self._normalize(text).find(self._normalize(phrase))
            end = start + len(phrase) - len(self._tail)
            if start >= 0 and end > 0:
                matches.append((phrase, end))
        self._tail = text[max(0, len(text) - self._max_chars + 1) :]
        return sorted(matches, key=lambda match: match[1])

    def _normalize(self, text: str) -> str:
        return _lower_by_character(text) if self._ignore_case else text


def _lower_by_character(text: str) -> str:
    """Return the text in lower case, with every character at its offset.

    `str.lower` makes some characters longer, which would move the offsets of those after them.
    """
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def stop_at_phrases(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """End the answer after the first of ``options.stop_at``, and close the connection.

    The text ends with the phrase and is complete; its finish reason is ``stop_phrase``.
    """
    phrases = request.options.stop_at
    return _stop_at(ask, request, phrases) if phrases else ask(request)


async def _stop_at(
    ask: Ask, request: Request, phrases: Sequence[str]
) -> AsyncGenerator[Event, None]:
    finder = PhraseFinder(phrases)
    async with aclosing(ask(request)) as events:
        async for event in events:
            if isinstance(event, Reclassification):
                finder = PhraseFinder(phrases)  # a phrase may not begin in the reasoning
            elif isinstance(event, Token) and (matches := finder.find(event.text)):
                _, end = matches[0]
                yield Token(event.text[:end])
                yield Complete("stop_phrase")
                return
            yield event


def notify_on_words(ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield a `Notice` of kind ``watch`` when a word of ``options.watch`` is first seen."""
    words = request.options.watch
    return _notify_on(ask, request, words) if words else ask(request)


async def _notify_on(
    ask: Ask, request: Request, words: Sequence[str]
) -> AsyncGenerator[Event, None]:
    remaining, length = set(words), 0
    finder = PhraseFinder(words, ignore_case=True)
    async with aclosing(ask(request)) as events:
        async for event in events:
            yield event
            if isinstance(event, Reclassification):
                length -= len(event.text)
                finder = PhraseFinder(words, ignore_case=True)
            if not isinstance(event, Token):
                continue
            for word, end in finder.find(event.text):
                if word in remaining:
                    remaining.remove(word)
                    yield Notice("watch", f"first seen: {word}, at character {length + end}")
            length += len(event.text)
