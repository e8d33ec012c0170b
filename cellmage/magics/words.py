"""Read the words of a magic's line, also as word processors and input methods write them.

A line that was written elsewhere may have dashes in place of hyphens, curly quotes, and blanks
that no shell knows. They mean the plain characters in a flag. The text after the flags is never
changed.
"""

from __future__ import annotations

import re

from ..errors import UsageError

BLANK = r"[\s\u200b\u2060\ufeff]"
r"""A pattern of one blank: also no-break spaces (``\s`` has them), zero-width ones and the BOM."""

_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
"""The hyphen, and what becomes of one or two hyphens in a word processor."""

_TO_HYPHEN = str.maketrans(_DASHES, "-" * len(_DASHES))

_CURLY_QUOTES = {
    "\u201c": "\u201d\u201c", "\u201d": "\u201d", "\u201e": "\u201c\u201d", "\u201f": "\u201d",
    "\u2018": "\u2019\u2018", "\u201a": "\u2018\u2019", "\u00ab": "\u00bb", "\u00bb": "\u00ab",
    "\u300c": "\u300d", "\uff02": "\uff02",
}  # fmt: skip
"""Quotes that begin a value, with those that end it, in English, German, French and Japanese."""

_SPACE = re.compile(f"{BLANK}*")
_PLAIN = re.compile(r"""[^\s\u200b\u2060\ufeff"']+""")


class Words:
    """The words of a line one by one, and the remainder as it was typed.

    Straight quotes work within words, as in a shell; curly ones around a word or a value. Both
    take everything literally, backslashes too.

    Example:
        >>> words = Words("--system \u201cBe brief\u201d -m='a b'c it's open")
        >>> words.next_word(), words.next_word(), words.next_word(), words.remainder()
        ('--system', 'Be brief', '-m=a bc', "it's open")
    """

    def __init__(self, line: str) -> None:
        self._line = line
        self._position = 0

    def remainder(self) -> str:
        """Return the text that is not read yet, without blanks around it."""
        return _SPACE.sub("", self._line[self._position :], count=1).strip()

    def peek(self) -> str:
        """Return the text up to the next blank; quotes are not read."""
        return re.split(BLANK, self.remainder(), maxsplit=1)[0]

    def next_word(self) -> str:
        """Read a word; the line must not be at its end.

        Raises:
            UsageError: a quote is not closed.
        """
        self._position = _match_end(_SPACE, self._line, self._position)
        start, parts = self._position, [""]
        while self._position < len(self._line):
            character = self._line[self._position]
            is_at_start = self._position == start or parts[-1].endswith("=")
            if character in "\"'":
                parts.append(self._read_quoted(re.escape(character)))
            elif is_at_start and character in _CURLY_QUOTES:
                parts.append(self._read_quoted(f"[{_CURLY_QUOTES[character]}](?={BLANK}|\\Z)"))
            elif re.match(BLANK, character):
                break
            else:
                parts.append(self._read_plain())
        return "".join(parts)

    def _read_plain(self) -> str:
        """Read the characters up to a blank or a quote; a value may begin after "="."""
        start = self._position
        end = _match_end(_PLAIN, self._line, start)
        equals = self._line.find("=", start, end)
        self._position = end if equals == -1 else equals + 1
        return self._line[start : self._position]

    def _read_quoted(self, end: str) -> str:
        start = self._position + 1
        closing = re.compile(end).search(self._line, start)
        if closing is None:
            raise UsageError(f"a quote is not closed in: {self.remainder()[:40]}")
        self._position = closing.end()
        return self._line[start : closing.start()]


def _match_end(pattern: re.Pattern[str], line: str, start: int) -> int:
    match = pattern.match(line, start)
    return match.end() if match else start


def has_dash(word: str) -> bool:
    """Return whether a word begins with a dash of any kind, and is more than dashes."""
    return word[:1] in tuple(_DASHES) and bool(word.strip(_DASHES))


def plain_dashes(word: str) -> str:
    """Return a flag with the hyphens that its dashes mean; its value is not changed.

    Example:
        >>> plain_dashes("\u2014model=a\u2013b"), plain_dashes("\u2013m"), plain_dashes("-mgpt")
        ('--model=a\u2013b', '-m', '-mgpt')
    """
    name, equals, value = word.partition("=")
    if name.isascii():
        return word
    bare = name.lstrip(_DASHES).translate(_TO_HYPHEN)
    return f"{'-' if len(bare) == 1 else '--'}{bare}{equals}{value}"
