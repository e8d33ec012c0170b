"""What a job consists of, and how often it looks at its batches; values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..row_result import RowResult
from .apis import Look
from .job_store import RowKey, StoredBatch


@dataclass(frozen=True, slots=True)
class Waits:
    """The time between two looks at the batches: each is longer than the one before.

    Args:
        first: seconds before the second look.
        longest: the most seconds.
        growth: what a wait is multiplied with for the next one.
    """

    first: float = 5.0
    longest: float = 300.0
    growth: float = 1.5


@dataclass(slots=True)
class JobRow:
    """A row of a job.

    Args:
        index: the number of the row.
        row: the row.
        key: the key of its question, and its number; None if nothing can be asked.
        result: the result; None while it is awaited.
    """

    index: int
    row: Any
    key: RowKey | None = None
    result: RowResult | None = None


@dataclass(slots=True)
class PendingBatch:
    """A batch that has not been read.

    Args:
        batch: the batch.
        keys: its rows in their order; another kernel may remove them from the store.
        look: what the server said last.
    """

    batch: StoredBatch
    keys: Sequence[RowKey]
    look: Look = field(default_factory=lambda: Look("submitted"))
