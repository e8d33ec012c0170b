"""The SQLite file: opening it, bringing its schema up to date, setting it aside when damaged."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_MAX_NEWER_VERSIONS = 1000
"""A file of a version that is newer by more was not written by a later release."""

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""The ends of the names of the file, and of SQLite's files beside it."""

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
    # One turn is live at a position; the index that answers each question of `TurnTable`.
    """
    CREATE TABLE header (
        id TEXT NOT NULL         -- a random text, by which files are told apart
    );
    INSERT INTO header VALUES (lower(hex(randomblob(16))));
    DROP INDEX turns_by_position;
    DROP INDEX turns_by_cell;
    UPDATE turns SET state = 'superseded' WHERE state = 'live' AND EXISTS (
        SELECT 1 FROM turns AS t WHERE t.conversation_id = turns.conversation_id
        AND t.position = turns.position AND t.state = 'live' AND t.rowid > turns.rowid);
    CREATE UNIQUE INDEX live_turns ON turns (conversation_id, state, position)
        WHERE state = 'live';
    CREATE INDEX fresh_turns ON turns (conversation_id, position)
        WHERE state = 'live' AND stale = 0;
    CREATE INDEX open_turns ON turns (conversation_id, state, changed_at)
        WHERE state = 'open';
    CREATE INDEX turns_by_position ON turns (conversation_id, position);
    CREATE INDEX turns_by_change ON turns (conversation_id, changed_at);
    CREATE INDEX turns_by_question ON turns (conversation_id, cell_id, question_index, position)
        WHERE state = 'live';
    CREATE INDEX turns_by_cell ON turns (conversation_id, cell_id, position, question_index)
        WHERE state = 'live';
    """,
    # The metadata of a turn name the images and files of its question by their digests.
    """
    CREATE TABLE blobs (
        digest TEXT PRIMARY KEY, -- SHA-256 of the bytes, in hexadecimal
        data BLOB NOT NULL
    );
    """,
    # Answers that are kept by what they depend on: see `cellmage.recording`.
    """
    CREATE TABLE records (
        notebook TEXT NOT NULL,  -- its id; the folder outside of a notebook
        key TEXT NOT NULL,
        number INTEGER NOT NULL, -- of several answers with one key
        cell_id TEXT,
        question INTEGER NOT NULL,
        changed_at REAL NOT NULL,
        record TEXT NOT NULL,    -- as JSON
        PRIMARY KEY (notebook, key, number)
    );
    CREATE INDEX records_by_cell ON records (notebook, cell_id, question, changed_at);
    """,
)
"""The n-th script brings a file of version n to version n + 1; a published one never changes.

Prompts and answers are blobs: a model may send lone surrogates, which TEXT cannot hold.
"""


class NewerStoreError(Exception):
    """The file was written by a later release; the message is for the user."""


class DamagedStoreError(Exception):
    """The file is damaged, as SQLite's own check says."""


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
    connection.text_factory = _decode
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
        if version > len(migrations) + _MAX_NEWER_VERSIONS:
            raise DamagedStoreError(f"its version is {version}")
        if version > len(migrations):
            raise NewerStoreError(_newer_store_message(connection))
        for script in migrations[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        # A second, short id in the file's first bytes: see `StoreConnection`.
        if not read_mark(connection):
            connection.execute(f"PRAGMA application_id = {1 + secrets.randbelow(2**31 - 1)}")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def read_file_id(connection: sqlite3.Connection) -> str:
    """Return the id of the file, which no other file has, also if it has its name or its inode."""
    row = connection.execute("SELECT id FROM header").fetchone()
    return str(row[0]) if row else ""


def read_mark(connection: sqlite3.Connection) -> int:
    """Return the number that the first bytes of the file have, too."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def check_file(connection: sqlite3.Connection) -> None:
    """Look for damage that a query does not notice, such as an index without its rows.

    Raises:
        DamagedStoreError: there is some.
    """
    result = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if result != ("ok",) or not has_schema(connection):
        raise DamagedStoreError(str(result))


def has_schema(connection: sqlite3.Connection) -> bool:
    """Return whether the tables and indexes are those that the migrations make."""
    return _expected_schema() <= _read_schema(connection)


@cache
def _expected_schema() -> frozenset[tuple[str, str]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _prepare(connection, MIGRATIONS)
        return _read_schema(connection)
    finally:
        connection.close()


def _read_schema(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return frozenset(rows.fetchall())


def _decode(text: bytes) -> str:
    """Return a text; where it is damaged, each byte that is not UTF-8 is a lone surrogate."""
    return text.decode("utf-8", "surrogateescape")


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


def set_aside(path: Path, reason: str = "damaged") -> Path:
    """Rename a file and SQLite's files beside it, and return the new path."""
    number = 1
    while any(
        (new_path := path.with_name(f"{path.name}.{reason}-{number}"))
        .with_name(new_path.name + suffix)
        .exists()
        for suffix in SUFFIXES
    ):
        number += 1
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(new_path.with_name(new_path.name + suffix))
    return new_path
