"""A value as a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..text import strip_control_chars
from .tables import MAX_NESTED_ROWS, MAX_ROWS, cell_text, is_table, table_rows

_TITLE_CHARS = 24
"""Characters of the first cell of a record, such as the name of a model, that is not broken."""


def value_table(value: Any, depth: int = 0) -> RenderableType:
    """Return a value as a table with tables within it.

    Args:
        value: JSON data.
        depth: the number of tables around it.
    """
    if not is_table(value, depth):
        return Text(strip_control_chars(cell_text(value)))
    names, rows = table_rows(value, MAX_NESTED_ROWS if depth else MAX_ROWS)
    table = Table(show_header=bool(names), header_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, name in enumerate(names or [""] * len(rows[0])):
        is_title = index == 0 and bool(names) and _are_short(row[0] for row in rows)
        table.add_column(Text(strip_control_chars(name)), overflow="fold", no_wrap=is_title)
    for row in rows:
        table.add_row(*(value_table(item, depth + 1) for item in row))
    if excess := len(value) - len(rows):
        table.add_row(Text(f"… and {excess} more", style="dim"))
    return table


def _are_short(cells: Iterable[Any]) -> bool:
    return all(isinstance(cell, str) and len(cell) <= _TITLE_CHARS for cell in cells)
