"""Estimate the time that a page needs for a frame, beyond the time for plain text. Pure.

Front ends render an output anew for each frame, and typeset all of its formulas again. The
constants are rounded up from times in JupyterLab 4.6 (headless Chromium on a core of a server),
from an update to its paint, without the 15 to 20 ms that any update takes:

    50 formulas of 6 / 48 characters, 20 of 235 characters      55 / 170 / 205 ms
    300 lines of highlighted code                               45 ms
    300 table rows of 4 cells                                   45 ms, half of it for the text
    a diagram                                                   65 ms when it is new
    80 kB of mixed text                                         190 ms

Plain text is paid by its size: see `cellmage.display.pacer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

FORMULA_MS = 1.0
"""Milliseconds for a formula, whatever its length."""

FORMULA_CHAR_MS = 0.05
"""Milliseconds for each character of a formula."""

CODE_LINE_MS = 0.1
"""Milliseconds for a line of highlighted code; code without a language is not highlighted."""

TABLE_CELL_MS = 0.02
"""Milliseconds for a table cell."""

DIAGRAM_MS = 65.0
"""Milliseconds for a diagram. JupyterLab keeps what it has drawn; other front ends may not."""

_DIAGRAM_LANGUAGE = "mermaid"

_FENCE_MARKER = re.compile(r"(`{3,}|~{3,})[ \t]*([^\s`]*)")
_CONTAINERS = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")

# In dollars; a bare environment is taken to reach to the end of its paragraph.
_FORMULA = re.compile(
    r"(?<!\\)(?:\$\$[^$]+\$\$|\$(?:[^$\n]|\n(?![ \t]*\n))+\$)"
    r"|\\begin\{[^$\n]*(?:\n(?![ \t]*\n)[^$\n]*)*"
)


def page_cost_ms(markdown: str) -> float:
    """Return the estimated milliseconds for formulas, diagrams, highlighted code and tables.

    Args:
        markdown: markdown as it is published.

    Example:
        >>> page_cost_ms("Plain *text*.")
        0.0
        >>> page_cost_ms("An $x_i$, and a $y$.")
        2.4
        >>> page_cost_ms("```mermaid\\ngraph TD\\n A-->B\\n```\\n")
        65.0
    """
    if "```" not in markdown and "~~~" not in markdown:
        return _text_cost_ms(markdown)
    total, position = 0.0, 0
    for fence in _find_fences(markdown):
        total += _text_cost_ms(markdown[position : fence.start]) + _fence_cost_ms(fence, markdown)
        position = fence.end
    return total + _text_cost_ms(markdown[position:])


class _Fence(NamedTuple):
    language: str
    start: int
    end: int


def _find_fences(markdown: str) -> Iterator[_Fence]:
    """Yield the fences; an open one reaches to the end."""
    opening: re.Match[str] | None = None
    for marker in _find_markers(markdown):
        if opening is None:
            opening = marker
        elif marker[1].startswith(opening[1]) and not marker[2]:
            yield _Fence(opening[2], opening.start(), marker.end())
            opening = None
    if opening is not None:
        yield _Fence(opening[2], opening.start(), len(markdown))


def _find_markers(markdown: str) -> Iterator[re.Match[str]]:
    """Yield the first marker of each line, if nothing but containers is before it."""
    position = 0
    while marker := _FENCE_MARKER.search(markdown, position):
        line = markdown.rfind("\n", 0, marker.start()) + 1
        if _CONTAINERS.fullmatch(markdown, line, marker.start()):
            yield marker
        position = markdown.find("\n", marker.end()) + 1 or len(markdown)


def _fence_cost_ms(fence: _Fence, markdown: str) -> float:
    if fence.language.lower() == _DIAGRAM_LANGUAGE:
        return DIAGRAM_MS
    lines = markdown.count("\n", fence.start, fence.end)
    return CODE_LINE_MS * lines if fence.language else 0.0


def _text_cost_ms(text: str) -> float:
    cells = TABLE_CELL_MS * text.count("|")
    if "$" not in text and "\\begin" not in text:
        return cells
    sizes = [match.end() - match.start() for match in _FORMULA.finditer(text)]
    return cells + FORMULA_MS * len(sizes) + FORMULA_CHAR_MS * sum(sizes)
