"""Functions of plain text that several rooms use."""

from __future__ import annotations

from typing import Literal

_SCANNED_PER_WIDTH = 4
"""Characters that are read for each one of the line: the cost does not grow with the text."""


def truncate(text: str, width: int) -> str:
    """Return the text on one line of at most `width` characters; a cut line ends in "…".

    Args:
        text: any text; a run of white space in it becomes one space.
        width: characters, at least 1.

    Example:
        >>> truncate("one\\n two", 10), truncate("three four", 7)
        ('one two', 'three …')
    """
    head = text[: _SCANNED_PER_WIDTH * width]
    line = " ".join(head.split())
    is_complete = len(line) <= width and len(head) == len(text)
    return line if is_complete else f"{line[: width - 1]}…"


def excerpt(text: str, chars: int = 60) -> str:
    """Return a text for an error message: the text itself, or its begin and the number left out.

    Args:
        text: what the user typed, such as the name of a conversation.
        chars: the longest text that is repeated whole.

    Example:
        >>> excerpt("short"), excerpt("x" * 5000, 3)
        ('short', 'xxx… (and 4997 more characters)')
    """
    excess = len(text) - chars
    return text if excess <= 0 else f"{text[:chars]}… (and {excess} more characters)"


def join_surrogates(text: str, lone: Literal["replace", "keep"] = "replace") -> str:
    """Return the text with each pair of surrogates as the character that it encodes.

    JSON may escape a character beyond U+FFFF as two halves (RFC 8259, section 7), and a stream may
    be cut between them.

    Args:
        text: any text.
        lone: "replace" puts U+FFFD in the place of a half without its other half, which UTF-8
            cannot encode; "keep" leaves it, for a text whose other half may follow.

    Example:
        >>> join_surrogates("\\ud83d\\ude00!") == "\\U0001f600!"
        True
        >>> join_surrogates("\\ud83d!") == "\\ufffd!", join_surrogates("\\ud83d!", lone="keep")
        (True, '\\ud83d!')
    """
    if text.isascii():
        return text
    errors = "replace" if lone == "replace" else "surrogatepass"
    return text.encode("utf-16", "surrogatepass").decode("utf-16", errors)
