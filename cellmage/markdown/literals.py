"""Blocks whose lines are not markdown, or not on their own: fences, formulas, comments, details.

A line opens such a block, and a line of another form ends it. Until then nothing in it is settled.
Sources: CommonMark 4.5 and 4.6; `cellmage.markdown.formulas`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .formulas import MAX_FORMULA_CHARS, OPENING, is_environment, may_become_formula
from .nested_fences import NESTING_INFO, NestedFence

PATTERNS = {
    "fence": r"`{3,}[^`\n]*$|~{3,}.*$",
    "math": r"\$\$(?!.*\$\$)|\\\[(?!.*\\\])|\\begin\{(?!.*\\end\{)[A-Za-z]+\*?\}",
    "comment": r"<!--(?!.*-->)",
}
"""What the content of the first line of each kind begins with."""

CANDIDATE = re.compile(r"```|~~~|\$\$|\\[\[\]]|\\begin|\\end|<!--|-->|</?details", re.IGNORECASE)
"""Finds what is in each line that may open or end such a block."""

MAX_CANDIDATES = 700
"""Candidates of a text that are looked at one by one."""

_MAX_FORMULA_LINES = 50
"""Lines of a formula that has no end yet: all of it is looked at for each of them."""

_FENCE_START = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(?:`{3}|~{3})")

_MAX_FORMULA_SOURCE = 2 * MAX_FORMULA_CHARS
"""Characters of a formula that has no end yet, with its containers."""

MAX_COMMENT_CHARS = 2_000
"""Characters of a comment: while it has no end, nothing behind it settles. A longer one is text."""

_DEEP = re.compile(r"^(?:[ \t]*(?:>|[-+*](?=\s)|\d{1,9}[.)](?=\s))){25}", re.MULTILINE)
"""A line in so many containers: parsers take the square of their depth, or more, for it."""

_COMMENT_END = re.compile("-->")
_DETAILS = re.compile(r"<(/?)details(?: open)?>", re.IGNORECASE)
_KINDS = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}
_MAY_END = {char: re.compile(rf"^[ \t>]*{char}{{3}}", re.MULTILINE) for char in "`~"}
_MATH_ENDS = {
    "$$": re.compile(r"\$\$[.,;:]?\s*\Z"),
    "\\[": re.compile(r"\\\][.,;:]?\s*\Z"),
    "\\b": re.compile(r"\\end\{[A-Za-z]+\*?\}[.,;:]?\s*\Z"),
}


def has_many_candidates(text: str, start: int = 0, limit: int = MAX_CANDIDATES) -> bool:
    """Return whether a text is hostile: it takes long to tell what in it is code."""
    is_long = text.count("\n", start) > limit
    return is_long and len(CANDIDATE.findall(text, start)) > limit


def has_many_lines(text: str, start: int, limit: int) -> bool:
    """Return whether a text takes long to look at line by line; of a fence only the end counts."""
    return text.count("\n", start) > limit and not _FENCE_START.match(text, start)


def has_deep_line(text: str) -> bool:
    """Return whether parsers take long for a text, as a line of it is in many containers."""
    return bool(_DEEP.search(text))


@dataclass(slots=True)
class Literal:
    """An open block.

    Args:
        kind: fence, math, comment or details.
        marker: the backticks or tildes of a fence; else empty.
        ends_with: decides about each line after the first, in order, without its containers.
        may_end: finds the lines for which `ends_with` must be called; None for all of them.
    """

    kind: str
    marker: str
    ends_with: Callable[[str], bool]
    may_end: re.Pattern[str] | None = None

    def is_abandoned(self, text: str, start: int, end: int) -> bool:
        """Return whether it is text after all: what opened it has no end in time.

        Args:
            text: the text with the block.
            start: the offset of the block.
            end: the offset of its end so far.
        """
        if self.kind == "math":
            is_long = end - start > _MAX_FORMULA_SOURCE
            if is_long or text.count("\n", start, end) > _MAX_FORMULA_LINES:
                return True
            return not _may_become_formula(text[start:end])
        return self.kind == "comment" and end - start > MAX_COMMENT_CHARS


@lru_cache(maxsize=2_048)  # each frame asks again about the lines of the one before
def _may_become_formula(source: str) -> bool:
    opening = OPENING.search(source)
    return opening is not None and may_become_formula(source, opening.start())


def open_literal(content: str) -> Literal | None:
    """Return the block that a line opens, or None.

    Args:
        content: the line without its containers.
    """
    if _KINDS["fence"].match(content):
        return _open_fence(content)
    if match := _KINDS["math"].match(content):
        name = match[0][len("\\begin{") : -1]
        end = _MATH_ENDS[match[0][:2]]
        is_math = not name or is_environment(name)
        return Literal("math", "", _ends_with(end)) if is_math else None
    if _KINDS["comment"].match(content):
        return Literal("comment", "", _ends_with(_COMMENT_END))
    return None


def open_details(content: str) -> Literal | None:
    """Return the block that ``<details>`` opens, or None; other blocks may be in it."""
    depth = count_details(content)
    if depth <= 0 or not _DETAILS.match(content):
        return None

    def ends_with(line: str) -> bool:
        nonlocal depth
        depth += count_details(line)
        return depth <= 0

    return Literal("details", "", ends_with)


def _ends_with(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda line: bool(pattern.search(line))


def _open_fence(content: str) -> Literal:
    marker = content[: len(content) - len(content.lstrip(content[0]))]
    if NESTING_INFO.match(content):
        return Literal("fence", marker, NestedFence(content).ends_with, _MAY_END["`"])

    def ends_with(line: str) -> bool:
        return line.startswith(marker) and not line.strip(f"{marker[0]} \t")

    return Literal("fence", marker, ends_with, _MAY_END[marker[0]])


def count_details(content: str) -> int:
    """Return how many more ``<details>`` a line opens than it ends."""
    return sum(-1 if match[1] else 1 for match in _DETAILS.finditer(content))
