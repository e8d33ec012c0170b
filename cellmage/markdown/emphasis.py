"""Delimiter runs, which open and close emphasis. Source: CommonMark 0.31.2, section 6.2."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Delimiter(NamedTuple):
    """A delimiter run that opens emphasis and has no end yet.

    Args:
        char: ``*``, ``_`` or ``~``; for an HTML tag, its name.
        length: characters of the run that are not closed.
        start: offset of the first of these, in characters.
        previous: the open run before it.
        closing_tag: the tag that ends it; empty for a run.
    """

    char: str
    length: int
    start: int
    previous: Delimiter | None
    closing_tag: str = ""

    @property
    def closing(self) -> str:
        """The mark or the tag that closes it."""
        return self.closing_tag or self.char * self.length


def close_emphasis(
    last: Delimiter | None, char: str, length: int, can_open: bool
) -> tuple[Delimiter | None, int]:
    """Return the last run that is still open, and how many characters of the closing run are left.

    A run that can open and close is kept apart from another one where their lengths add to a
    multiple of 3 (rules 9 and 10).

    Args:
        last: the last open run.
        char: the character of the closing run.
        length: its length in characters.
        can_open: whether it can open emphasis as well.
    """
    while length:
        opener = last
        while opener is not None and opener.char != char:
            opener = opener.previous
        if opener is None or (can_open and (opener.length + length) % 3 == 0 and length % 3):
            break
        used = min(2, length, opener.length)
        length -= used
        unused = opener.length - used
        last = Delimiter(char, unused, opener.start, opener.previous) if unused else opener.previous
    return last, length


def close_tag(last: Delimiter | None, name: str) -> Delimiter | None:
    """Return the last run that is still open after a closing tag; a tag without partner is text.

    Args:
        last: the last open run.
        name: the name of the tag.
    """
    opener = last
    while opener is not None and opener.char != name:
        opener = opener.previous
    return last if opener is None else opener.previous


def classify_run(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Return whether a delimiter run can open, and can close emphasis.

    Chinese, Japanese and Korean put no spaces between words, so punctuation next to a run says less
    there. By CommonMark's rule ``**注意：**当`` shows its asterisks. So next to a wide character a
    run may open and close as it may next to a letter.

    Args:
        text: inline markdown.
        start: offset of the run, in characters.
        end: offset of its end.
    """
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    space_before, space_after = before.isspace(), after.isspace()
    punctuation_before = is_punctuation(before) and not is_wide(before)
    punctuation_after = is_punctuation(after) and not is_wide(after)
    is_left_flanking = not space_after and (
        not punctuation_after or space_before or punctuation_before or is_wide(before)
    )
    is_right_flanking = not space_before and (
        not punctuation_before or space_after or punctuation_after or is_wide(after)
    )
    if text[start] != "_":
        return is_left_flanking, is_right_flanking
    return (
        is_left_flanking and (not is_right_flanking or is_punctuation(before)),
        is_right_flanking and (not is_left_flanking or is_punctuation(after)),
    )


def is_punctuation(char: str) -> bool:
    """Return whether a character is of a category P or S of Unicode (section 2.1)."""
    return unicodedata.category(char)[0] in "PS"


def is_wide(char: str) -> bool:
    """Return whether a character is of Chinese, Japanese or Korean (width W, F or H; UAX 11)."""
    return unicodedata.east_asian_width(char) in "WFH"
