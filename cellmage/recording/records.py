"""Where recorded answers are: the protocol, and one in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ..turns import CellRef
from .inputs import MODEL, Inputs
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

    def numbers(self, inputs: Inputs) -> Mapping[int, CellRef | None]:
        """Return the numbers of the answers with these inputs, and the cell that asked each."""

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the newest answer of the cell, else the one that has most inputs in common.

        It says what has changed. None if no answer has anything in common but the model.
        """

    def of_cells(self) -> Mapping[CellRef, Record]:
        """Return the newest answer of each question of a cell."""

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

    def __iter__(self) -> Iterator[Record]:
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
            for record in self
            if getattr(record.inputs, key) == getattr(inputs, key)
            and (record.number == number or (or_last and record.number < number))
        ]
        return max(records, key=lambda record: record.number, default=None)

    def numbers(self, inputs: Inputs) -> Mapping[int, CellRef | None]:
        """Return the numbers of the answers with these inputs: see `Records`."""
        same = [record for record in self if record.inputs.key == inputs.key]
        return {record.number: record.cell for record in same}

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the answer that says what has changed: see `Records`."""
        records = list(self)[::-1]
        cell_records = [record for record in records if cell is not None and record.cell == cell]
        return select_nearest(inputs, cell_records) or select_similar(inputs, records)

    def of_cells(self) -> Mapping[CellRef, Record]:
        """Return the newest answer of each question of a cell: see `Records`."""
        return newest_of_cells(self)

    def add(self, record: Record) -> None:
        """Keep an answer: see `Records`."""
        key = (record.inputs.key, record.number)
        self._records.pop(key, None)
        self._records[key] = record


def newest_of_cells(records: Iterable[Record]) -> dict[CellRef, Record]:
    """Return the last answer of each question of a cell."""
    by_day = sorted(records, key=lambda record: record.asked_on)
    return {record.cell: record for record in by_day if record.cell is not None}


def select_nearest(inputs: Inputs, answers: Iterable[Record]) -> Record | None:
    """Return the newest answer of a cell: of the same model, where the cell compares several.

    Args:
        inputs: what the answer depends on now.
        answers: those of the cell, the newest first.
    """
    records = list(answers)
    model = _model_of(inputs)
    same = (record for record in records if _model_of(record.inputs) == model)
    return next(same, records[0] if records else None)


def select_similar(inputs: Inputs, records: Iterable[Record]) -> Record | None:
    """Return the answer that has most inputs in common, but not the model alone."""
    digests = _digests(inputs)

    def common(record: Record) -> int:
        return len(digests & _digests(record.inputs))

    best = max(records, key=common, default=None)
    return best if best is not None and common(best) else None


def _digests(inputs: Inputs) -> set[tuple[str, str]]:
    """Return the inputs but for the model, which many questions have in common."""
    return {(name, item.digest) for name, item in inputs.by_name().items() if name != MODEL}


def _model_of(inputs: Inputs) -> str:
    model = inputs.by_name().get(MODEL)
    return model.digest if model else ""
