"""Rows as plain text."""

from __future__ import annotations

from collections.abc import Sequence


def format_columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as plain text, with columns as wide as their widest cell.

    Args:
        rows: cells, as many in each row.

    Example:
        >>> print(format_columns([("city", "days"), ("Rio", "3")]))
        city  days
        Rio   3
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in padded)
