"""Rows as plain text."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """The same as plain text: columns, each as wide as its widest cell.

    Example:
        >>> print(aligned([("city", "days"), ("Rio", "3")]))
        city  days
        Rio   3
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)
