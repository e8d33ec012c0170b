"""The parquet file of a part: the columns of its rows, and behind them those of the answers."""

from __future__ import annotations

import importlib
import json
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..columns import ERROR, Column, error_line, value_fields
from ..row_result import RowResult
from .parts import Table, import_arrow


def add_columns(table: Table, results: Sequence[RowResult], columns: Sequence[Column]) -> Table:
    """Return a table with the values and the errors of its rows.

    A column of the rows that has the name of one of the values is there as ``row_NAME``. A value
    that does not have the type of its column is none, and the error says so.

    Args:
        table: the rows.
        results: one for each row, in their order.
        columns: the columns of the values.
    """
    arrow = import_arrow()
    reserved = {*(column.name for column in columns), ERROR}
    table = table.rename_columns([f"row_{n}" if n in reserved else n for n in table.column_names])
    values = [value_fields(result, columns) for result in results]
    errors = [error_line(result) for result in results]
    for column in columns:
        kind = arrow_type(column)
        cells = [_cell(value[column.name], column) for value in values]
        for row, cell in enumerate(cells):
            if not _fits(arrow, cell, kind):
                cells[row] = None
                errors[row] = errors[row] or f"validation: {column.name} is not a {column.type}"
        table = table.append_column(arrow.field(column.name, kind), arrow.array(cells, kind))
    texts = [_text(error) for error in errors]
    return table.append_column(
        arrow.field(ERROR, arrow.string()), arrow.array(texts, arrow.string())
    )


def arrow_type(column: Column) -> Any:
    """Return the type of a column as pyarrow names it."""
    arrow = import_arrow()
    makers = {"integer": arrow.int64, "number": arrow.float64, "boolean": arrow.bool_}
    return makers.get(column.type, arrow.string)()


def _cell(value: Any, column: Column) -> Any:
    if column.type == "json" and value is not None:
        return json.dumps(value)
    return _text(value) if isinstance(value, str) else value


def _text(value: str | None) -> str | None:
    """Return a text as UTF-8 can hold it: a lone surrogate as its escape."""
    return None if value is None else value.encode("utf-8", "backslashreplace").decode()


def _fits(arrow: Any, value: Any, kind: Any) -> bool:
    with suppress(arrow.ArrowException, TypeError, ValueError, OverflowError):
        arrow.scalar(value, kind)
        return True
    return False


def write_part(table: Table, path: Path) -> None:
    """Write the file of a part; under its name there is never half a file."""
    parquet = importlib.import_module("pyarrow.parquet")
    draft = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.draft")
    try:
        parquet.write_table(table, draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
