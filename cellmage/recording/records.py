"""Where recorded answers are: the protocol, and one in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..turns import CellRef
from .inputs import Inputs
from .record import Record


class Records(Protocol):
    """Recorded answers, found by what they depend on."""

    def find(
        self, inputs: Inputs, number: int, *, or_last: bool = False, any_model: bool = False
    ) -> Record | None:
        """Return the answer with these inputs; of several the one with this number.

        Args:
            inputs: what the answer must depend on.
            number: which of several answers, from 1.
            or_last: True takes the last one in place of a higher number.
            any_model: True leaves out the model, where it is not known.
        """

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the newest answer of the cell, else the one that has most inputs in common.

        It says what has changed. None if no answer has anything in common but the model.
        """

    def add(self, record: Record) -> None:
        """Keep an answer; it replaces the one with the same inputs and number."""


class MemoryRecords:
    """Recorded answers in memory, in the order in which they were added.

    Args:
        records: the first ones.

    Example:
        >>> MemoryRecords().find(Inputs(()), 1) is None
        True
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records: dict[tuple[str, int], Record] = {}
        for record in records:
            self.add(record)

    def __iter__(self) -> Iterable[Record]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

    def find(
        self, inputs: Inputs, number: int, *, or_last: bool = False, any_model: bool = False
    ) -> Record | None:
        """Return the answer with these inputs: see `Records`."""
        key = "key_without_model" if any_model else "key"
        records = [
            record
            for record in self._records.values()
            if getattr(record.inputs, key) == getattr(inputs, key)
            and (record.number == number or (or_last and record.number < number))
        ]
        return max(records, key=lambda record: record.number, default=None)

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the answer that says what has changed: see `Records`."""
        records = list(self._records.values())[::-1]
        if cell is not None:
            for record in records:
                if (record.cell_id, record.question) == (cell.cell_id, cell.index):
                    return record
        digests = {(item.name, item.digest) for item in inputs.items if item.name != "model"}

        def common(record: Record) -> int:
            return len(digests & {(item.name, item.digest) for item in record.inputs.items})

        best = max(records, key=common, default=None)
        return best if best is not None and common(best) else None

    def add(self, record: Record) -> None:
        """Keep an answer: see `Records`."""
        key = (record.inputs.key, record.number)
        self._records.pop(key, None)
        self._records[key] = record
