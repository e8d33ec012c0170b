"""Records as a frame of pandas or polars, with the types of their columns."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from ..errors import ConfigError, UsageError
from .columns import ERROR, Column

_PANDAS_TYPES = {
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "string": "string",
    "json": "object",
}
"""The types of pandas that may have a missing value."""

_POLARS_TYPES = {
    "integer": "Int64",
    "number": "Float64",
    "boolean": "Boolean",
    "string": "String",
    "json": "Object",
}

Records = Sequence[Mapping[str, Any]]


def make_frame(records: Records, columns: Sequence[Column], library: str = "") -> Any:
    """Return records as a frame.

    Args:
        records: by column.
        columns: the columns of the values; the others have the types of their values.
        library: "pandas" or "polars"; empty takes the first that is installed.

    Raises:
        UsageError: frames of this library cannot be made.
        ConfigError: it is not installed.
    """
    names = [library] if library else list(_MAKERS)
    if unknown := [name for name in names if name not in _MAKERS]:
        raise UsageError(f"there are no frames of {unknown[0]!r}; give {' or '.join(_MAKERS)}")
    for name in names:
        if find_spec(name) is not None:
            return _MAKERS[name](records, [*columns, Column(ERROR, "string")])
    raise ConfigError(f"a frame needs a package: pip install {names[0]}")


def _by_name(records: Records, columns: Sequence[Column]) -> dict[str, list[Any]]:
    """Return the values by column, in the order in which the columns are first seen."""
    answers = [column.name for column in columns]
    others = dict.fromkeys(name for record in records for name in record if name not in answers)
    return {name: [record.get(name) for record in records] for name in [*others, *answers]}


def _pandas(records: Records, columns: Sequence[Column]) -> Any:
    pandas = importlib.import_module("pandas")
    types = {column.name: _PANDAS_TYPES[column.type] for column in columns}
    return pandas.DataFrame(
        {
            name: pandas.Series(values, dtype=types.get(name), name=name)
            for name, values in _by_name(records, columns).items()
        }
    )


def _polars(records: Records, columns: Sequence[Column]) -> Any:
    polars = importlib.import_module("polars")
    types = {column.name: getattr(polars, _POLARS_TYPES[column.type]) for column in columns}
    return polars.DataFrame(
        [
            polars.Series(name, values, dtype=types.get(name), strict=False)
            for name, values in _by_name(records, columns).items()
        ]
    )


_MAKERS: Mapping[str, Callable[[Records, Sequence[Column]], Any]] = {
    "pandas": _pandas,
    "polars": _polars,
}
