"""What can be read of a damaged file, and how it is written to a new one."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from .columns import STATES
from .database import transaction
from .pages import INDEX_LEAF, TABLE_LEAF, Pages, Row, read_pages

_COLUMNS = {
    "conversations": "id, notebook, folder, chat, created_by_version, path",
    "turns": (
        "conversation_id, response_id, position, cell_id, question_index, state, stale, "
        "changed_at, owner, appends, prompt, text, metadata"
    ),
    "chunks": "id, conversation_id, response_id, text",
    "blobs": "digest, data",
    "records": "notebook, key, number, cell_id, question, changed_at, record",
}
"""The columns of each table, in the order of the file."""

_FILE_ID = re.compile("[0-9a-f]{32}")
_CHANGED_AT = 7


@dataclass(slots=True)
class Salvage:
    """The rows of a damaged file that can be read.

    Args:
        file_id: the id of the file; empty if it cannot be read.
        conversations: the columns of each conversation, by its id.
        turns: the columns of each turn, by the id of its row.
        chunks: the columns of each chunk, by its id.
        blobs: the bytes of images and files, by their digests.
        records: the columns of each recorded answer, by its notebook, key and number.
    """

    file_id: str = ""
    conversations: dict[int, list[Any]] = field(default_factory=dict)
    turns: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    chunks: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    records: dict[tuple[str, str, int], tuple[Any, ...]] = field(default_factory=dict)

    def count(self) -> int:
        """Return the number of turns."""
        return len(self.turns)

    def add(self, row: Row) -> None:
        """Keep a row of a table, which is known by its columns."""
        match row.values:
            case (str(file_id),) if _FILE_ID.fullmatch(file_id):
                self.file_id = file_id
            case (None, str() | None, str(), str(), str(), *path) if len(path) <= 1:
                self.conversations[row.rowid] = [*row.values[1:5], *(path or [None])]
            case (int(), str(), _, _, _, str(state), *_) if len(row.values) == 13:
                old = self.turns.get(row.rowid)
                is_newer = old is None or _time(row.values) >= _time(old)
                if state in STATES and is_newer:
                    self.turns[row.rowid] = row.values
            case (str(digest), bytes(data)) if sha256(data).hexdigest() == digest:
                self.blobs[digest] = data
            case (str(notebook), str(key), int(number), _, int(), float() | int(), str()):
                old = self.records.get((notebook, key, number))
                if old is None or row.values[5] >= old[5]:
                    self.records[notebook, key, number] = row.values
            case (None, int(), str(), bytes()):
                self.chunks[row.rowid] = row.values[1:]

    def add_index_entry(self, row: Row) -> None:
        """Keep a conversation whose own row is gone: an index has its name."""
        match row.values:
            case (str() | None as notebook, str(chat), int(number)):
                path = notebook if notebook and os.path.isabs(notebook) else None
                folder = os.path.dirname(path) if path else ""
                self.conversations.setdefault(number, [notebook, folder, chat, "", path])


def _time(columns: tuple[Any, ...]) -> float:
    time = columns[_CHANGED_AT]
    return time if isinstance(time, float) else 0.0


def read_salvage(path: Path) -> Salvage:
    """Return what can be read of a damaged file; the file is not changed.

    Raises:
        OSError: it cannot be opened.
    """
    pages, journal = read_pages(path)
    salvage = Salvage()
    _add_rows(salvage, pages, pages.pages.keys() - pages.free())
    newer = Pages(pages.size, pages.pages | dict(journal))
    _add_rows(salvage, newer, journal.keys() - newer.free())
    for row in newer.rows(INDEX_LEAF, newer.pages):
        salvage.add_index_entry(row)
    return salvage


def _add_rows(salvage: Salvage, pages: Pages, numbers: Iterable[int]) -> None:
    for row in pages.rows(TABLE_LEAF, sorted(numbers)):
        salvage.add(row)


def write_salvage(connection: sqlite3.Connection, salvage: Salvage) -> None:
    """Write what was read to a new file, in which another kernel may have turns already."""
    with transaction(connection):
        is_new = not connection.execute("SELECT 1 FROM conversations").fetchone()
        if is_new and salvage.file_id:
            connection.execute("UPDATE header SET id = ?", (salvage.file_id,))
        ids = {
            number: _insert_conversation(connection, number, salvage.conversations.get(number))
            for number in {columns[0] for columns in salvage.turns.values()}
            | salvage.conversations.keys()
        }
        shifts = {number: _free_positions(connection, number) for number in ids.values()}
        for columns in salvage.turns.values():
            _insert_turn(connection, columns, ids[columns[0]], shifts[ids[columns[0]]])
        connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", salvage.blobs.items())
        connection.executemany(
            "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", salvage.records.values()
        )
        for number, response_id, text in salvage.chunks.values():
            connection.execute(
                "INSERT INTO chunks (conversation_id, response_id, text) VALUES (?, ?, ?)",
                (ids.get(number, number), response_id, text),
            )


def _insert_conversation(
    connection: sqlite3.Connection, number: int, columns: list[Any] | None
) -> int:
    """Return the id that the conversation has in the new file."""
    # Without a name, nobody knows whose turns these are: they are kept, and shown to no notebook.
    notebook, folder, chat, version, path = columns or [None, "", "", "", None]
    row = connection.execute(
        "SELECT id FROM conversations WHERE notebook = ? AND chat = ?", (notebook, chat)
    ).fetchone()
    if row:
        return int(row[0])
    taken = connection.execute("SELECT 1 FROM conversations WHERE id = ?", (number,)).fetchone()
    names = _COLUMNS["conversations"]
    return int(
        connection.execute(
            f"INSERT INTO conversations ({names}) VALUES (?, ?, ?, ?, ?, ?)",
            (None if taken else number, notebook, folder, chat, version, path),
        ).lastrowid
        or 0
    )


def _free_positions(connection: sqlite3.Connection, number: int) -> float:
    """Return by how much the positions are lower than those of the turns that are there already."""
    (first,) = connection.execute(
        "SELECT min(position) FROM turns WHERE conversation_id = ?", (number,)
    ).fetchone()
    return 0 if first is None else 500_000 - first


def _insert_turn(
    connection: sqlite3.Connection, columns: tuple[Any, ...], number: int, shift: float
) -> None:
    """Write a turn; where another one is live at its position, it becomes an attempt."""
    _, response_id, position, *rest = columns
    if isinstance(position, int | float):
        position -= shift
    names = _COLUMNS["turns"]
    sql = f"INSERT INTO turns ({names}) VALUES ({', '.join('?' * 13)})"
    values = [number, response_id, position, *rest]
    try:
        connection.execute(sql, values)
    except sqlite3.IntegrityError:
        values[5] = "superseded"
        connection.execute(sql.replace("INSERT", "INSERT OR IGNORE", 1), values)
