"""Arrays of numpy. The package is imported by the user; here only its values are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text import truncate
from .column_stats import describe_values
from .description import Description, Level, plural
from .numbers import extremes_of, is_numeric
from .registry import Describer
from .tables import sample_indices

_HEAD_VALUES = 100
_TYPE_CHARS = 200
_MAX_HEAD_CHARS = 4_000


def _describe_array(array: Any, level: Level) -> Description:
    values, nans = None, 0
    if is_numeric(array.dtype):
        low, high, nans = extremes_of(array)
        values = (low, high)
    shape = " x ".join(map(str, array.shape)) or "one value"
    lines = [f"{type(array).__name__} (numpy): {shape}, {truncate(str(array.dtype), _TYPE_CHARS)}"]
    lines += [f"{nans} NaN"] if nans else []
    if level != "schema" and array.dtype.names is None:
        flat, indices = array.reshape(-1), sample_indices(array.size)
        sample = (flat if indices is None else flat[indices]).tolist()
        lines += filter(None, [describe_values(sample, lambda: values)])
    head_size = min(_HEAD_VALUES, array.size) if level == "rows" else 0
    if head_size:
        head = str(array.reshape(-1)[:head_size].tolist())[:_MAX_HEAD_CHARS]
        lines.append(f"The first {plural(head_size, 'value')}: {head}")
    counts = f"shape and type{', statistics' if level != 'schema' else ''}, "
    counts += f"{head_size} of {plural(array.size, 'value')}"
    return Description(("\n".join(lines),), counts)


CLASSES: Mapping[tuple[str, str], Describer] = {("numpy", "ndarray"): _describe_array}
