"""Tables of pyarrow. The package is imported by the user; here only its values are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .description import Description, Level
from .registry import Describer
from .tables import Column, Head, Table, describe_table, sample_indices


def _describe_table(value: Any, level: Level) -> Description:
    return describe_table(_table(f"{type(value).__name__} (pyarrow)", value), level)


def _describe_array(value: Any, level: Level) -> Description:
    table = sys.modules["pyarrow"].table({"values": value})
    return describe_table(_table(f"{type(value).__name__} (pyarrow)", table), level)


def _table(kind: str, table: Any) -> Table:
    indices = sample_indices(table.num_rows)
    columns = [_column(name, table.column(i), indices) for i, name in enumerate(table.schema.names)]

    def head(rows: int) -> Head:
        cells = [table.column(i).slice(0, rows).to_pylist() for i in range(table.num_columns)]
        return table.schema.names, list(zip(*cells, strict=True))

    return Table(kind, table.num_rows, columns, head)


def _column(name: str, values: Any, indices: Sequence[int] | None) -> Column:
    def sample() -> Sequence[Any]:
        chosen: list[Any] = (values if indices is None else values.take(indices)).to_pylist()
        return chosen

    def extremes() -> tuple[Any, Any] | None:
        compute = import_module("pyarrow.compute")  # a part of the package, which is imported
        try:
            limits = compute.min_max(values).as_py()
        except NotImplementedError:  # of a type without an order
            return None
        return limits["min"], limits["max"]

    return Column(name, str(values.type), lambda: values.null_count, sample, extremes)


CLASSES: Mapping[tuple[str, str], Describer] = {
    ("pyarrow", "Table"): _describe_table,
    ("pyarrow", "RecordBatch"): _describe_table,
    ("pyarrow", "Array"): _describe_array,
    ("pyarrow", "ChunkedArray"): _describe_array,
}
