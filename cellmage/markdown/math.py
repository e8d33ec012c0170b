r"""Formulas as JupyterLab finds them: it hides them from its markdown parser, and puts them back.

It does so before it looks for code or links, and in attributes as well. So a formula may swallow
the backtick that made something code, and a quotation mark in it may end an attribute.

Source: ``removeMath`` in @jupyterlab/rendermime 4.6.6, ``lib/latex.js``. Of its patterns,

    (\$\$?|\\(?:begin|end)\{[a-z]*\*?\}|\\[{}$]|[{}]|(?:\n\s*)+|@@\d+@@|\\\\[()[\]])

finds what may begin or end a formula (`_TOKEN`; Python's ``\s`` and ``\d`` match other characters
than JavaScript's). Before that, these two hide the dollars in fences (`_find_fences`) and in code
spans (`_find_code_spans`); a tilde is written as ``~T`` there:

    ^(?<fence>`{3,}|(~T){3,})[^`\n]*\n([\s\S]*?)^\k<fence>`*$
    (^|[^\\])(`+)([^\n]*?[^`\n])\2(?!`)

Both take quadratic time for some texts, and a model's answer is not trusted. So the code here looks
up the ends in tables, and finds the same matches in linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .blocks import split_lines

_TOKEN = re.compile(
    r"\$\$?|\\(?:begin|end)\{[a-zA-Z]*\*?\}|\\[{}$]|[{}]|(?:\n[\s\ufeff]*)+|@@[0-9]+@@|\\\\[()\[\]]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^(`{3,}|~{3,})[^`\n]*\n", re.MULTILINE)
_FENCE_END = re.compile(r"^(`{3,}|~{3,}(?=`*$))`*$", re.MULTILINE)
_BACKTICKS = re.compile("`+")

PLACEHOLDER = re.compile("@@([0-9]+)@@")
"""In place of a hidden formula; group 1 is its index."""

_CLOSING_DELIMITERS = {"$": "$", "$$": "$$", r"\\(": r"\\)", r"\\[": r"\\]"}


class Formula(NamedTuple):
    """A formula with its delimiters.

    Args:
        start: offset of the opening delimiter, in characters.
        end: offset of the end of the closing delimiter.
        close_start: offset of the closing delimiter.
    """

    start: int
    end: int
    close_start: int


def hide_formulas(text: str) -> tuple[str, list[Formula]]:
    """Return the text with each formula replaced by ``@@index@@``, and the formulas.

    Text that looks like such a placeholder is replaced as well: JupyterLab does the same.

    Example:
        >>> hide_formulas("a $x$, `$`, $y$")[0]
        'a @@0@@, `$`, @@1@@'
    """
    formulas: list[Formula] = []
    if "$" in text or "\\" in text or "@@" in text:
        formulas = _find_formulas(_mask_dollars_in_code(text))
    pieces, position = [], 0
    for index, formula in enumerate(formulas):
        pieces += [text[position : formula.start], f"@@{index}@@"]
        position = formula.end
    return "".join([*pieces, text[position:]]), formulas


def restore_formulas(view: str, text: str, formulas: list[Formula]) -> str:
    """Return an edited view with the formulas of the text in place of their placeholders.

    Args:
        view: a text made of the one that `hide_formulas` returned.
        text: the text that was given to `hide_formulas`.
        formulas: the formulas that `hide_formulas` returned.
    """
    sources = [text[formula.start : formula.end] for formula in formulas]

    def source(match: re.Match[str]) -> str:
        index = int(match[1])
        return sources[index] if index < len(sources) else match[0]

    return PLACEHOLDER.sub(source, view)


def _find_formulas(text: str) -> list[Formula]:
    tokens = list(_TOKEN.finditer(text))
    formulas: list[Formula] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        closing: int | None = None
        next_position = position + 1
        if token.group()[0] == "@":
            formulas.append(Formula(token.start(), token.end(), token.end()))
        elif delimiter := _closing_delimiter(token.group()):
            closing, next_position = _find_closing(tokens, position, delimiter)
        if closing is not None:
            end = tokens[closing]
            formulas.append(Formula(token.start(), end.end(), end.start()))
        position = next_position
    return formulas


def _find_closing(
    tokens: Sequence[re.Match[str]], opening: int, delimiter: str
) -> tuple[int | None, int]:
    """Return the index of the token that closes a formula, and of the token to go on from.

    A formula ends at its delimiter outside of braces. An empty line or the end of the text ends
    the search; then the last delimiter inside of braces closes the formula, if there is one.
    """
    in_braces: int | None = None
    depth = 0
    for index in range(opening + 1, len(tokens)):
        token = tokens[index].group()
        if token == delimiter and not depth:
            return index, index + 1
        if token == delimiter:
            in_braces = index
        elif token.count("\n") > 1:
            return in_braces, (index if in_braces is None else in_braces) + 1
        elif token == "{":
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)
    return in_braces, len(tokens)


def _closing_delimiter(token: str) -> str | None:
    if token.startswith(r"\begin"):
        return r"\end" + token[6:]
    return _CLOSING_DELIMITERS.get(token)


def _mask_dollars_in_code(text: str) -> str:
    """Return a text of the same length without the dollars that JupyterLab sees in code."""
    if "$" not in text or ("`" not in text and "~~~" not in text):
        return text
    chars = list(text)
    for start, end in [*_find_fences(text), *_find_code_spans(text)]:
        for offset in range(start, end):
            if chars[offset] == "$":
                chars[offset] = "-"
    return "".join(chars)


def _find_fences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start of each fence at the margin that has an end, and the start of its last line.

    The pattern is the first one in the docstring of this module.
    """
    ends: dict[str, dict[int, list[int]]] = {"`": {}, "~": {}}
    for match in _FENCE_END.finditer(text):
        ends[match[1][0]].setdefault(len(match[1]), []).append(match.start())
    position = 0
    while position >= 0 and (opening := _FENCE.search(text, position)):
        end = _find_fence_end(ends[opening[1][0]], opening)
        if end is None:
            position = opening.end() - 1
        else:
            yield opening.start(), end
            position = text.find("\n", end)


def _find_fence_end(ends: Mapping[int, list[int]], opening: re.Match[str]) -> int | None:
    """Return the offset of the line that ends a fence.

    Args:
        ends: offsets of the lines of the same character that may end a fence, by their length.
        opening: a match of `_FENCE`.
    """
    length = len(opening[1])
    candidates = {
        count: end
        for count, starts in ends.items()
        if (end := _next_offset(starts, opening.end())) is not None
    }
    if opening[1][0] == "`":
        # ``\k<fence>`*``: the same number of backticks or more, and the first such line counts.
        return min((end for count, end in candidates.items() if count >= length), default=None)
    # ``[^`\n]*`` may take tildes of the opening line: the pattern tries the most tildes first, and
    # the line that ends the fence has exactly as many.
    longest = max((count for count in candidates if count <= length), default=0)
    return candidates.get(longest)


def _find_code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the range of each code span in a line with a dollar.

    The pattern is the second one in the docstring of this module: a range begins with the character
    before the span.
    """
    offset = 0
    for line in split_lines(text):
        if "$" in line:
            for start, end in _find_line_code_spans(line):
                yield offset + start, offset + end
        offset += len(line)


def _find_line_code_spans(line: str) -> Iterator[tuple[int, int]]:
    runs = [match.span() for match in _BACKTICKS.finditer(line)]
    starts_by_length: dict[int, list[int]] = {}
    for start, end in runs:
        starts_by_length.setdefault(end - start, []).append(start)
    position = 0
    for start, end in runs:
        if start < position:
            continue
        # ``[^\\]`` takes a backtick after a backslash; ``(`+)`` tries the longest mark first.
        longest = end - start - (line[start - 1 : start] == "\\")
        for length in (n for n in range(longest, 0, -1) if n in starts_by_length):
            if (closing := _next_offset(starts_by_length[length], end)) is not None:
                position = closing + length
                yield max(start - 1, 0), position
                break


def _next_offset(offsets: list[int], minimum: int) -> int | None:
    """Return the first of these sorted offsets that is not below the minimum."""
    index = bisect_left(offsets, minimum)
    return offsets[index] if index < len(offsets) else None
