"""The tokens of TeX, and the source of arguments."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<space>(?:\s|%[^\n]*(?:\n|\Z))+)|(?P<row>\\\\\*?(?:\[-?[\d.]+\s*[a-z]{2}\])?)"
    r"|\\(?P<name>[A-Za-z]+)|\\(?P<escape>.)|(?P<char>.)",
    re.DOTALL,
)

_LIMITS = frozenset({"limits", "nolimits"})


class NotExactError(Exception):
    """A formula has a part for which no text is known that says the same."""


class TexToken(NamedTuple):
    """A token of TeX.

    Args:
        kind: space, row (a line's end), name (of a command), escape, char, or end.
        text: the name, or the character.
        start: its offset in characters.
        end: the offset after it.
    """

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_script_mark(self) -> bool:
        """True if a script follows, or if it is a prime."""
        return self.kind == "char" and self.text in ("^", "_", "'")

    def is_char(self, char: str) -> bool:
        """Return whether it is this character."""
        return self.kind == "char" and self.text == char

    def is_command(self, name: str) -> bool:
        """Return whether it is this command."""
        return self.kind == "name" and self.text == name


class TexReader:
    r"""Reads the tokens of a formula one after the other.

    Example:
        >>> reader = TexReader(r"\frac{a}{b}")
        >>> reader.next().text, reader.raw_argument(), reader.raw_argument()
        ('frac', 'a', 'b')
    """

    def __init__(self, tex: str) -> None:
        self.tex = tex
        self.offset = 0

    def peek(self) -> TexToken:
        """Return the next token, without moving."""
        match = _TOKEN.match(self.tex, self.offset)
        if match is None:
            return TexToken("end", "", self.offset, self.offset)
        kind = match.lastgroup or ""
        return TexToken(kind, match[kind], *match.span())

    def next(self) -> TexToken:
        """Return the next token."""
        token = self.peek()
        self.offset = token.end
        return token

    def skip_space(self) -> TexToken:
        """Skip white space and comments, and return the token after them, without moving on."""
        if (token := self.peek()).kind == "space":
            self.offset = token.end
        return self.peek()

    def skip_limits(self) -> TexToken:
        """Skip white space and where to place limits, and return the token after them."""
        while (token := self.skip_space()).kind == "name" and token.text in _LIMITS:
            self.offset = token.end
        return token

    def skip_char(self, char: str) -> bool:
        """Skip this character if it is next, and return whether it was."""
        token = self.peek()
        is_next = token.is_char(char)
        self.offset = token.end if is_next else self.offset
        return is_next

    def raw_argument(self) -> str:
        """Return the source of an argument in braces.

        Raises:
            NotExactError: there is none.
        """
        self.skip_space()
        if not self.skip_char("{"):
            raise NotExactError
        start, depth = self.offset, 1
        while depth:
            token = self.next()
            if token.kind == "end":
                raise NotExactError
            depth += token.is_char("{") - token.is_char("}")
        return self.tex[start : self.offset - 1]

    def optional_argument(self) -> str | None:
        """Return the source of an argument in brackets; None if there is none."""
        self.skip_space()
        if not self.skip_char("["):
            return None
        start = self.offset
        end = self.tex.find("]", start)
        if end == -1:
            raise NotExactError
        self.offset = end + 1
        return self.tex[start:end]
