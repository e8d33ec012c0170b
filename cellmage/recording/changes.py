"""Whether two answers to one prompt say the same: texts by words, values as values, code by AST."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from ..code_blocks import CodeBlock, find_code_blocks, without_code_blocks
from ..lenient_json import JSON_LANGUAGES, read_json
from ..text import truncate
from .code_forms import normalize_code

AnswerKind = Literal["text", "code", "value"]
"""What counts of an answer: all of it, its code blocks, or its JSON value."""

_MISSING: Any = object()
"""The value of what is not there."""

_MAX_COMPARED_WORDS = 2000
"""The longest texts whose similarity considers the order of the words; longer ones take long."""

_MAX_PATHS = 1000
_VALUE_CHARS = 24
_BULLET = re.compile(r"^(\s*)[*+](?=\s)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two answers.

    Args:
        kind: ``"text"``, ``"code"`` or ``"value"``.
        words: what differs, for the user.
    """

    kind: AnswerKind
    words: str


def find_change(old: str, new: str, kind: AnswerKind = "text") -> Change | None:
    """Return what differs between two answers; None if they say the same.

    White space, the marks of lists, the order of keys, and the layout and comments of Python code
    do not count.

    Args:
        old: the text of the older answer.
        new: that of the newer one.
        kind: what counts; an answer without code or without a value counts as text.

    Example:
        >>> find_change("It is  4.", "It is 4."), find_change("It is 4.", "It is 5.").words
        (None, '67 % of the words are the same')
        >>> find_change('{"a": 1, "b": 2}', '{"b": 3, "a": 1}', "value").words
        'b: 2 → 3'
    """
    return _FINDERS[kind](old, new)


def _find_in_value(old: str, new: str) -> Change | None:
    """Return how two values differ; a text that has none is one."""
    then, now = _read_value(old), _read_value(new)
    if then is _MISSING and now is _MISSING:
        return _find_in_text(old, new)
    if then is _MISSING or now is _MISSING:
        return Change("value", f"no value {'then' if then is _MISSING else 'now'}")
    return _compare_values(then, now)


def _find_in_code(old: str, new: str) -> Change | None:
    """Return how the code of two answers differs; of two without code, how the texts do."""
    then, now = find_code_blocks(old), find_code_blocks(new)
    return _compare_blocks(then, now) if then or now else _compare_words(old, new)


def _find_in_text(old: str, new: str) -> Change | None:
    """Return how two answers differ: in their code, else in the text around it."""
    whole = [_read_strict(text) for text in (old, new)]
    if all(isinstance(value, dict | list) for value in whole):
        return _compare_values(*whole)
    change = _compare_blocks(find_code_blocks(old), find_code_blocks(new))
    return change or _compare_words(without_code_blocks(old), without_code_blocks(new))


_FINDERS: Mapping[AnswerKind, Callable[[str, str], Change | None]] = {
    "text": _find_in_text,
    "code": _find_in_code,
    "value": _find_in_value,
}


# Text.


def _compare_words(old: str, new: str) -> Change | None:
    then, now = _words(old), _words(new)
    if then == now:
        return None
    return Change("text", f"{100 * similarity(then, now):.0f} % of the words are the same")


def _words(text: str) -> list[str]:
    return _BULLET.sub(r"\1-", unicodedata.normalize("NFC", text)).split()


def similarity(old: Sequence[str], new: Sequence[str]) -> float:
    """Return the share of the words that two texts have in common, below 1 if they differ.

    Example:
        >>> similarity(["a", "b", "c"], ["a", "c"])
        0.8
    """
    if max(len(old), len(new)) <= _MAX_COMPARED_WORDS:
        share = SequenceMatcher(None, old, new).ratio()
    else:
        common = (Counter(old) & Counter(new)).total()
        share = 2 * common / (len(old) + len(new))
    return min(share, 0.99) if old != new else 1.0


# Code.


def _compare_blocks(old: Sequence[CodeBlock], new: Sequence[CodeBlock]) -> Change | None:
    if len(old) != len(new):
        return Change("code", f"{_count(len(old))} then, {len(new)} now")
    for number, (then, now) in enumerate(zip(old, new, strict=True), 1):
        if not _is_same_code(then, now):
            name = f" ({now.language})" if now.language else ""
            of = f" {number} of {len(new)}" if len(new) > 1 else ""
            return Change("code", f"the code block{of}{name} differs")
    return None


def _is_same_code(old: CodeBlock, new: CodeBlock) -> bool:
    if {old.language, new.language} <= set(JSON_LANGUAGES):
        then, now = _read_value(old), _read_value(new)
        if then is not _MISSING and now is not _MISSING:
            return _compare_values(then, now) is None
    return normalize_code(old, old.language) == normalize_code(new, new.language)


def _count(blocks: int) -> str:
    return "1 code block" if blocks == 1 else f"{blocks} code blocks"


# Values.


def _read_value(text: str) -> Any:
    try:
        return read_json(text).value
    except ValueError:
        return _MISSING


def _read_strict(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _MISSING


def _compare_values(old: Any, new: Any) -> Change | None:
    differences = _differences(old, new)
    first = next(differences, None)
    if first is None:
        return None
    excess = sum(1 for _, _ in zip(range(_MAX_PATHS), differences, strict=False))
    return Change("value", f"{first}; and {excess} more" if excess else first)


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ; 1 and 1.0 are one number, 1 and true are not."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            key_path = f"{path}.{key}" if path else str(key)
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), key_path)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (then, now) in enumerate(zip(old, new, strict=True)):
            yield from _differences(then, now, f"{path}[{index}]")
    elif isinstance(old, bool) is not isinstance(new, bool) or old != new:
        yield f"{truncate(path, 2 * _VALUE_CHARS) or 'value'}: {_show(old)} → {_show(new)}"


def _show(value: Any) -> str:
    """Return a value in a few characters."""
    if value is _MISSING:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{len(value)} {'keys' if isinstance(value, dict) else 'items'}"
    return truncate(json.dumps(value, ensure_ascii=False), _VALUE_CHARS)
