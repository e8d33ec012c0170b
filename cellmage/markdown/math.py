"""What JupyterLab takes for a formula: it hides them from its markdown parser, and puts them back.

It does so before it looks for code or links, and into attributes as well: a formula may swallow
the mark that made something code, and a quotation mark in it may end an attribute.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from .blocks import lines

_MARK = re.compile(
    r"\$\$?|\\(?:begin|end)\{[a-zA-Z]*\*?\}|\\[{}$]|[{}]|(?:\n[\s\ufeff]*)+|@@[0-9]+@@|\\\\[()\[\]]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^(`{3,}|~{3,})[^`\n]*\n", re.MULTILINE)
_END = re.compile(r"^(`{3,}|~{3,}(?=`*$))`*$", re.MULTILINE)
_HIDDEN = re.compile("@@([0-9]+)@@")
_RUN = re.compile("`+")
_PARTNERS = {"$": "$", "$$": "$$", r"\\(": r"\\)", r"\\[": r"\\]"}


class Formula(NamedTuple):
    """A formula and its delimiters."""

    start: int
    end: int
    closer: int


def hidden(text: str) -> tuple[str, list[Formula]]:
    """The text with every formula replaced by ``@@number@@``, and the formulas.

    Example:
        >>> hidden("a $x$, `$`, $y$")[0]
        'a @@0@@, `$`, @@1@@'
    """
    found = _formulas(_shielded(text)) if "$" in text or "\\" in text or "@@" in text else []
    pieces, position = [], 0
    for number, formula in enumerate(found):
        pieces += [text[position : formula.start], f"@@{number}@@"]
        position = formula.end
    return "".join([*pieces, text[position:]]), found


def restored(view: str, text: str, formulas: list[Formula]) -> str:
    """A text made of what `hidden` gave, with the formulas of the text back in their places."""
    sources = [text[formula.start : formula.end] for formula in formulas]

    def source(match: re.Match[str]) -> str:
        number = int(match[1])
        return sources[number] if number < len(sources) else match[0]

    return _HIDDEN.sub(source, view)


def _formulas(text: str) -> list[Formula]:
    marks = list(_MARK.finditer(text))
    found: list[Formula] = []
    start = wanted = last = None
    depth = at = 0
    while at < len(marks):
        mark = marks[at].group()
        if mark[0] == "@":
            if start is None:
                found.append(Formula(marks[at].start(), marks[at].end(), marks[at].end()))
        elif start is None:
            wanted = _partner(mark)
            start, last, depth = (at if wanted else None), None, 0
        elif mark == wanted and depth:
            last = at
        elif mark == wanted or mark.count("\n") > 1:
            last = at if mark == wanted else last
            if last is not None:
                found.append(Formula(marks[start].start(), marks[last].end(), marks[last].start()))
                at = last
            start = None
        elif mark == "{":
            depth += 1
        elif mark == "}" and depth:
            depth -= 1
        at += 1
    if start is not None and last is not None:
        found.append(Formula(marks[start].start(), marks[last].end(), marks[last].start()))
    return found


def _partner(mark: str) -> str | None:
    return r"\end" + mark[6:] if mark.startswith(r"\begin") else _PARTNERS.get(mark)


def _shielded(text: str) -> str:
    """The text without the dollars that JupyterLab sees in code."""
    if "$" not in text or ("`" not in text and "~~~" not in text):
        return text
    chars = list(text)
    for start, end in [*_fences(text), *_spans(text)]:
        for at in range(start, end):
            if chars[at] == "$":
                chars[at] = "-"
    return "".join(chars)


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Fences at the margin that end, in a line with the mark alone; backticks may follow it."""
    ends: dict[str, dict[int, list[int]]] = {"`": {}, "~": {}}
    for end_mark in _END.finditer(text):
        mark = end_mark[1]
        ends[mark[0]].setdefault(len(mark), []).append(end_mark.start())
    position = 0
    while match := _FENCE.search(text, position):
        char, length = match[1][0], len(match[1])
        later = {n: _next(starts, match.end()) for n, starts in ends[char].items()}
        if char == "`":
            end = min((at for n, at in later.items() if n >= length and at >= 0), default=-1)
        else:
            longest = max((n for n, at in later.items() if n <= length and at >= 0), default=0)
            end = later.get(longest, -1)
        if end >= 0:
            yield match.start(), end
        position = text.find("\n", end) if end >= 0 else match.end() - 1
        if position < 0:
            return


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Code in a line, as a pattern would find it that prefers long marks."""
    start = 0
    for line in lines(text):
        runs = [(run.start(), run.end()) for run in _RUN.finditer(line)] if "$" in line else []
        by_length: dict[int, list[int]] = {}
        for begin, end in runs:
            by_length.setdefault(end - begin, []).append(begin)
        position = 0
        for begin, end in runs:
            if begin < position:
                continue
            longest = end - begin - (line[begin - 1 : begin] == "\\")
            for length in (n for n in range(longest, 0, -1) if n in by_length):
                if (close := _next(by_length[length], end)) >= 0:
                    position = close + length
                    yield start + max(begin - 1, 0), start + position  # with what stands before
                    break
        start += len(line)


def _next(starts: list[int], at: int) -> int:
    index = bisect_left(starts, at)
    return starts[index] if index < len(starts) else -1
