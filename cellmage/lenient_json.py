"""Read the JSON of an answer: strictly, else in the one lenient way that fits; pure.

Models write text or fences around a value, or one value a line. A correction changes the notation,
never the content: a value that was cut, and two values that differ, stay errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from .relaxed_json import Reading, parse_strict, read_candidate

_FENCE_LINE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t\r]*$", re.MULTILINE)
_WHOLE_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:(?i:json)\w*)?[ \t\r]*\n([\s\S]*)\n[ \t]*\1")
JSON_LANGUAGES = ("json", "jsonc", "json5", "jsonl", "ndjson")
"""The languages of fences whose content is JSON."""

_OPENER = re.compile(r"[{\[]")
_CITATION = re.compile(r"\[[\d, ]+\]")
_KEY_BEFORE = re.compile(r"[\"'”]\s*:\s*\Z")
_SEPARATOR = re.compile(r"\s*,?[ \t\r]*\n\s*")

_AROUND = "text around the value"
_SEVERAL = "several values, as a list"


def read_json(text: str) -> Reading:
    """Return the value of a text: strictly if possible, else in the one lenient way that fits.

    Args:
        text: a complete text. One code fence around the whole text is not a correction.

    Raises:
        ValueError: no value fits, or more than one does; the message says where strict JSON ended.

    Example:
        >>> read_json('{"a": 1}')
        Reading(value={'a': 1}, corrections=())
        >>> read_json("Sure: {'a': True,}").value
        {'a': True}
        >>> read_json('{"a": 1').value
        Traceback (most recent call last):
        ValueError: EOF while parsing an object at line 1 column 7
    """
    text = text.lstrip("\ufeff").strip()
    fence = _WHOLE_FENCE.fullmatch(text)
    content = fence[2] if fence else text
    try:
        return Reading(parse_strict(content))
    except ValueError as error:
        problem = str(error)
    reading = _read_relaxed(content) or _read_lines(content)
    reading = reading or _read_fences(text) or _read_embedded(text)
    if reading is None:
        raise ValueError(problem)
    return reading


def _read_relaxed(text: str) -> Reading | None:
    """Return the reading of a text that is one list or object in relaxed notation."""
    candidate = read_candidate(text, 0)
    return candidate.reading if candidate and candidate.end == len(text) else None


def _read_lines(text: str) -> Reading | None:
    """Return the list of a text that has one strict value a line, as JSON Lines has."""
    lines = [line.rstrip(" \t\r,") for line in text.split("\n") if line.strip()]
    try:
        values = [parse_strict(line) for line in lines]
    except ValueError:
        return None
    return Reading(values, (_SEVERAL,)) if len(values) > 1 else None


def _read_fences(text: str) -> Reading | None:
    """Return the reading of the fenced block with a value; blocks that say JSON come first.

    Raises:
        ValueError: several blocks have different values, or the one that says JSON has none.
    """
    blocks = list(_find_blocks(text))
    marked = [block.content for block in blocks if block.language in JSON_LANGUAGES]
    bare = [block.content for block in blocks if not block.language]
    readers = (_read_content, marked), (_read_embedded, marked), (_read_content, bare)
    for read, contents in (*readers, (_read_content, [block.content for block in blocks])):
        readings = [reading for content in contents if (reading := read(content))]
        if readings:
            return _only(readings)
    if marked:
        parse_strict(marked[0])
    return None


def _read_content(text: str) -> Reading | None:
    try:
        return Reading(parse_strict(text), (_AROUND,))
    except ValueError:
        reading = _read_relaxed(text.strip()) or _read_lines(text)
    return reading and Reading(reading.value, (_AROUND, *reading.corrections))


def _only(readings: Sequence[Reading]) -> Reading:
    """Return the reading on which all agree.

    Raises:
        ValueError: they have different values.
    """
    if any(reading.value != readings[0].value for reading in readings):
        raise ValueError(f"it has {len(readings)} values, and one was asked for")
    return readings[0]


class _Block(NamedTuple):
    """A fenced block: its language in lower case, its content, and its offsets in the text."""

    language: str
    content: str
    start: int
    end: int


def _find_blocks(text: str) -> Iterator[_Block]:
    """Yield the fenced blocks (CommonMark 0.31, section 4.5); an open one ends with the text."""
    opener: re.Match[str] | None = None
    for line in _FENCE_LINE.finditer(text):
        if opener is None:
            opener = line
        elif line[1].startswith(opener[1]) and not line[2]:
            yield _block(text, opener, line.start(), line.end())
            opener = None
    if opener is not None:
        yield _block(text, opener, len(text), len(text))


def _block(text: str, opener: re.Match[str], content_end: int, end: int) -> _Block:
    language = (opener[2].split() or [""])[0].lower()
    return _Block(language, text[opener.end() + 1 : content_end], opener.start(), end)


def _without_fences(text: str) -> str:
    for block in reversed(list(_find_blocks(text))):
        text = text[: block.start] + text[block.end :]
    return text


# Values within a text.


class _Value(NamedTuple):
    """A candidate that could be read."""

    start: int
    end: int
    reading: Reading


def _read_embedded(text: str) -> Reading | None:
    """Return the reading of the one value between prose, or of several values, one a line.

    Raises:
        ValueError: there are several values with prose between them.
    """
    text = _without_fences(text)
    values = _values_between_prose(text)
    if not values or not _is_prose_around(text, values):
        return None
    corrections = [name for value in values for name in value.reading.corrections]
    if values[0].start or values[-1].end < len(text):
        corrections.insert(0, _AROUND)
    gaps = [text[value.end : following.start] for value, following in pairwise(values)]
    if gaps and all(map(_SEPARATOR.fullmatch, gaps)):
        listed = [value.reading.value for value in values]
        return Reading(listed, tuple(dict.fromkeys([*corrections, _SEVERAL])))
    value = _only([value.reading for value in values]).value
    return Reading(value, tuple(dict.fromkeys(corrections)))


def _values_between_prose(text: str) -> Sequence[_Value]:
    """Return the lists and objects of a text; none if one of them is cut or malformed."""
    values: list[_Value] = []
    position = 0
    while opener := _OPENER.search(text, position):
        candidate = read_candidate(text, opener.start())
        position = candidate.end if candidate else opener.end()
        if candidate is not None:
            if candidate.reading is None:
                return []  # what follows is a part of a value that cannot be read
            values.append(_Value(candidate.start, candidate.end, candidate.reading))
    on_lines = [value for value in values if _is_on_lines(text, value)]
    return on_lines or [value for value in values if not _is_citation(text, value)]


def _is_on_lines(text: str, value: _Value) -> bool:
    before, after = text[: value.start].rpartition("\n")[2], text[value.end :].partition("\n")[0]
    return not before.strip() and after.strip() in ("", ",")


def _is_citation(text: str, value: _Value) -> bool:
    """Return whether a list of numbers, such as [1], is a citation in a sentence."""
    is_numbers = _CITATION.fullmatch(text, value.start, value.end)
    return bool(is_numbers) and not text[: value.start].rstrip().endswith((":", "="))


def _is_prose_around(text: str, values: Sequence[_Value]) -> bool:
    """Return whether the text outside of the values can be no part of a larger value."""
    before, after = text[: values[0].start], text[values[-1].end :]
    if _KEY_BEFORE.search(before):
        return False
    return all(
        side.count(opener) == side.count(closer)
        for side in (before, after)
        for opener, closer in ("{}", "[]")
    )
