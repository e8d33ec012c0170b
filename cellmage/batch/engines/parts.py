"""The parts of a batch: so many rows that a worker answers them as one task."""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from ...errors import ConfigError, UsageError
from ..columns import row_fields
from ..rows import iterate_rows

PART_ROWS = 1000
"""The rows of a part: few enough to hold in memory, enough for many to be asked at once."""

Table = Any
"""A `pyarrow.Table`."""


class Source(Protocol):
    """Where the rows of a part are."""

    def read_table(self) -> Table:
        """Return the rows as a table."""

    def read_rows(self) -> Sequence[Any]:
        """Return the rows; those of a table as dicts by column."""

    def identity(self) -> bytes:
        """Return what differs if the rows differ."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some successive rows of a batch.

    Args:
        index: the number of the part, from 0.
        first: the number of its first row.
        count: its rows.
        source: where they are.
    """

    index: int
    first: int
    count: int
    source: Source

    @property
    def name(self) -> str:
        """The name of its files, without a suffix."""
        return f"part-{self.index:06}"


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Rows of one group of a parquet file; the worker reads them, not the driver.

    Args:
        path: the file, where each worker finds it.
        group: the number of the group.
        start: the first row in the group.
        stop: the row behind the last one.
        version: the size and the time of the file.
    """

    path: str
    group: int
    start: int
    stop: int
    version: tuple[int, int]

    def read_table(self) -> Table:
        """Return the rows as a table, of which little more than these rows is in memory."""
        arrow = import_arrow()
        parquet = importlib.import_module("pyarrow.parquet")
        pieces, row = [], 0
        with parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(PART_ROWS, row_groups=[self.group]):
                begin, end = max(self.start - row, 0), min(self.stop - row, len(batch))
                if begin < end:
                    pieces.append(batch.slice(begin, end - begin))
                row += len(batch)
                if row >= self.stop:
                    break
            return arrow.Table.from_batches(pieces, schema=file.schema_arrow)

    def read_rows(self) -> Sequence[Any]:
        """Return the rows as dicts by column."""
        rows: list[Any] = self.read_table().to_pylist()
        return rows

    def identity(self) -> bytes:
        """Return what differs if the rows differ: the file, and whether it was written since."""
        return repr((Path(self.path).name, self.group, self.start, self.version)).encode()


@dataclass(frozen=True, slots=True)
class TableSlice:
    """Rows that are sent to the worker as a table."""

    table: Table

    def read_table(self) -> Table:
        """Return the rows as a table."""
        return self.table

    def read_rows(self) -> Sequence[Any]:
        """Return the rows as dicts by column."""
        rows: list[Any] = self.table.to_pylist()
        return rows

    def identity(self) -> bytes:
        """Return the digest of the rows."""
        return hashlib.sha256(pickle.dumps(self.read_rows())).digest()


@dataclass(frozen=True, slots=True)
class RowList:
    """Rows of any type that are sent to the worker as they are; their results are, too."""

    rows: Sequence[Any]

    def read_table(self) -> Table:
        """Return the rows as a table."""
        return import_arrow().Table.from_pylist([row_fields(row) for row in self.rows])

    def read_rows(self) -> Sequence[Any]:
        """Return the rows."""
        return self.rows

    def identity(self) -> bytes:
        """Return nothing: such parts have no files that must be theirs."""
        return b""


def import_arrow() -> Any:
    """Return pyarrow.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise ConfigError("parquet files need a package: pip install pyarrow") from None


def make_parts(rows: Any, *, as_tables: bool) -> list[Part]:
    """Return the parts of a batch.

    Args:
        rows: a parquet file or a folder of them, as a path; or what `iterate_rows` takes.
        as_tables: True for results that are files: rows in memory become tables of one schema.

    Raises:
        UsageError: there are no such files, or the rows have different types.

    Example:
        >>> [(part.first, part.count) for part in make_parts(range(1500), as_tables=False)]
        [(0, 1000), (1000, 500)]
    """
    if isinstance(rows, str | os.PathLike):
        pieces: Iterable[tuple[int, Source]] = _file_slices(Path(rows))
    elif as_tables:
        pieces = _table_slices(rows)
    else:
        pieces = ((len(chunk), RowList(chunk)) for chunk in _chunks(iterate_rows(rows)))
    parts: list[Part] = []
    first = 0
    for count, source in pieces:
        parts.append(Part(len(parts), first, count, source))
        first += count
    return parts


def _chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, PART_ROWS)):
        yield chunk


def _file_slices(path: Path) -> Iterator[tuple[int, Source]]:
    import_arrow()
    parquet = importlib.import_module("pyarrow.parquet")
    for file in _parquet_files(path):
        status = file.stat()
        version = (status.st_size, status.st_mtime_ns)
        metadata = parquet.read_metadata(file)
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            for start in range(0, count, PART_ROWS):
                stop = min(start + PART_ROWS, count)
                yield stop - start, FileSlice(str(file.resolve()), group, start, stop, version)


def _parquet_files(path: Path) -> list[Path]:
    """Return the files in the order of their names, without those that writers hide."""
    if path.is_file():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*.parquet")
        if file.is_file()
        and not any(name.startswith(("_", ".")) for name in file.relative_to(path).parts)
    )
    if not files:
        raise UsageError(f"{path}: there are no parquet files; give a folder that has some")
    if folders := [name for name in files[0].relative_to(path).parts[:-1] if "=" in name]:
        raise UsageError(
            f"{path}: the folder {folders[0]} stands for a column, which is not read; "
            "write the files with this column"
        )
    return files


def _table_slices(rows: Any) -> Iterator[tuple[int, Source]]:
    table = _as_table(rows)
    for start in range(0, table.num_rows, PART_ROWS):
        piece = table.slice(start, PART_ROWS).combine_chunks()
        yield piece.num_rows, TableSlice(piece)


def _as_table(rows: Any) -> Table:
    """Return rows in memory as a table; a frame keeps its types."""
    arrow = import_arrow()
    if isinstance(rows, arrow.Table):
        return rows
    try:
        if hasattr(rows, "to_arrow") and hasattr(rows, "columns"):  # polars
            return rows.to_arrow()
        if hasattr(rows, "iloc") and hasattr(rows, "columns"):  # pandas
            return arrow.Table.from_pandas(rows, preserve_index=False)
        return arrow.Table.from_pylist([row_fields(row) for row in iterate_rows(rows)])
    except (arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"the rows cannot be columns of a parquet file ({error}); leave out `out`", option="out"
        ) from None
