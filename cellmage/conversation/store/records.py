"""Recorded answers of one notebook in the store; where it cannot be used, in memory."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...errors import UsageError
from ...recording import Inputs, MemoryRecords, Record
from ...recording.json_form import record_from_json, record_to_json
from ...recording.records import newest_of_cells, select_nearest, select_similar
from ...turns import CellRef
from .database import transaction
from .scope import ConversationScope, create_conversation
from .writer import WriterThread

_MAX_COMPARED = 200
"""How many of the newest answers are looked at for the one that has most in common."""

_FIND = "SELECT record FROM records WHERE notebook = ? AND key = ? AND number = ?"
_NUMBERS = "SELECT number, cell_id, question FROM records WHERE notebook = ? AND key = ?"
_OF_CELL = (
    "SELECT record FROM records WHERE notebook = ? AND cell_id = ? AND question = ? "
    "ORDER BY changed_at DESC, rowid DESC LIMIT ?"
)
_OF_CELLS = (  # with max(), SQLite takes the other columns from the same row
    "SELECT record, max(changed_at) FROM records WHERE notebook = ? AND cell_id IS NOT NULL "
    "GROUP BY cell_id, question"
)
_NEWEST = (
    "SELECT record FROM records WHERE notebook = ? ORDER BY changed_at DESC, rowid DESC LIMIT ?"
)


class StoredRecords:
    """The recorded answers of a notebook: see `cellmage.recording.Records`.

    What cannot be stored is kept as long as this object is.

    Args:
        writer: the thread that owns the file.
        scope: of any chat of the notebook.
    """

    def __init__(self, writer: WriterThread, scope: ConversationScope) -> None:
        self._writer = writer
        self._scope = scope
        self._notebook = scope.notebook or scope.folder
        self._memory = MemoryRecords()

    def find(
        self, inputs: Inputs, number: int, *, or_last: bool = False, any_model: bool = False
    ) -> Record | None:
        """Return the answer with these inputs: see `Records`."""
        if or_last or any_model:
            every = MemoryRecords([*self._memory, *reversed(list(self._select(_NEWEST, -1)))])
            return every.find(inputs, number, or_last=or_last, any_model=any_model)
        stored = self._select(_FIND, inputs.key, number)
        same = (record for record in stored if record.inputs.key == inputs.key)  # not damaged
        return next(same, None) or self._memory.find(inputs, number)

    def numbers(self, inputs: Inputs) -> Mapping[int, CellRef | None]:
        """Return the numbers of the answers with these inputs: see `Records`."""
        rows = self._query(_NUMBERS, inputs.key)
        stored = {
            number: CellRef(cell_id, question) if cell_id else None
            for number, cell_id, question in rows
        }
        return {**self._memory.numbers(inputs), **stored}

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the answer that says what has changed: see `Records`."""
        if cell is not None:
            stored = list(self._select(_OF_CELL, cell.cell_id, cell.index, _MAX_COMPARED))
            # The file may not exist yet: the first answers are still being written.
            own = stored or [record for record in self._memory if record.cell == cell][::-1]
            if nearest := select_nearest(inputs, own):
                return nearest
        similar = select_similar(inputs, self._select(_NEWEST, _MAX_COMPARED))
        return similar or self._memory.nearest(inputs, cell)

    def of_cells(self) -> Mapping[CellRef, Record]:
        """Return the newest answer of each question of a cell: see `Records`."""
        rows = self._query(_OF_CELLS)
        stored = [record for record in read_records(row for row, _ in rows) if record.cell]
        return {**self._memory.of_cells(), **newest_of_cells(stored)}

    def add(self, record: Record) -> None:
        """Keep an answer: see `Records`. The caller does not wait for the file."""
        self._memory.add(record)
        values = (
            self._notebook,
            record.inputs.key,
            record.number,
            record.cell_id or None,
            record.question,
            time.time(),
            json.dumps(record_to_json(record, with_state=True, with_times=True)),
        )

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                if self._scope.notebook is not None:  # by its row the notebook is found again
                    create_conversation(connection, self._scope)
                connection.execute(
                    "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", values
                )

        self._writer.submit(write)

    def _select(self, sql: str, *values: Any) -> Iterator[Record]:
        """Yield records; a row that cannot be read is left out."""
        return read_records(row for (row,) in self._query(sql, *values))

    def _query(self, sql: str, *values: Any) -> list[Any]:
        def select(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(sql, (self._notebook, *values)).fetchall()

        return self._writer.call_if_exists(select) or []


def read_records(rows: Iterable[Any]) -> Iterator[Record]:
    """Yield the records of a column; what is damaged is left out: its question is asked again."""
    for row in rows:
        with suppress(UsageError, TypeError, ValueError, RecursionError):
            yield record_from_json(json.loads(row))


def move_records(connection: sqlite3.Connection, source: str, target: str) -> None:
    """Make the recorded answers of one notebook those of another, which keeps its own."""
    connection.execute(
        "UPDATE OR IGNORE records SET notebook = ? WHERE notebook = ?", (target, source)
    )
