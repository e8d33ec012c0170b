"""New answers of an upgrade as kept ones: the cells then show them, and ask nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..fingerprint import Fingerprint
from ..options import Options
from ..recording import Inputs, MemoryRecords, Policy, Record, Recorder, Recording
from ..turns import CellRef, Turn

_VALUE = "value "
_LENGTH = "option max_tokens"
_APART = Policy(reads=False, asks=True)


def make_recorder(turn: Turn, kept: Iterable[Record]) -> Recorder:
    """Return what records the new answer of a turn, apart from all others.

    Args:
        turn: the turn; its values are what they were then, so their fingerprints are, too.
        kept: the kept answers of the cells.
    """
    cell_id = turn.cell.cell_id if turn.cell else ""
    text = turn.response.text
    own = (item for item in kept if item.cell_id == cell_id and item.response.text == text)
    record = next(own, None)
    values = _values_of(record.inputs) if record else {}
    return Recorder(Recording(MemoryRecords(), _APART), values=values, cell=turn.cell)


def take_record(recorder: Recorder, options: Options) -> Record | None:
    """Return the answer that was recorded; None if it is not whole.

    Args:
        recorder: what has recorded it.
        options: those of its cell: a limit of the budget is no part of them.
    """
    records = recorder.recording.records
    record = next(iter(records.of_cells().values()), None)
    if record is None or not record.is_complete:
        return None
    if options.max_tokens is not None:
        return record
    items = (item for item in record.inputs.items if item.name != _LENGTH)
    return replace(record, inputs=Inputs(tuple(items)))


def keep_records(recording: Recording, records: Iterable[Record]) -> None:
    """Make answers those that are kept for their cells."""
    for record in records:
        if isinstance(record.cell, CellRef):
            recording.keep(record, record.cell)


def _values_of(inputs: Inputs) -> Mapping[str, Fingerprint | None]:
    return {
        item.name.removeprefix(_VALUE): Fingerprint(item.digest, item.words)
        if item.digest
        else None
        for item in inputs.items
        if item.name.startswith(_VALUE)
    }
