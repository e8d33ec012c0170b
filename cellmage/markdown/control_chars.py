"""Text without what moves a terminal's cursor."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def strip_control_chars(text: str) -> str:
    """The text without control characters, but for line ends and tabs.

    Example:
        >>> strip_control_chars("a\\x1b[2Jb\\n")
        'a[2Jb\\n'
    """
    return _CONTROL.sub("", text)
