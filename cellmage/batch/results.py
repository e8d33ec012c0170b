"""The results of a batch: one for each row, in the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import CellmageError
from ..messages import Response


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
