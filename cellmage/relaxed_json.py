"""Read JSON in a relaxed notation, as strict JSON whose meaning is the same; pure.

The notation of JavaScript and of Python: comments, trailing commas, other quotes, keys without
quotes, `True` and `None`, line breaks in strings, escapes that JSON does not know. Nothing is
completed, and NaN is not JSON (RFC 8259, section 6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jiter

_TOKEN = re.compile(
    r"""
    (?P<blank> [\s\ufeff]+ )
    | (?P<comment> //[^\n]* | \#[^\n]* | /\*[\s\S]*?\*/ )
    | (?P<string> "(?:[^"\\]|\\[\s\S])*" | '(?:[^'\\]|\\[\s\S])*' | “[^“”]*” )
    | (?P<number> -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]) )
    | (?P<word> (?:[^\W\d]|\$)[\w$]* )
    | (?P<mark> [{}\[\],:] )
    """,
    re.VERBOSE,
)
_KEY_END = re.compile(r"\s*:")
_STRING_PART = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|\\[\s\S]|[\x00-\x1f"]')
_STRICT_STRING = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))*')
# In a string with backslashes that JSON does not know, such as a path or TeX: "\new" may be a line
# break or a name, and "\frac" is a name.
_MAYBE_COMMAND = re.compile(r"(?<!\\)(?:\\\\)*\\[nrt][a-z]")
_COMMAND = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=[bf][A-Za-z])")
# A number that a float cannot hold becomes infinity, which is not JSON.
_MAYBE_INFINITE = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{309}")

_WORDS = {"true": "true", "false": "false", "null": "null"}
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


class Reading(NamedTuple):
    """A value, and the corrections that its text needed.

    Args:
        value: the parsed value.
        corrections: names of the corrections, for the user; none for strict JSON.
    """

    value: Any
    corrections: tuple[str, ...] = ()

    @property
    def notice(self) -> str:
        """The line for the user about a lenient reading; empty for a strict one."""
        if not self.corrections:
            return ""
        return f"The answer is not plain JSON; it was read with: {', '.join(self.corrections)}."


def parse_strict(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON; the message ends in the line and the column, from 1.

    Example:
        >>> parse_strict("[NaN]")
        Traceback (most recent call last):
        ValueError: expected value at line 1 column 2
    """
    value = jiter.from_json(text.encode("utf-8", "replace"), allow_inf_nan=False)
    if _MAYBE_INFINITE.search(text):
        json.dumps(value, allow_nan=False)
    return value


class Candidate(NamedTuple):
    """A list or an object in a text, and its offsets; without a reading if it is malformed."""

    start: int
    end: int
    reading: Reading | None


def read_candidate(text: str, start: int) -> Candidate | None:
    """Return the list or object that begins at an offset; None if prose follows the bracket."""
    if text[start : start + 1] not in ("{", "["):
        return None
    relaxed = _Relaxed()
    position = start
    while token := _TOKEN.match(text, position):
        position = token.end()
        if not relaxed.add(token, text) or not relaxed.depth:
            break
    reading = None if relaxed.depth else relaxed.reading()
    # A bracket with nothing like JSON after it, such as [see below] or [1-3], is prose.
    is_prose = not (reading or relaxed.is_structured or position == len(text))
    return None if is_prose else Candidate(start, position, reading)


class _Relaxed:
    """Rewrites tokens of a relaxed notation as strict JSON; the grammar is checked afterwards."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.depth = 0
        self.is_structured = False
        self.corrections: dict[str, None] = {}
        self._has_comma = False
        self._rules: dict[str, Callable[[str], str]] = {
            "string": self._string,
            "number": str,
            "mark": self._mark,
        }

    def reading(self) -> Reading | None:
        """Return the reading of the tokens; None if their order is wrong."""
        try:
            return Reading(parse_strict("".join(self.parts)), tuple(self.corrections))
        except ValueError:
            return None

    def add(self, token: re.Match[str], text: str) -> bool:
        """Add a token, and return whether it can be a part of a value."""
        kind, source = str(token.lastgroup), token[0]
        if kind == "blank":
            return True
        if kind == "comment":
            self.corrections["comments"] = None
            return True
        if kind == "word":
            part = self._word(source, is_key=bool(_KEY_END.match(text, token.end())))
        else:
            part = self._rules[kind](source)
        self._add_comma(source)
        self.is_structured |= kind == "string" or self.depth > 1
        self.parts += [part] if part else []
        return bool(part) or source == ","

    def _add_comma(self, source: str) -> None:
        """Add the comma before a token, unless a list or an object ends here."""
        if self._has_comma and source in ("}", "]") and self.parts[-1] not in ("[", "{", ","):
            self.corrections["trailing commas"] = None
        elif self._has_comma:
            self.parts.append(",")
        self._has_comma = source == ","

    def _mark(self, source: str) -> str:
        self.depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(source, 0)
        return "" if source == "," else source

    def _word(self, word: str, is_key: bool) -> str:
        """Return a word as JSON; empty for a word that no value has."""
        if word in _PYTHON_WORDS and not is_key:
            self.corrections["Python's words"] = None
            return _PYTHON_WORDS[word]
        if word in _WORDS or not is_key:
            return _WORDS.get(word, "")
        self.corrections["keys without quotes"] = None
        return json.dumps(word)

    def _string(self, source: str) -> str:
        """Return a string as JSON; empty if its backslashes have two readings."""
        content = source[1:-1]
        if source[0] != '"':
            self.corrections["other quotes"] = None
        if _STRICT_STRING.fullmatch(content):
            return f'"{content}"'
        has_unknown = any(map(_is_unknown_escape, _STRING_PART.findall(content)))
        if has_unknown:
            self.corrections["backslashes in strings"] = None
            if _MAYBE_COMMAND.search(content):
                return ""
            content = _COMMAND.sub(r"\\\\\1", content)
        return f'"{_STRING_PART.sub(self._string_part, content)}"'

    def _string_part(self, part: re.Match[str]) -> str:
        """Return a part of a string as JSON writes it; an unknown escape stays as it is written."""
        source = part[0]
        if source == '"':
            return '\\"'
        if source == "\\'":
            return "'"
        if len(source) == 1:
            self.corrections["line breaks or tabs in strings"] = None
            return json.dumps(source)[1:-1]
        if _is_unknown_escape(source):
            return "\\\\" + json.dumps(source[1], ensure_ascii=False)[1:-1]
        return source


def _is_unknown_escape(part: str) -> bool:
    return len(part) == 2 and part[1] not in "\"'\\/bfnrt"
