"""Text without the characters that control a terminal."""

from __future__ import annotations

import re

_CONTROL_CHARS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def strip_control_chars(text: str) -> str:
    """Return the text without control characters, except line feeds and tabs.

    Example:
        >>> strip_control_chars("a\\x1b[2Jb\\n")
        'a[2Jb\\n'
    """
    return _CONTROL_CHARS.sub("", text)
