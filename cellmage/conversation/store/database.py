"""The SQLite file: opening it, bringing it up to date, setting it aside when it is damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

BUSY = 1.0
"""Seconds that SQLite waits for another writer, before we look around and try again."""

# The n-th script brings a file of version n to version n + 1. Published ones are never changed.
# Prompts and answers are blobs: a model may send lone surrogates, which SQLite's text cannot hold.
MIGRATIONS = [
    """
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        notebook TEXT,           -- the path of the notebook; null where there is none
        folder TEXT NOT NULL,
        chat TEXT NOT NULL,      -- empty for the one without a name
        writer TEXT NOT NULL,    -- the release that made it
        UNIQUE (notebook, chat)
    );
    CREATE TABLE turns (
        conversation INTEGER NOT NULL REFERENCES conversations,
        id TEXT NOT NULL,        -- of the response
        place INTEGER,           -- in the conversation; attempts at one question share it
        cell TEXT, ordinal INTEGER,
        state TEXT NOT NULL,     -- open, live, superseded, merged, dropped, failed
        stale INTEGER NOT NULL DEFAULT 0,
        at REAL NOT NULL,        -- when it came to its state, in seconds since 1970
        owner TEXT,              -- the process that writes an open turn
        adds INTEGER,            -- an open turn that will replace none
        prompt BLOB NOT NULL,
        text BLOB NOT NULL,
        facts TEXT NOT NULL,     -- the rest of the turn, as JSON
        PRIMARY KEY (conversation, id)
    );
    CREATE INDEX places ON turns (conversation, state, place);
    CREATE INDEX cells ON turns (conversation, cell, ordinal) WHERE state = 'live';
    CREATE TABLE pieces (        -- of the answers that are being written
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL,
        turn TEXT NOT NULL,
        text BLOB NOT NULL
    );
    CREATE INDEX pieces_of ON pieces (conversation, turn);
    """,
]


class NewerStoreError(Exception):
    """The file was written by a later release; the message is for the reader."""


def connect(path: Path, uri_options: str = "") -> sqlite3.Connection:
    """Open the file, in a folder that only the user can read, and bring it up to date.

    Raises:
        NewerStoreError: a later release has written it; it is left as it is.
        sqlite3.Error, OSError: it cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its own files beside it the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        f"file:{quote(str(path))}{uri_options}",
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # Disks without shared memory, such as a network's, keep the journal that they can have.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise NewerStoreError(_newer(connection))
        for script in MIGRATIONS[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _newer(connection: sqlite3.Connection) -> str:
    release = ""
    with suppress(sqlite3.Error):
        row = connection.execute("SELECT writer FROM conversations ORDER BY id DESC").fetchone()
        release = f" ({row[0]})" if row else ""
    return (
        f"the stored conversations were written by a later release of cellmage{release}: "
        "pip install --upgrade cellmage; until then nothing is stored"
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """A block whose writes happen all or not at all.

    IMMEDIATE: with SQLite's usual BEGIN, of two writers one loses its turns.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Give a damaged file, and what SQLite keeps beside it, another name; the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
