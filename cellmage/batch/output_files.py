"""Files to which results are written while a batch runs, row by row, in order."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Protocol

from ..errors import ConfigError, UsageError
from ..output_schema import OutputSchema
from .columns import ERROR, Column, output_record, value_columns
from .row_result import RowResult

_CHUNK_ROWS = 1000
"""The rows of one group of a parquet file."""


class OutputFile(Protocol):
    """A file of results."""

    def write(self, result: RowResult) -> None:
        """Write the next row."""

    def close(self) -> None:
        """Write what is left."""


class JSONLinesFile:
    """One JSON object a line: the row's fields, its value, its error.

    Args:
        path: the file; an older one is replaced.
        columns: the columns of the values.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._file: IO[str] = path.open("w", encoding="utf-8")

    def write(self, result: RowResult) -> None:
        """Write the next row."""
        record = output_record(result, self._columns)
        text = json.dumps(record, ensure_ascii=False, default=str)
        # Lone surrogates have no UTF-8; their escapes are the same text.
        self._file.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


class ParquetFile:
    """A parquet file; its columns have the types of the first rows and of the schema.

    Args:
        path: the file; an older one is replaced.
        columns: the columns of the values.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._arrow = _import_pyarrow()
        self._path = path
        self._columns = columns
        self._writer: Any = None
        self._records: list[dict[str, Any]] = []

    def write(self, result: RowResult) -> None:
        """Write the next row; it is on disk when its group is full."""
        record = output_record(result, self._columns)
        for column in self._columns:
            if column.type == "json" and record[column.name] is not None:
                record[column.name] = json.dumps(record[column.name], ensure_ascii=False)
        self._records.append(record)
        if len(self._records) >= _CHUNK_ROWS:
            self._write_group()

    def close(self) -> None:
        """Write what is left; the file of a batch without rows has the columns of the values."""
        if self._records or self._writer is None:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._writer is None:
            parquet = importlib.import_module("pyarrow.parquet")
            self._schema = self._find_schema()
            self._writer = parquet.ParquetWriter(str(self._path), self._schema)
        try:
            table = self._arrow.Table.from_pylist(self._records, schema=self._schema)
        except (self._arrow.ArrowException, TypeError, ValueError) as error:
            raise UsageError(
                f"{self._path.name}: a row does not have the types of the first rows ({error}); "
                "write to a .jsonl file"
            ) from None
        self._writer.write_table(table)
        self._records = []

    def _find_schema(self) -> Any:
        arrow = self._arrow
        types = {column.name: _arrow_type(arrow, column.type) for column in self._columns}
        types[ERROR] = arrow.string()
        result = arrow.Table.from_pylist(self._records).schema
        row_fields = [field for field in result if field.name not in types]
        fields = [
            # A column without a value yet has no type: most columns of rows are texts.
            arrow.field(field.name, arrow.string()) if arrow.types.is_null(field.type) else field
            for field in row_fields
        ]
        return arrow.schema([*fields, *(arrow.field(*pair) for pair in types.items())])


def _arrow_type(arrow: Any, name: str) -> Any:
    makers = {"integer": arrow.int64, "number": arrow.float64, "boolean": arrow.bool_}
    return makers.get(name, arrow.string)()


def _import_pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise ConfigError("a parquet file needs a package: pip install pyarrow") from None


_FORMATS: Mapping[str, Callable[[Path, Sequence[Column]], OutputFile]] = {
    ".jsonl": JSONLinesFile,
    ".ndjson": JSONLinesFile,
    ".parquet": ParquetFile,
}


def open_output(path: Path, schema: OutputSchema | None) -> OutputFile:
    """Open the file of the results; its suffix names the format.

    Raises:
        UsageError: the suffix names no format, or the file cannot be written.
        ConfigError: a package is missing.
    """
    make = _FORMATS.get(path.suffix.lower())
    if make is None:
        raise UsageError(f"{path.name}: results are written to {', '.join(_FORMATS)}")
    try:
        return make(path, value_columns(schema))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def write_results(path: Path, schema: OutputSchema | None, results: Iterable[RowResult]) -> None:
    """Write results that are all there.

    Raises:
        UsageError, ConfigError: as for `open_output`.
    """
    with closing(open_output(path, schema)) as file:
        for result in results:
            file.write(result)


def read_output(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of results, one at a time."""
    if path.suffix.lower() == ".parquet":
        parquet = importlib.import_module("pyarrow.parquet")
        with parquet.ParquetFile(str(path)) as file:
            for batch in file.iter_batches(_CHUNK_ROWS):
                yield from batch.to_pylist()
    else:
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
