"""Read a csv or parquet file as a table, with a library that is installed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from typing import Any

from ..decoding import decode_text
from ..errors import UsageError
from ..text import excerpt, spell_out
from .exceptions import safe_message

_HEAD_BYTES = 100_000
_HEAD_ROWS = 50
_SEPARATORS = {".csv": ",;\t|", ".tsv": "\t"}
"""The signs that may separate cells, the usual one first."""


def read_table(name: str, data: bytes, suffix: str) -> Any:
    """Return the table of a file, as a value of polars, pandas or pyarrow.

    Args:
        name: the name of the file, for messages.
        data: its bytes.
        suffix: ``".csv"``, ``".tsv"`` or ``".parquet"``.

    Raises:
        UsageError: no such library is installed, or the file is damaged.
    """
    readers = _PARQUET if suffix == ".parquet" else _CSV
    libraries = sorted(readers, key=lambda library: library not in sys.modules)
    library = next((item for item in libraries if find_spec(item) is not None), None)
    label = excerpt(spell_out(name))
    if library is None:
        raise UsageError(f"{label}: a table needs a library: pip install 'cellmage[data]'")
    try:
        return readers[library](import_module(library), _in_utf8(data, suffix), suffix)
    except Exception as error:  # noqa: BLE001 - a library raises errors of its own
        problem = safe_message(error)
        raise UsageError(f"{label}: {library} cannot read it as a table: {problem}") from None


def _in_utf8(data: bytes, suffix: str) -> bytes:
    """Return the bytes of a text in UTF-8; other data as it is."""
    return decode_text(data).text.encode() if suffix in _SEPARATORS else data


def _head(data: bytes, separator: str) -> list[list[str]]:
    lines = data[:_HEAD_BYTES].decode(errors="replace").splitlines()
    return [*islice(csv.reader(lines, delimiter=separator), _HEAD_ROWS)]


def _separator(data: bytes, suffix: str) -> str:
    """Return the first sign that gives all first rows the same number of cells, two or more."""
    signs = _SEPARATORS[suffix]
    for sign in signs:
        widths = {len(row) for row in _head(data, sign) if row}
        if len(widths) == 1 and widths != {1}:
            return sign
    return signs[0]


def _has_header(data: bytes, separator: str) -> bool:
    """Return whether the first row has names: no number, no empty cell, nothing twice."""
    first, *others = _head(data, separator) or [[]]
    is_distinct = len(set(first)) == len(first)
    is_repeated = any(cell in row for row in others for cell in first if cell)
    return is_distinct and not is_repeated and not any(_is_number(cell) for cell in first[1:])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _polars_csv(polars: Any, data: bytes, suffix: str) -> Any:
    separator = _separator(data, suffix)
    return polars.read_csv(
        data,
        separator=separator,
        has_header=_has_header(data, separator),
        infer_schema_length=10_000,
        encoding="utf8-lossy",
    )


def _pandas_csv(pandas: Any, data: bytes, suffix: str) -> Any:
    separator = _separator(data, suffix)
    header = 0 if _has_header(data, separator) else None
    return pandas.read_csv(BytesIO(data), sep=separator, header=header, encoding_errors="replace")


_Reader = Callable[[Any, bytes, str], Any]

_CSV: Mapping[str, _Reader] = {"polars": _polars_csv, "pandas": _pandas_csv}
_PARQUET: Mapping[str, _Reader] = {
    "polars": lambda polars, data, suffix: polars.read_parquet(BytesIO(data)),
    "pyarrow": lambda pyarrow, data, suffix: import_module("pyarrow.parquet").read_table(
        BytesIO(data)
    ),
}
