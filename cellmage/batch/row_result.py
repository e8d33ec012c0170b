"""The result of one row, and the counts of many."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..errors import CellmageError
from ..messages import Response
from ..pricing import format_usd


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of one row: a value, or an error.

    Args:
        index: the number of the row, from 0.
        value: the text of the answer; with a schema its value. None if the row failed.
        response: the answer; None if there is none.
        error: why the row failed; None if it did not.
        row: the row itself, where it is kept.
        attempts: how many requests the row took; 0 if its answer was there before.

    Example:
        >>> RowResult(0, "Hello", Response("Hello")).ok
        True
    """

    index: int
    value: Any = None
    response: Response | None = None
    error: CellmageError | None = None
    row: Any = None
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """True if the row has a value."""
        return self.error is None


@dataclass(slots=True)
class Counts:
    """How far a batch is.

    Attributes:
        total: the rows; None if that is not known before the end.
        done: the rows with a result.
        failed: those of them with an error.
        kept: those of them that were answered before.
        spent: US dollars.
        budget: US dollars that may be spent; None for any cost.
        is_price_known: False if a price is not known.
    """

    total: int | None = None
    done: int = 0
    failed: int = 0
    kept: int = 0
    spent: Decimal = field(default_factory=Decimal)
    is_price_known: bool = True
    budget: Decimal | None = None

    def add(self, result: RowResult) -> None:
        """Count a result."""
        self.done += 1
        self.failed += not result.ok
        self.kept += result.ok and not result.attempts

    def describe(self) -> str:
        """Return the counts in one line.

        Example:
            >>> Counts(10, done=7, failed=1, kept=2).describe()
            '7 of 10 rows, 1 failed, 2 answered before'
        """
        total = "" if self.total is None else f" of {_count(self.total)}"
        parts = [f"{_count(self.done)}{total} rows"]
        parts += [f"{_count(self.failed)} failed"] * bool(self.failed)
        parts += [f"{_count(self.kept)} answered before"] * bool(self.kept)
        if self.spent or self.budget:
            limit = f" of {format_usd(self.budget)}" if self.budget else ""
            parts.append(format_usd(self.spent) + limit)
        return ", ".join(parts)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")
