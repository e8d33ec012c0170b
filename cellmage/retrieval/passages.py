"""Cut a text into passages."""

from __future__ import annotations

import re
from collections.abc import Iterator

PASSAGE_CHARS = 1_500
"""The length of a passage, at most."""

_BREAK = re.compile(r"\n\s*\n|\n(?=#|def |class )")


def passages(text: str) -> Iterator[tuple[str, int]]:
    """Yield a text in passages, each with the number of its first line, from 1.

    A passage ends between two paragraphs if possible.

    Example:
        >>> [line for _, line in passages("one\\n\\n" + "word " * 400 + "\\n\\nlast")]
        [1, 3]
    """
    start, line = 0, 1
    while start < len(text):
        end = _passage_end(text, start)
        passage = text[start:end]
        if passage.strip():
            empty_lines = len(passage) - len(passage.lstrip("\n"))
            yield passage.strip(), line + empty_lines
        line += passage.count("\n")
        start = end


def _passage_end(text: str, start: int) -> int:
    """Return the end of a passage: the last break before it is too long, else a space."""
    limit = start + PASSAGE_CHARS
    if limit >= len(text):
        return len(text)
    breaks = [match.end() for match in _BREAK.finditer(text, start + PASSAGE_CHARS // 3, limit)]
    if breaks:
        return breaks[-1]
    space = text.rfind(" ", start + PASSAGE_CHARS // 2, limit)
    return space + 1 if space > 0 else limit
