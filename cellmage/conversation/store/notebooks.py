"""The notebooks of the stored conversations: found by their cells or path, renamed, and joined.

A path is no identity: a notebook may be renamed, and another one made under its old name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable
from dataclasses import dataclass
from importlib.metadata import version

from ...turns import chat_cell_id, real_cell_id
from .drafts import DraftKey
from .killed_kernels import finish_abandoned
from .records import move_records
from .rows import TurnTable
from .scope import ConversationScope

_WITH_CELLS = """
    SELECT DISTINCT notebook FROM conversations AS c CROSS JOIN json_each(?) AS cell
    WHERE notebook IS NOT NULL AND (
        EXISTS (SELECT 1 FROM turns
            WHERE conversation_id = c.id AND cell_id = cell.value AND state = 'live')
        OR EXISTS (SELECT 1 FROM turns
            WHERE conversation_id = c.id AND cell_id = cell.value AND state = 'open')
        OR EXISTS (SELECT 1 FROM records
            WHERE records.notebook = c.notebook AND cell_id = cell.value))
"""
_AT_PATH = """
    SELECT DISTINCT notebook FROM conversations AS c WHERE path = ? AND notebook IS NOT NULL AND (
        EXISTS (SELECT 1 FROM turns WHERE conversation_id = c.id AND state = 'live')
        OR EXISTS (SELECT 1 FROM turns WHERE conversation_id = c.id AND state = 'open')
        OR EXISTS (SELECT 1 FROM records WHERE records.notebook = c.notebook))
"""
_CELLS = """
    SELECT cell_id FROM conversations AS c JOIN turns ON conversation_id = c.id
    WHERE notebook = :notebook AND state = 'live' AND cell_id IS NOT NULL
    UNION
    SELECT cell_id FROM conversations AS c JOIN turns ON conversation_id = c.id
    WHERE notebook = :notebook AND state = 'open' AND cell_id IS NOT NULL
    UNION
    SELECT cell_id FROM records WHERE notebook = :notebook AND cell_id IS NOT NULL
"""
# With max(), SQLite takes the other columns from the same row.
_LAST_BY_QUESTION = """
    SELECT cell_id, question_index, max(position) AS position, response_id, changed_at FROM turns
    WHERE conversation_id = ? AND state = 'live' AND cell_id IS NOT NULL
    GROUP BY cell_id, question_index
"""
_ASKED_IN_BOTH = f"""
    SELECT old.position, new.position,
        CASE WHEN old.changed_at < new.changed_at THEN old.response_id ELSE new.response_id END
    FROM ({_LAST_BY_QUESTION}) AS old
    JOIN ({_LAST_BY_QUESTION}) AS new USING (cell_id, question_index)
"""


@dataclass(frozen=True, slots=True)
class StoredNotebook:
    """A notebook with stored turns.

    Args:
        id: its id, which never changes.
        path: its last known path.
        cells: the ids of the cells that asked.
    """

    id: str
    path: str
    cells: frozenset[str]


def find_by_cells(connection: sqlite3.Connection, cells: Iterable[str]) -> list[StoredNotebook]:
    """Return the notebooks in which at least one of these cells has asked, the oldest first."""
    ids = [form for cell in cells for form in (cell, chat_cell_id(cell))]
    return _read(connection, connection.execute(_WITH_CELLS, (json.dumps(ids),)))


def find_by_path(connection: sqlite3.Connection, path: str) -> list[StoredNotebook]:
    """Return the notebooks with turns that had this path, the oldest first."""
    return _read(connection, connection.execute(_AT_PATH, (path,)))


def _read(connection: sqlite3.Connection, ids: Iterable[tuple[str]]) -> list[StoredNotebook]:
    notebooks = []
    for (notebook,) in list(ids):
        first_id, path = connection.execute(
            "SELECT min(id), path FROM conversations WHERE notebook = ?", (notebook,)
        ).fetchone()
        rows = connection.execute(_CELLS, {"notebook": notebook})
        cells = frozenset(real_cell_id(cell) for (cell,) in rows)
        notebooks.append((first_id, StoredNotebook(notebook, path or "", cells)))
    return [stored for _, stored in sorted(notebooks, key=lambda pair: int(pair[0]))]


def move_notebook(connection: sqlite3.Connection, scope: ConversationScope) -> None:
    """Record the path and the folder of a notebook."""
    connection.execute(
        "UPDATE conversations SET path = ?, folder = ? WHERE notebook = ?",
        (scope.path, scope.folder, scope.notebook),
    )


def merge_notebook(
    connection: sqlite3.Connection,
    source: str,
    scope: ConversationScope,
    drafts: Container[DraftKey],
) -> None:
    """Move the turns of one notebook behind those of another, chat by chat.

    The row of the first notebook stays: another kernel may write to it, and it is merged again.

    Args:
        connection: in a transaction.
        source: the id of the notebook.
        scope: of any chat of the other notebook.
        drafts: the answers that this process is writing.
    """
    assert scope.notebook is not None
    move_records(connection, source, scope.notebook)
    chats = connection.execute("SELECT id, chat FROM conversations WHERE notebook = ?", (source,))
    for source_id, chat in chats.fetchall():
        finish_abandoned(TurnTable(connection, source_id), drafts)
        connection.execute(
            "INSERT OR IGNORE INTO conversations "
            "(notebook, folder, chat, path, created_by_version) VALUES (?, ?, ?, ?, ?)",
            (scope.notebook, scope.folder, chat, scope.path, version("cellmage")),
        )
        (target_id,) = connection.execute(
            "SELECT id FROM conversations WHERE notebook = ? AND chat = ?", (scope.notebook, chat)
        ).fetchone()
        _move_turns(connection, source_id, target_id)


def _move_turns(connection: sqlite3.Connection, source_id: int, target_id: int) -> None:
    """Move turns; of two turns of one question the older becomes an attempt of the newer."""
    asked_in_both = connection.execute(_ASKED_IN_BOTH, (target_id, source_id)).fetchall()
    (last,) = connection.execute(
        "SELECT max(position) FROM turns WHERE conversation_id = ?", (target_id,)
    ).fetchone()
    offset = last or 0
    connection.execute(
        "UPDATE OR REPLACE turns SET conversation_id = ?, position = position + ? "
        "WHERE conversation_id = ? AND state <> 'open'",
        (target_id, offset, source_id),
    )
    for old_position, new_position, older_id in asked_in_both:
        connection.execute(
            "UPDATE turns SET state = 'superseded' WHERE conversation_id = ? AND response_id = ?",
            (target_id, older_id),
        )
        connection.execute(
            "UPDATE turns SET position = ? WHERE conversation_id = ? AND position = ?",
            (old_position, target_id, new_position + offset),
        )
