"""Texts of several lines beside each other, as a matrix is in a formula."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_TALL: dict[str, str] = {
    "(": "⎛⎜⎜⎝", ")": "⎞⎟⎟⎠", "[": "⎡⎢⎢⎣", "]": "⎤⎥⎥⎦", "{": "⎧⎪⎨⎩", "}": "⎫⎪⎬⎭",
    "|": "││││", "‖": "║║║║", "⌊": "⎢⎢⎢⎣", "⌋": "⎥⎥⎥⎦", "⌈": "⎡⎢⎢⎢", "⌉": "⎤⎥⎥⎥",
}  # fmt: skip
"""The pieces of a delimiter: its top, the lines between, its middle and its bottom."""


def cell_width(text: str) -> int:
    """Return the cells that a line takes in a terminal.

    Example:
        >>> cell_width("x̂ = 数")
        6
    """
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def join_beside(boxes: Sequence[str]) -> str:
    """Return texts beside each other, their middle lines on one line.

    Example:
        >>> print(join_beside(["A = ", tall("(", 2), "1 0\\n0 1", tall(")", 2)]))
        A = ⎛1 0⎞
            ⎝0 1⎠
    """
    rows = [box.split("\n") for box in boxes]
    above = max((len(lines) - 1) // 2 for lines in rows)
    below = max(len(lines) // 2 for lines in rows)
    columns = [_pad(lines, above, below) for lines in rows]
    return "\n".join("".join(line).rstrip() for line in zip(*columns, strict=True))


def _pad(lines: Sequence[str], above: int, below: int) -> list[str]:
    """Return lines of one width, with empty lines above and below."""
    width = max(map(cell_width, lines))
    empty_above, empty_below = above - (len(lines) - 1) // 2, below - len(lines) // 2
    padded = [line + " " * (width - cell_width(line)) for line in lines]
    return [" " * width] * empty_above + padded + [" " * width] * empty_below


def join_columns(rows: Sequence[Sequence[str]], alignments: str, gap: str) -> str:
    """Return rows of cells as lines with aligned columns; a row may be short.

    Args:
        rows: cells of one line each.
        alignments: "l", "c" or "r" for each column; the last letters are repeated in turn.
        gap: the text between two columns.

    Example:
        >>> print(join_columns([["a", " = b"], ["", " = cd"]], "rl", ""))
        a = b
          = cd
    """
    count = max(map(len, rows))
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(*full, strict=True)]
    lines = []
    for row in full:
        cells = [
            _align(cell, width, alignments[index % len(alignments)])
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(gap.join(cells).rstrip())
    return "\n".join(lines)


def _align(text: str, width: int, alignment: str) -> str:
    space = width - cell_width(text)
    left = {"l": 0, "c": space // 2, "r": space}[alignment]
    return " " * left + text + " " * (space - left)


def tall(delimiter: str, height: int) -> str:
    """Return a delimiter over several lines; one that cannot grow stays on the middle line.

    Args:
        delimiter: one character, or "" for none.
        height: the number of lines.
    """
    if height == 1 or delimiter not in _TALL:
        return delimiter
    top, between, middle, bottom = list(_TALL[delimiter])
    lines = [between] * height
    if height > 2:
        lines[(height - 1) // 2] = middle
    lines[0], lines[-1] = top, bottom
    return "\n".join(lines)
