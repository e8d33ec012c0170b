"""The connection to the store's file: opened anew, or recovered, when the file fails."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from .database import NewerStoreError, connect, set_aside

_RETRY_DELAY_SECONDS = 0.02
"""Pause after a busy file: SQLite reports some kinds of busy at once, without its own wait."""

_inherited: list[sqlite3.Connection] = []
"""Connections of the parent process, in a forked child: SQLite forbids to close them there.

https://sqlite.org/howtocorrupt.html, 2.6.
"""


class StoreConnection:
    """The connection to a file that may be locked, damaged, deleted or replaced meanwhile.

    It is used on one thread.

    Args:
        path: the file.
        report: called with each message for the user.

    Attributes:
        path: the file.
        generation: number of different files that were opened under this path. Ids of rows that
            were read in an earlier generation are not valid any more.
    """

    def __init__(self, path: Path, report: Callable[[str], object]) -> None:
        self.path = path
        self.generation = 0
        self._report = report
        self._connection: sqlite3.Connection | None = None
        self._file_id: tuple[int, int] | None = None

    def open(self) -> sqlite3.Connection:
        """Return the open connection, or a new one if the path leads to another file now.

        Raises:
            NewerStoreError, sqlite3.Error, OSError: the file cannot be opened: see `recover`.
        """
        if self._connection is not None and self._file_id != _file_id(self.path):
            self.close()
        if self._connection is None:
            self._connection = connect(self.path)
            previous, self._file_id = self._file_id, _file_id(self.path)
            self.generation += previous != self._file_id
        return self._connection

    def close(self) -> None:
        """Close the connection; `open` makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abandon(self) -> None:
        """Leave the parent's connection as it is, in a forked child."""
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None

    def recover(self, error: Exception) -> bool:
        """Return whether the work that raised this error should be tried again.

        A locked file is worth another try after a pause. A damaged file is renamed, so that the
        next try begins a new one. Everything else is reported.
        """
        if _has_code(error, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            time.sleep(_RETRY_DELAY_SECONDS)
            return True
        if _has_code(error, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._replace_damaged()
        if isinstance(error, NewerStoreError):
            self._report(str(error))
        else:
            self.close()
            self._report(f"turns are not stored in {self.path.parent} ({error})")
        return False

    def _replace_damaged(self) -> bool:
        is_same_file = self._file_id in (None, _file_id(self.path))
        self.close()
        if not is_same_file:  # another kernel has renamed it already
            return True
        self._file_id = None
        try:
            new_path = set_aside(self.path)
        except OSError as error:
            self._report(f"the stored conversations in {self.path} are damaged ({error})")
            return False
        self._report(f"the stored conversations were damaged; the file is kept as {new_path}")
        return True


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return the device and inode, which a file of the same name does not share; None without."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_code(error: Exception, *codes: int) -> bool:
    """Return whether an SQLite error has one of these primary result codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes
