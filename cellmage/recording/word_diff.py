"""The difference of two texts, word by word, in one short line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ..text import truncate

_CONTEXT = 2
"""The words before and after a difference."""

_MAX_CHARS = 200
_MAX_WORDS = 300
"""The longest text that is compared; longer ones take long."""


def diff_words(old: str, new: str) -> str:
    """Return what differs, as ``wdiff`` writes it, with two words around it.

    Example:
        >>> diff_words("How high is the water in Brest at noon?", "How high is it in Brest?")
        '… high is [-the water-] {+it+} in [-Brest at noon?-] {+Brest?+}'
        >>> diff_words("one", "one"), diff_words("one", "one  two")
        ('', 'one {+two+}')
    """
    before, after = _without_common_start(old.split(), new.split())
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    if all(name == "equal" for name, *_ in blocks):
        return ""
    return truncate(" ".join(_words(blocks, before, after)), _MAX_CHARS)


def _without_common_start(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Return the words from shortly before the first difference on, as many as are compared."""
    pairs = enumerate(zip(before, after, strict=False))
    first = next((index for index, (old, new) in pairs if old != new), len(before))
    start = max(0, min(first, len(before), len(after)) - _CONTEXT)
    skipped = ["…"] if start else []
    old_words, new_words = (skipped + words[start:][:_MAX_WORDS] for words in (before, after))
    return old_words, new_words


def _words(
    blocks: Sequence[tuple[str, int, int, int, int]], before: list[str], after: list[str]
) -> Iterator[str]:
    for number, (name, start, end, new_start, new_end) in enumerate(blocks):
        if name == "equal":
            yield from _shorten(before[start:end], number == 0, number == len(blocks) - 1)
            continue
        if start < end:
            yield f"[-{' '.join(before[start:end])}-]"
        if new_start < new_end:
            yield f"{{+{' '.join(after[new_start:new_end])}+}}"


def _shorten(words: list[str], is_first: bool, is_last: bool) -> list[str]:
    """Return equal words: those beside a difference, and an ellipsis for the others."""
    head = words if is_first else words[:_CONTEXT]
    tail = [] if is_last else words[-_CONTEXT:]
    if is_first or len(head) + len(tail) >= len(words):
        return words
    return [*head, "…", *tail]
