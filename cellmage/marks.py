"""Marks: what is known about places of an answer after its code and its figures were checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, Literal, get_args

from .text import Encodable

MarkKind = Literal["ran", "failed", "not_run", "value", "no_value", "number"]
"""``ran``, ``failed`` and ``not_run`` are about a code block; ``value`` and ``no_value`` about an
expression; ``number`` is a number of which nobody knows where it comes from."""

BLOCK_KINDS: tuple[MarkKind, ...] = ("ran", "failed", "not_run")
"""The kinds that are about a code block."""


@dataclass(frozen=True, slots=True)
class Mark(Encodable):
    """What is known about a place of an answer.

    Args:
        start: the offset in the text of the answer where the place begins.
        end: the offset where it ends.
        kind: what it is about.
        text: the verdict on a block in a line; the value of an expression, or why it has none.
        detail: what a block has printed, or its traceback; the source of an expression.
    """

    start: int
    end: int
    kind: MarkKind
    text: str = ""
    detail: str = ""


def marks_to_record(marks: Iterable[Mark]) -> list[Any]:
    """Return marks as lists, as JSON can hold them.

    Example:
        >>> marks_to_record([Mark(0, 9, "value", "5", "n")])
        [[0, 9, 'value', '5', 'n']]
        >>> marks_from_record([[0, 9, "value", "5", "n"]])[0].text
        '5'
    """
    return [list(astuple(mark)) for mark in marks]


def marks_from_record(value: Iterable[Any]) -> tuple[Mark, ...]:
    """Return the marks that `marks_to_record` has made into lists.

    Raises:
        TypeError, ValueError: they are something else.
    """
    return tuple(_read(*item) for item in value)


def _read(start: Any, end: Any, kind: Any, *texts: Any) -> Mark:
    is_place = type(start) is int and type(end) is int and 0 <= start <= end
    if not is_place or kind not in get_args(MarkKind):
        raise ValueError
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return Mark(start, end, kind, *texts)
