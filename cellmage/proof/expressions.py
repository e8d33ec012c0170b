"""Find ``{{= expression }}`` in an answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..code_blocks import place_code_blocks

_OPENING = re.compile(r"\{\{=")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_MAX_ENDS = 32
"""The ``}}`` that are tried as the end of an expression: a dict in a dict has some of its own."""

_MAX_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class LiveExpression:
    """An expression of an answer.

    Args:
        start: the offset of its place in the text; backticks around it belong to it.
        end: the offset behind it.
        source: the expression, without its braces.
    """

    start: int
    end: int
    source: str


def find_live(text: str) -> list[LiveExpression]:
    """Return the live expressions of an answer, in order; those in code are code.

    Example:
        >>> find_live("We sold {{= sum(units) }} and `{{= max(units) }}`.")[0]
        LiveExpression(start=8, end=25, source='sum(units)')
        >>> [live.source for live in find_live("`x = {{= 1 }}` is code, `{{= 2 }}` is not.")]
        ['2']
    """
    return list(_find(text))


def _find(text: str) -> Iterator[LiveExpression]:
    position = 0
    code = list(code_places(text))
    while match := _OPENING.search(text, position):
        start, position = match.start(), match.end()
        span = next(((a, b) for a, b in code if a <= start < b), None)
        expression = _split(text, position)
        if expression is None:
            continue
        source, end = expression
        if span is None:
            yield LiveExpression(start, end, source)
        elif text[span[0] : span[1]].strip("` ") == text[start:end]:
            start, end = span
            yield LiveExpression(start, end, source)
        position = end


def code_places(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of code blocks, and of code in a line."""
    position = 0
    for block in [*place_code_blocks(text), None]:
        for match in _CODE_SPAN.finditer(text, position, block.start if block else len(text)):
            yield match.span()
        if block:
            yield block.start, block.end
            position = block.end


def _split(text: str, start: int) -> tuple[str, int] | None:
    """Return the shortest expression that ``}}`` ends, and the offset behind it."""
    end = start - 1
    for _ in range(_MAX_ENDS):
        end = text.find("}}", end + 1, start + _MAX_CHARS)
        if end == -1:
            return None
        source = text[start:end].strip()
        if parse(source) is not None:
            return source, end + 2
    return None


def parse(source: str) -> ast.Expression | None:
    """Return the tree of an expression; None if it is none."""
    try:
        return ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
