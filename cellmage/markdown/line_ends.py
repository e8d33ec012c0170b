"""Line ends: what ends a line for one parser is a character to another."""

from __future__ import annotations

import re

_LINE_SEPARATOR = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_CARRIAGE_RETURN = re.compile(r"\r\n?")


def normalize_line_ends(text: str) -> str:
    """Return the text with line feeds for carriage returns, and spaces for rarer line ends."""
    return _CARRIAGE_RETURN.sub("\n", replace_line_separators(text))


def replace_line_separators(text: str) -> str:
    """Return a text of the same length with spaces for the rarer line ends, such as U+2028."""
    return _LINE_SEPARATOR.sub(" ", text)
