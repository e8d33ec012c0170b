"""What can be said of the file of stored conversations without changing it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .database import MIGRATIONS, SUFFIXES


@dataclass(frozen=True, slots=True)
class StoreState:
    """The state of a file of stored conversations.

    Args:
        size: the bytes on the disk, with SQLite's files beside it.
        version: the version of its schema.
        newest_version: the version that this release writes.
        integrity: "ok", or what SQLite's own check says first.
        conversations: how many there are.
        turns: how many there are, with those that others have replaced.
    """

    size: int
    version: int
    newest_version: int
    integrity: str
    conversations: int
    turns: int


def read_state(path: Path) -> StoreState | None:
    """Return the state of a file, which is opened for reading only; None if there is none.

    Raises:
        sqlite3.Error: it is not such a file, or cannot be read.
    """
    if not path.exists():
        return None
    files = [path.with_name(path.name + suffix) for suffix in SUFFIXES]
    size = sum(file.stat().st_size for file in files if file.exists())
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = bytes  # damaged text is no UTF-8

        def read(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        check = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        return StoreState(
            size,
            read("PRAGMA user_version"),
            len(MIGRATIONS),
            check.decode(errors="replace"),
            read("SELECT count(*) FROM conversations"),
            read("SELECT count(*) FROM turns"),
        )
