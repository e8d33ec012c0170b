"""Destinations and labels of links. Source: CommonMark 0.31.2, sections 4.7 and 6.3."""

from __future__ import annotations

import re

_MAX_NESTING = 32
"""Levels of parentheses in a destination: CommonMark asks for at least 3, cmark allows 32."""

_CLOSE = re.compile(r"\s*\)")
_TITLE = re.compile(
    r"\s+(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))\s*\)", re.DOTALL
)
_ANGLE_DESTINATION = re.compile(r"\(\s*<(?:[^<>\n\\]|\\.)*>")
_OPEN = re.compile(r"\(\s*")
_SAFE_SCHEME = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def find_target_end(text: str, offset: int) -> int:
    """Return the offset of the end of ``(destination "title")``; 0 where it is not complete.

    Args:
        text: inline markdown.
        offset: of the opening parenthesis, in characters.
    """
    if match := _ANGLE_DESTINATION.match(text, offset):
        end = match.end()
    else:
        start = _OPEN.match(text, offset).end()  # type: ignore[union-attr]  # the caller saw it
        end = _bare_destination_end(text, start)
        if end < 0:
            return 0
    if match := _TITLE.match(text, end):
        return match.end()
    close = _CLOSE.match(text, end)
    return close.end() if close else 0


def _bare_destination_end(text: str, start: int) -> int:
    """Return the end of a destination whose parentheses are balanced; -1 if they are not."""
    end, depth = start, 0
    while end < len(text) and not text[end].isspace():
        char = text[end]
        if char == "\\":
            end += 1
        elif char == "(":
            depth += 1
            if depth > _MAX_NESTING:
                return -1
        elif char == ")":
            if not depth:
                break
            depth -= 1
        end += 1
    return -1 if depth else end


def normalize_label(label: str) -> str:
    """Return a label as CommonMark compares it: case-folded, white space collapsed.

    Example:
        >>> normalize_label(" Two\\n words ")
        'two words'
    """
    return " ".join(label.split()).casefold()


def is_safe_url(url: str) -> bool:
    """Return whether a link may lead to this URL: its scheme is plainly http, https or mailto.

    Args:
        url: a destination as a parser returns it, without the escapes of markdown.

    Example:
        >>> is_safe_url("https://example.org"), is_safe_url("java&#x73;cript%3Ax")
        (True, False)
    """
    return bool(_SAFE_SCHEME.match(url.strip("<>")))


def may_become_safe_url(target: str) -> bool:
    """Return whether a destination is safe, or may become so when more of it arrives.

    Args:
        target: the text after the parenthesis that opens the target of a link.

    Example:
        >>> may_become_safe_url("htt"), may_become_safe_url("/page"), may_become_safe_url("x")
        (True, False, False)
    """
    beginning = target.lstrip(" \n<")[: len("https://")].lower()
    return any(
        scheme.startswith(beginning) or beginning.startswith(scheme)
        for scheme in ("http://", "https://", "mailto:")
    )
