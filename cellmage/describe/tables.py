"""Describe a table of any library: its columns, statistics by level, its first rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import truncate
from .column_stats import describe_values
from .description import MAX_CHARS, Description, Level, plural
from .type_names import root_module, type_name

SAMPLE_ROWS = 10_000
"""The rows of which quantiles and categories are taken; a larger table is sampled."""

HEAD_ROWS = 10
_MAX_COLUMNS = 100
_CELL_CHARS = 80
_NAME_CHARS = 80


Head = tuple[Sequence[Any], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: its name; empty if its label may be data.
        type: the name of its type.
        nulls: counts the missing values; None if that takes long.
        sample: returns at most `SAMPLE_ROWS` values as Python has them.
        extremes: returns the least and the greatest value of all rows; None if only the sample can
            say.
    """

    name: str
    type: str
    nulls: Callable[[], int | None]
    sample: Callable[[], Sequence[Any]]
    extremes: Callable[[], tuple[Any, Any] | None]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        kind: what it is, such as ``"DataFrame (pandas)"``.
        rows: how many rows it has.
        columns: its columns.
        head: returns the names above the cells of the first rows, and the cells, row by row.
        notes: further lines, such as the names of the index.
    """

    kind: str
    rows: int
    columns: Sequence[Column]
    head: Callable[[int], Head]
    notes: Sequence[str] = ()


def describe_table(table: Table, level: Level) -> Description:
    """Return the description of a table.

    Args:
        table: the table.
        level: what may be sent.
    """
    columns = table.columns[:_MAX_COLUMNS]
    shape = f"{plural(table.rows, 'row')}, {plural(len(table.columns), 'column')}"
    lines = [f"{table.kind}: {shape}", *table.notes, *_column_lines(table, columns, level)]
    excess = len(table.columns) - len(columns)
    lines += [f"… and {plural(excess, 'more column')}"] if excess else []
    if level != "schema" and table.rows > SAMPLE_ROWS:
        lines.append(f"Quantiles and categories are those of {plural(SAMPLE_ROWS, 'sampled row')}.")
    names, head = table.head(HEAD_ROWS) if level == "rows" else ((), ())
    lines += _head_lines(names, head)
    text = "\n".join(lines)
    rows = f"{len(head)} of {plural(table.rows, 'row')}"
    is_nameless = level != "rows" and any(not column.name for column in columns)
    contents = _CONTENTS_WITHOUT_NAMES[level] if is_nameless else _CONTENTS[level]
    counts = f"{plural(len(columns), 'column')} ({contents}), {rows}"
    notes = [f"{plural(excess, 'column')} left out; choose columns"] if excess else []
    notes += (
        ["names of columns, which may be values; --data rows sends them"] if is_nameless else []
    )
    if len(text) > MAX_CHARS:
        text = f"{text[:MAX_CHARS]}\n[… {plural(len(text) - MAX_CHARS, 'character')} left out]"
        notes.append("its end left out; choose columns")
    return Description((text,), counts, "; ".join(notes))


_CONTENTS: dict[Level, str] = {
    "schema": "names and types",
    "stats": "names, types and statistics",
    "rows": "names, types and statistics",
}
_CONTENTS_WITHOUT_NAMES = {"schema": "types", "stats": "types and statistics"}


def _column_lines(table: Table, columns: Sequence[Column], level: Level) -> Iterator[str]:
    for number, column in enumerate(columns, 1):
        name = truncate(column.name, _NAME_CHARS) if column.name else f"column {number}"
        fields = [column.type, _null_text(column)]
        if level != "schema":
            fields.append(_stats_text(column))
        yield f"- {name}: {', '.join(filter(None, fields))}"


def _null_text(column: Column) -> str:
    try:
        nulls = column.nulls()
    except Exception:  # noqa: BLE001 - a type of an extension may raise anything
        return ""
    return plural(nulls, "null") if nulls is not None else ""


def _stats_text(column: Column) -> str:
    try:
        return describe_values(column.sample(), column.extremes)
    except Exception:  # noqa: BLE001 - as above
        return ""


def _head_lines(names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    if rows:
        yield f"The first {plural(len(rows), 'row')}:"
        for cells in (names, *rows):
            yield " | ".join(map(_cell_text, cells[:_MAX_COLUMNS]))


def _cell_text(cell: Any) -> str:
    """Return the text of a cell; an object is named by its type, so that none of its code runs."""
    items = cell if type(cell) in (list, tuple) else [cell]
    if all(type(item) in _PLAIN or root_module(type(item)) in _PLAIN_MODULES for item in items):
        return truncate(str(cell), _CELL_CHARS)
    return f"<{type_name(type(cell))}>"


_PLAIN = {str, int, float, bool, complex, bytes, type(None)}
_PLAIN_MODULES = {"datetime", "decimal", "uuid", "fractions", "numpy", "pandas"}


def sample_indices(rows: int) -> list[int] | None:
    """Return the rows of a sample, always the same; None if it is all rows."""
    if rows <= SAMPLE_ROWS:
        return None
    step = rows / SAMPLE_ROWS
    # A step that is no whole number, and a jump inside of it: values that repeat with a period are
    # met at all places of it.
    return [
        min(rows - 1, int((i + (i * 0.6180339887498949) % 1) * step)) for i in range(SAMPLE_ROWS)
    ]
