"""Phrases in an answer: where to stop, and what to watch for; also where they are cut in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..events import Complete, Event, Notice, Token


class Phrases:
    """Finds phrases in a text that arrives in pieces.

    Args:
        phrases: what to look for; case counts unless `folded`.
        folded: whether "Moon" is found in "the moon".

    Example:
        >>> finder = Phrases(["END"])
        >>> finder.find("the E"), finder.find("ND of it")
        ([], [('END', 2)])
    """

    def __init__(self, phrases: Sequence[str], folded: bool = False) -> None:
        self._phrases = [phrase for phrase in phrases if phrase]
        self._folded = folded
        self._tail = ""
        self._longest = max((len(phrase) for phrase in self._phrases), default=1)

    def find(self, piece: str) -> list[tuple[str, int]]:
        """The phrases that end in this piece, each with the place in it where it ends first."""
        seen = self._tail + piece
        found = []
        for phrase in self._phrases:
            at = _fold(seen, self._folded).find(_fold(phrase, self._folded))
            end = at + len(phrase) - len(self._tail)
            if at >= 0 and end > 0:
                found.append((phrase, end))
        self._tail = seen[max(0, len(seen) - self._longest + 1) :]
        return sorted(found, key=lambda each: each[1])


def _fold(text: str, folded: bool) -> str:
    # Character by character: some grow when they are folded, and places must stay.
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text) if folded else text


async def stopping(
    events: AsyncGenerator[Event, None], phrases: Sequence[str]
) -> AsyncGenerator[Event, None]:
    """End the answer with the first of these phrases, and close the connection.

    The text ends with the phrase, and is complete: its finish reason is ``stop_phrase``.
    """
    finder = Phrases(phrases)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Token) and (found := finder.find(event.text)):
                yield Token(event.text[: found[0][1]])
                yield Complete("stop_phrase")
                return
            yield event


async def watching(
    events: AsyncGenerator[Event, None], words: Sequence[str]
) -> AsyncGenerator[Event, None]:
    """Tell of each of these words when it is first seen, in any case; a `Notice` of kind watch."""
    left, length = list(words), 0
    finder = Phrases(left, folded=True)
    async with aclosing(events):
        async for event in events:
            yield event
            if not isinstance(event, Token):
                continue
            for word, end in finder.find(event.text):
                if word in left:
                    left.remove(word)
                    yield Notice("watch", f"first seen: {word}, at character {length + end}")
            length += len(event.text)
