"""The results of a batch: one for each row, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, overload

from ..errors import CellmageError, UsageError
from .columns import TEXT_COLUMNS, Column, output_record
from .frames import make_frame
from .row_result import Counts
from .row_result import RowResult as RowResult  # noqa: PLC0414 - the engines take it from here


class Results(Sequence[RowResult]):
    """The results of all rows, in the order of the rows.

    Args:
        rows: the results.
        counts: how many there are, and what they cost.
        columns: the columns of the values.
        path: the file that they were written to; ``rows`` is empty then.

    Example:
        >>> results = Results([RowResult(0, "a"), RowResult(1, error=CellmageError("no"))])
        >>> results.values, list(results.errors)
        (['a', None], [1])
    """

    def __init__(
        self,
        rows: Sequence[RowResult],
        counts: Counts | None = None,
        columns: Sequence[Column] = TEXT_COLUMNS,
        path: Path | None = None,
    ) -> None:
        self._rows = rows
        self._columns = columns
        self.counts = counts or Counts()
        self.path = path

    @property
    def values(self) -> list[Any]:
        """The values in order; None for a row that failed."""
        return [result.value for result in self._in_memory()]

    @property
    def errors(self) -> dict[int, CellmageError]:
        """The errors by the number of their row."""
        return {row.index: row.error for row in self._in_memory() if row.error is not None}

    @property
    def cost(self) -> Decimal | None:
        """What the answers have cost now, in US dollars; None if a price is not known."""
        return self.counts.spent if self.counts.is_price_known else None

    def frame(self, library: str = "") -> Any:
        """Return a frame: the fields of the rows, the values, and the errors.

        The fields of a schema are columns of their types, also where rows have failed.

        Args:
            library: ``"pandas"`` or ``"polars"``; empty takes the one that is installed.

        Raises:
            ConfigError: neither is installed.
        """
        records = [output_record(result, self._columns) for result in self._in_memory()]
        return make_frame(records, self._columns, library)

    def _in_memory(self) -> Sequence[RowResult]:
        if self.path is not None:
            raise UsageError(f"the results are in {self.path}; read them there")
        return self._rows

    def __len__(self) -> int:
        return self.counts.done if self.path is not None else len(self._rows)

    @overload
    def __getitem__(self, index: int) -> RowResult: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RowResult]: ...
    def __getitem__(self, index: int | slice) -> RowResult | Sequence[RowResult]:
        return self._in_memory()[index]

    def __iter__(self) -> Iterator[RowResult]:
        return iter(self._in_memory())

    def __repr__(self) -> str:
        suffix = f" in {self.path}" if self.path is not None else ""
        return f"<Results{suffix}: {self.counts.describe()}>"
