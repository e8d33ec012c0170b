"""Functions of plain text that several rooms use."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Literal

CURSOR = "▌"
"""Marks the end of a text that is still arriving: on a page, and in a file that was saved then."""

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


def name_day(day: str) -> str:
    """Return a day as it is told.

    Example:
        >>> name_day("2026-11-27"), name_day("")
        ('27 Nov', 'an unknown day')
    """
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return "an unknown day"
    return f"{parsed.day} {parsed:%b}"


_TERMINAL_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""C0 and C1 controls but tabs and line feeds, and the property Bidi_Control (UAX 9)."""

_RARE_SPACE = re.compile(r"[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""They join letters, and choose the form of an emoji; beside ASCII they do nothing."""

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), then other blank glyphs.
_BLANK = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d159"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800\U00016fe4]"
)


_LONG_BLANK = " " * 17
"""More spaces than an indent has: they would move what follows to another line of the screen."""

_MARKS = 3
"""Marks on one letter; more of them cover the lines above and below."""


def strip_control_chars(text: str) -> str:
    """Return the text without what controls a terminal or the order of the text after it.

    Example:
        >>> strip_control_chars("a\\x1b[2Jb\\n\\u202e")
        'a[2Jb\\n'
    """
    return _TERMINAL_CONTROLS.sub("", text)


def spell_out(text: str) -> str:
    r"""Return the text with each character that is not plainly visible as its escape in JSON.

    Args:
        text: any text, also with lone surrogates.

    Example:
        >>> spell_out("a b\n\u3164\u202e\U000e0041")
        'a b\\n\\u3164\\u202e\\udb40\\udc41'
        >>> spell_out("no\u0308 \u0308n\u0338o")
        'no\u0308 \\u0308n\\u0338o'
    """
    return _spell(text, "")


def clean_message(text: str) -> str:
    r"""Return a message to the user in which no character hides, or controls the terminal.

    Args:
        text: a message, perhaps with words from servers and files. Line feeds stay, all spaces are
            plain spaces, and what is not visible is spelled out, but for what emoji consist of.

    Example:
        >>> clean_message("no model\xa0a\u3164b\x1b[2J")
        'no model a\\u3164b\\u001b[2J'
    """
    return _spell(_RARE_SPACE.sub(" ", text), "\n" + _JOINERS)


def _spell(text: str, allowed: str) -> str:
    """Return the text with all but visible and allowed characters as escapes of JSON."""
    if text.isascii() and text.isprintable() and _LONG_BLANK not in text:
        return text
    return "".join(
        char if is_visible or (char in allowed and _has_use(char, before)) else _escape(char)
        for before, char, is_visible in _visibility(text)
    )


def _escape(char: str) -> str:
    return r"\u0020" if char == " " else json.dumps(char)[1:-1]


def _has_use(char: str, before: str) -> bool:
    """Return whether a joiner stands where emoji and letters have one."""
    return char not in _JOINERS or not (before.isascii() or before in _JOINERS[:2])


def _visibility(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield for each character the one before it, itself, and whether it is plainly visible."""
    before, marks, blanks = "", 0, 0
    for char in text:
        is_mark = unicodedata.category(char)[0] == "M"
        marks, blanks = marks + 1 if is_mark else 0, blanks + 1 if char == " " else 0
        is_readable = _is_readable_mark(char, before) and marks <= _MARKS if is_mark else True
        is_visible = char.isprintable() and not _BLANK.match(char)
        yield before, char, is_visible and is_readable and blanks < len(_LONG_BLANK)
        before = char


def _is_readable_mark(mark: str, before: str) -> bool:
    """Return whether a mark changes a letter; not one that strikes it through or encloses it."""
    is_on_letter = bool(before) and unicodedata.category(before)[0] in "LM"
    return is_on_letter and unicodedata.category(mark) != "Me" and unicodedata.combining(mark) != 1


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


def format_bytes(count: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> format_bytes(900), format_bytes(12_345), format_bytes(3_400_000)
        ('900 bytes', '12 kB', '3.4 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


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


class Encodable:
    """The base of dataclasses whose texts UTF-8 can encode, as a page, a file and a request need.

    A lone surrogate is not a character. Such a text comes from a file name that is not UTF-8, from
    JSON, or from a cut pair. It is replaced when the value is made, and nowhere else.
    """

    __slots__: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in type(self).__slots__:
            text = getattr(self, name)
            if isinstance(text, str) and not text.isascii():
                object.__setattr__(self, name, join_surrogates(text))
