"""Targets and labels of links. Source: CommonMark 0.31.2, sections 4.7 and 6.3."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

_NESTING = 32
"""Parentheses that an address may nest: the limit that CommonMark allows."""

_CLOSE = re.compile(r"\s*\)")
_TITLE = re.compile(
    r"\s+(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))\s*\)", re.DOTALL
)
_ANGLED = re.compile(r"\(\s*<(?:[^<>\n\\]|\\.)*>")
_BARE = re.compile(r"\(\s*")
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060\ufeff\\]")


def target_end(text: str, at: int) -> int:
    """The end of ``(address "title")`` that begins here; 0 where none is whole."""
    if match := _ANGLED.match(text, at):
        end = match.end()
    else:
        end = _BARE.match(text, at).end()  # type: ignore[union-attr]  # the caller saw the bracket
        depth = 0
        while end < len(text) and not text[end].isspace():
            char = text[end]
            if char == "\\":
                end += 1
            elif char == "(":
                depth += 1
                if depth > _NESTING:
                    return 0
            elif char == ")":
                if not depth:
                    break
                depth -= 1
            end += 1
        if depth:
            return 0
    if match := _TITLE.match(text, end):
        return match.end()
    close = _CLOSE.match(text, end)
    return close.end() if close else 0


def normalize_label(label: str) -> str:
    """A label as CommonMark compares it."""
    return " ".join(label.split()).casefold()


def is_safe_url(url: str) -> bool:
    """Whether a link may lead there, whatever encoding the address hides in.

    Example:
        >>> is_safe_url("https://example.org"), is_safe_url("java&#x73;cript%3Ax")
        (True, False)
    """
    plain = url.strip("<>")
    for _ in range(3):
        plain = _BLANK.sub("", unquote(html.unescape(plain)))
    return bool(re.match(r"(?:https?://|mailto:)", plain, re.IGNORECASE))
