"""The SQLite file: opening it, bringing its schema up to date, setting it aside when damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

BUSY_TIMEOUT_SECONDS = 1.0
"""How long SQLite waits for another writer before it reports a busy file."""

MIGRATIONS = (
    """
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        notebook TEXT,           -- path of the notebook; null outside of a notebook
        folder TEXT NOT NULL,
        chat TEXT NOT NULL,      -- empty for the conversation without a name
        created_by_version TEXT NOT NULL,
        UNIQUE (notebook, chat)
    );
    CREATE TABLE turns (
        conversation_id INTEGER NOT NULL REFERENCES conversations,
        response_id TEXT NOT NULL,
        position INTEGER,        -- in the conversation; attempts at one question share it
        cell_id TEXT,
        question_index INTEGER,  -- zero-based, within one run of the cell
        state TEXT NOT NULL,     -- open, live, superseded, merged, dropped, failed
        stale INTEGER NOT NULL DEFAULT 0,
        changed_at REAL NOT NULL,  -- last change of state, in seconds since 1970
        owner TEXT,              -- the process that writes an open turn
        appends INTEGER,         -- 1 for an open turn that will not replace another
        prompt BLOB NOT NULL,
        text BLOB NOT NULL,
        metadata TEXT NOT NULL,  -- the other fields of the turn, as JSON
        PRIMARY KEY (conversation_id, response_id)
    );
    CREATE INDEX turns_by_position ON turns (conversation_id, state, position);
    CREATE INDEX turns_by_cell ON turns (conversation_id, cell_id, question_index)
        WHERE state = 'live';
    CREATE TABLE chunks (        -- text of open turns, as it was saved
        id INTEGER PRIMARY KEY,
        conversation_id INTEGER NOT NULL,
        response_id TEXT NOT NULL,
        text BLOB NOT NULL
    );
    CREATE INDEX chunks_by_turn ON chunks (conversation_id, response_id);
    """,
    # The notebook of a row is an id since then: the path may change, and may be another notebook's.
    """
    ALTER TABLE conversations ADD COLUMN path TEXT;
    UPDATE conversations SET path = notebook;
    """,
)
"""The n-th script brings a file of version n to version n + 1; a published one never changes.

Prompts and answers are blobs: a model may send lone surrogates, which TEXT cannot hold.
"""


class NewerStoreError(Exception):
    """The file was written by a later release; the message is for the user."""


def connect(path: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """Open the file, in a folder that only the user can read, and bring its schema up to date.

    Args:
        path: the file; it is created if there is none.
        migrations: the scripts of all versions of the schema.

    Raises:
        NewerStoreError: a later release has written the file; it is left as it is.
        sqlite3.Error, OSError: the file cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its own files beside it the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    # A network disk has no shared memory, which WAL needs; SQLite then keeps the default journal.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    if _read_version(connection) == len(migrations):
        return
    with transaction(connection):
        version = _read_version(connection)
        if version > len(migrations):
            raise NewerStoreError(_newer_store_message(connection))
        for script in migrations[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _read_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _newer_store_message(connection: sqlite3.Connection) -> str:
    release = ""
    with suppress(sqlite3.Error):
        row = connection.execute(
            "SELECT created_by_version FROM conversations ORDER BY id DESC"
        ).fetchone()
        release = f" ({row[0]})" if row else ""
    return (
        f"the stored conversations were written by a later release of cellmage{release}: "
        "pip install --upgrade cellmage; until then nothing is stored"
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Commit all writes of the block, or none if it raises.

    IMMEDIATE: with SQLite's default BEGIN, one of two concurrent writers would lose its turns.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite has rolled back by itself when the disk is full
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Rename a damaged file and SQLite's files beside it, and return the new path."""
    number = 1
    while (new_path := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(new_path.with_name(new_path.name + suffix))
    return new_path
