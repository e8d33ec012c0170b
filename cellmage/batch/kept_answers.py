"""Answers of batches on disk, one commit a row: an interrupted batch asks only what is missing."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Self

from ..conversation.store import default_path
from ..errors import UsageError
from ..messages import Response
from ..serialization import response_from_record, response_to_record

_NAME = "batches.db"
_KEPT_SECONDS = 90 * 86400
_LOCK_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL, number INTEGER NOT NULL, added_at REAL NOT NULL,
    text TEXT NOT NULL, response TEXT NOT NULL,
    PRIMARY KEY (key, number)) WITHOUT ROWID
"""


class KeptAnswers:
    """The complete answers of batches: see `cellmage.batch.worker.Keeper`.

    A file that cannot be used keeps nothing, and never costs an answer.

    Args:
        path: the file; None is one beside the conversations.
        reads: False keeps answers, and finds none: each row is asked.

    Attributes:
        problem: why answers are not kept, for the user; empty if they are.
    """

    def __init__(self, path: Path | None = None, *, reads: bool = True) -> None:
        self.path = path or default_path().with_name(_NAME)
        self.problem = ""
        self._reads = reads
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = _open(self.path)
        except (OSError, sqlite3.Error) as error:
            self._fail(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def find(self, key: str, number: int) -> Response | None:
        """Return the answer to the question with this key; of equal ones that of this number."""
        if self._connection is None or not self._reads:
            return None
        sql = "SELECT added_at, text, response FROM answers WHERE key = ? AND number = ?"
        try:
            row = self._connection.execute(sql, (key, number)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
            return None
        if row is None:
            return None
        with suppress(UsageError, ValueError, TypeError):  # damaged: it is asked again
            response = response_from_record(row[1], json.loads(row[2]))
            return replace(response, kept_from=date.fromtimestamp(row[0]).isoformat())
        return None

    def add(self, key: str, number: int, response: Response) -> None:
        """Keep a complete answer; it is on disk when this returns."""
        if self._connection is None:
            return
        record = json.dumps(response_to_record(response))
        values = (key, number, time.time(), response.text, record)
        try:
            self._connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", values
            )
        except (sqlite3.Error, UnicodeEncodeError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.problem = f"answers are not kept: {self.path.name} cannot be used ({error})"
        if self._connection is not None and isinstance(error, sqlite3.Error):
            self._connection.close()
            self._connection = None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made on the caller's thread, used on the loop's alone.
    connection = sqlite3.connect(
        path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # Without a sync a commit survives the end of the process, if not that of the machine.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
        path.chmod(0o600)
        oldest = time.time() - _KEPT_SECONDS
        connection.execute("DELETE FROM answers WHERE added_at < ?", (oldest,))
    except BaseException:
        with closing(connection):
            raise
    return connection
