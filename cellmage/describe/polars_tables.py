"""Tables of polars. The package is imported by the user; here only its values are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .description import Description, Level, plural
from .registry import Describer
from .tables import Column, Table, describe_table, sample_indices


def _describe_frame(frame: Any, level: Level) -> Description:
    return describe_table(_table("DataFrame (polars)", frame), level)


def _describe_series(series: Any, level: Level) -> Description:
    return describe_table(_table("Series (polars)", series.to_frame()), level)


def _describe_lazy(frame: Any, level: Level) -> Description:
    """A lazy table is not computed: it has its names and types."""
    schema = frame.collect_schema()
    lines = [f"- {name}: {dtype}" for name, dtype in schema.items()]
    text = "\n".join(["LazyFrame (polars), not computed:", *lines])
    return Description((text,), f"{plural(len(lines), 'column')} (names and types), 0 rows")


def _table(kind: str, frame: Any) -> Table:
    indices = sample_indices(frame.height)
    columns = [_column(series, indices) for series in frame.get_columns()]
    return Table(kind, frame.height, columns, lambda rows: (frame.columns, frame.head(rows).rows()))


def _column(series: Any, indices: Sequence[int] | None) -> Column:
    def sample() -> Sequence[Any]:
        values: list[Any] = (series if indices is None else series.gather(indices)).to_list()
        return values

    def extremes() -> tuple[Any, Any] | None:
        is_ordered = series.dtype.is_numeric() or series.dtype.is_temporal()
        return (series.min(), series.max()) if is_ordered else None

    return Column(series.name, _type(series.dtype), series.null_count, sample, extremes)


def _type(dtype: Any) -> str:
    """Return the name of a type; that of an Enum alone would contain its categories."""
    text = str(dtype)
    return type(dtype).__name__ if "categories=" in text else text


CLASSES: Mapping[tuple[str, str], Describer] = {
    ("polars", "DataFrame"): _describe_frame,
    ("polars", "Series"): _describe_series,
    ("polars", "LazyFrame"): _describe_lazy,
}
