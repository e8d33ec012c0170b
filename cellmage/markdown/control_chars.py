"""Text without the characters that control a terminal, or the order of the text after them."""

from __future__ import annotations

import re

_CONTROL_CHARS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


# What one parser takes for the end of a line is a character to another.
_LINE_SEPARATORS = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029", " "))
_CARRIAGE_RETURN = re.compile(r"\r\n?")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def strip_control_chars(text: str) -> str:
    """Return the text without control characters, except line feeds and tabs.

    Example:
        >>> strip_control_chars("a\\x1b[2Jb\\n")
        'a[2Jb\\n'
    """
    return _CONTROL_CHARS.sub("", text)


def strip_direction_chars(text: str) -> str:
    """Return the text without characters that change the order of the text after them."""
    return _DIRECTION.sub("", text)


def normalize_line_ends(text: str) -> str:
    """Return the text with line feeds for carriage returns, and spaces for rarer line ends."""
    return _CARRIAGE_RETURN.sub("\n", replace_line_separators(text))


def replace_line_separators(text: str) -> str:
    """Return a text of the same length with spaces for the rarer line ends, such as U+2028."""
    return text.translate(_LINE_SEPARATORS)
