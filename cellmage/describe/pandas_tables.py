"""Tables of pandas. The package is imported by the user; here only its values are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .description import Description, Level
from .numbers import extremes_of, is_numeric, is_plain_type
from .registry import Describer
from .tables import Column, Head, Table, describe_table, sample_indices

_MAX_OBJECT_ROWS = 1_000_000
"""Rows of Python objects in which nulls are counted; each is looked at."""


def _describe_frame(frame: Any, level: Level) -> Description:
    return describe_table(_table("DataFrame (pandas)", frame), level)


def _describe_series(series: Any, level: Level) -> Description:
    """The name of a series may be the label of a row, which is data."""
    name = series.name if level == "rows" and series.name is not None else "values"
    return describe_table(_table("Series (pandas)", series.to_frame(str(name))), level)


def _describe_index(index: Any, level: Level) -> Description:
    is_named = level == "rows" or len(index.names) > 1
    frame = index.to_frame(index=False, **({} if is_named else {"name": "values"}))
    return describe_table(_table("Index (pandas)", frame), level)


def _describe_array(array: Any, level: Level) -> Description:
    series = sys.modules["pandas"].Series(array)
    frame = series.to_frame("values")
    return describe_table(_table(f"{type(array).__name__} (pandas)", frame), level)


def _table(kind: str, frame: Any) -> Table:
    names = _names(frame)
    indices = sample_indices(len(frame))
    columns = [_column(name, frame.iloc[:, i], indices) for i, name in enumerate(names)]

    def head(rows: int) -> Head:
        first = frame.head(rows)
        is_plain = type(frame.index).__name__ == "RangeIndex"
        labels = [*([] if is_plain else ["index"]), *frame.columns]
        return labels, [list(row) for row in first.itertuples(index=not is_plain, name=None)]

    return Table(kind, len(frame), columns, head, _notes(frame, names))


def _names(frame: Any) -> list[str]:
    """Return the names of columns; empty ones where the labels may be cells of a table.

    Those of a pivot are: their axis has the name of the column from which they come.
    """
    labels = frame.columns
    is_named = any(name is not None for name in labels.names)
    is_name = not is_named and not _may_be_turned(frame) and {*map(type, labels)} <= {str, int}
    return [str(label) if is_name else "" for label in labels.tolist()]


def _may_be_turned(frame: Any) -> bool:
    """Return whether the rows may have the names, and the columns the labels of rows."""
    index = frame.index
    if index.name is not None or index.nlevels > 1 or index.inferred_type not in _TEXT_INDEXES:
        return False
    rows = {*index} if len(index) <= _MAX_TURNED_ROWS else {None}
    is_summary = rows <= _SUMMARY_ROWS or rows == {*frame.columns}  # of `describe` or `corr`
    return not is_summary


_TEXT_INDEXES = {"string", "mixed", "categorical", "mixed-integer"}
_SUMMARY_ROWS = {
    *("count", "mean", "std", "min", "25%", "50%", "75%", "max", "unique", "top", "freq"),
    *("first", "last", "sum", "median", "var"),
}
_MAX_TURNED_ROWS = 10_000


def _notes(frame: Any, names: Sequence[str]) -> list[str]:
    index = frame.index
    notes = []
    if type(index).__name__ != "RangeIndex":
        levels = [str(name) for name in index.names if type(name) is str]
        notes.append(f"Index: {', '.join(levels) or 'without a name'}, {index.dtype}")
    if names and not names[0]:
        axis = ", ".join(str(name) for name in frame.columns.names if type(name) is str)
        meaning = f"are values of {axis}" if axis else "may be values: the index has no name"
        notes.append(f"The labels of the columns {meaning}.")
    return notes


def _column(name: str, series: Any, indices: Sequence[int] | None) -> Column:
    dtype = series.dtype
    is_plain = is_numeric(dtype)
    scans: list[tuple[Any, Any, int]] = []

    def scan() -> tuple[Any, Any, int]:
        if not scans:
            scans.append(extremes_of(series.to_numpy()))
        return scans[0]

    def nulls() -> int | None:
        if is_plain:
            return scan()[2]
        is_slow = str(dtype) == "object" and len(series) > _MAX_OBJECT_ROWS
        return None if is_slow else int(series.isna().sum())

    def sample() -> Sequence[Any]:
        chosen = series if indices is None else series.take(indices)
        if dtype.kind == "M" and is_plain_type(dtype):  # faster than a Timestamp for each
            times: list[Any] = chosen.to_numpy("datetime64[us]").tolist()
            return times
        values: list[Any] = (
            chosen.astype(object).tolist() if dtype == "category" else chosen.tolist()
        )
        return values

    def extremes() -> tuple[Any, Any] | None:
        if is_plain:
            return scan()[:2]
        return (series.min(), series.max()) if dtype.kind in "Mmiuf" else None

    return Column(name, str(dtype), nulls, sample, extremes)


CLASSES: Mapping[tuple[str, str], Describer] = {
    ("pandas", "DataFrame"): _describe_frame,
    ("pandas", "Series"): _describe_series,
    ("pandas", "Index"): _describe_index,
    ("pandas.api.extensions", "ExtensionArray"): _describe_array,
}
