"""The connection to the store's file: opened anew, or recovered, when the file fails."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .database import (
    SUFFIXES,
    DamagedStoreError,
    NewerStoreError,
    check_file,
    connect,
    has_schema,
    read_mark,
    set_aside,
)
from .salvage import Salvage, read_salvage, write_salvage

_RETRY_DELAY_SECONDS = 0.02
"""Pause after a busy file: SQLite reports some kinds of busy at once, without its own wait."""

_PAUSE_SECONDS = 0.05
_MAX_PAUSES = 100

_MAGIC = b"SQLite format 3\0"
_MARK = slice(68, 72)
"""The bytes of a file that `read_mark` returns; zero until SQLite has written them there."""

_inherited: list[sqlite3.Connection] = []
"""Connections of the parent process, in a forked child: SQLite forbids to close them there.

https://sqlite.org/howtocorrupt.html, 2.6.
"""

FileKey = tuple[int, int]
"""The device and inode of a file that exists."""


class StoreConnection:
    """The connection to a file that may be locked, damaged, deleted or replaced meanwhile.

    It is used on one thread. SQLite does not notice a file that has been replaced, so each `open`
    looks whether the path leads to the file that is open (its inode), and whether another program
    has written another file's bytes into it (its mark).

    Args:
        path: the file.
        report: called with each message for the user.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, report: Callable[[str], object]) -> None:
        self.path = path
        self._report = report
        self._connection: sqlite3.Connection | None = None
        self._descriptor = -1
        self._mark = 0
        self._is_checked = False
        self._keys: dict[str, FileKey | None] = {}  # of the files as they were opened, by suffix

    def open(self) -> sqlite3.Connection:
        """Return the open connection, or a new one if the path leads to another file now.

        Raises:
            NewerStoreError, sqlite3.Error, OSError: the file cannot be opened: see `recover`.
        """
        if self._connection is not None and not self._is_at_path():
            self._set_old_journal_aside()
            self.close()
        elif self._connection is not None and self._is_overwritten():
            self._move_overwritten()
            self.close()
        if self._connection is None:
            self._connect()
        assert self._connection is not None
        return self._connection

    def _connect(self) -> None:
        connection = connect(self.path)
        self._connection = connection
        # Closed only after the connection: with it, the locks of this process would be gone.
        self._descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._mark = read_mark(connection)
        self._is_checked = False
        self._keys = {suffix: self._key(suffix) for suffix in SUFFIXES}

    def check_once(self) -> None:
        """Look for damage that no query would notice, once for each connection.

        Raises:
            DamagedStoreError: there is some: see `recover`.
        """
        if self._connection is not None and not self._is_checked:
            check_file(self._connection)
            self._is_checked = True

    def close(self) -> None:
        """Close the connection; `open` makes a new one."""
        connection, self._connection = self._connection, None
        descriptor, self._descriptor = self._descriptor, -1
        if connection is not None:
            connection.close()
        if descriptor >= 0:
            os.close(descriptor)

    def abandon(self) -> None:
        """Leave the parent's connection as it is, in a forked child."""
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None
            self._descriptor = -1

    # Files that are replaced.

    def _key(self, suffix: str = "") -> FileKey | None:
        try:
            status = os.stat(f"{self.path}{suffix}")
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _is_at_path(self) -> bool:
        return self._keys[""] == self._key()

    def _is_overwritten(self) -> bool:
        """Return whether the bytes of the open file are those of another one."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        start = os.read(self._descriptor, 100)
        is_marked = start[_MARK] in (bytes(4), self._mark.to_bytes(4, "big"))
        return not (start.startswith(_MAGIC) and is_marked)

    def _move_overwritten(self) -> None:
        """Give the bytes a file of their own: SQLite would mix them with what it remembers."""
        self._wait_until_written()
        copy = self.path.with_name(f"{self.path.name}.copy-{os.getpid()}")
        shutil.copyfile(self.path, copy)
        copy.chmod(0o600)
        aside = set_aside(self.path, "replaced")
        copy.replace(self.path)
        self._report(
            f"another program has replaced {self.path.name} while it was open; "
            f"what was there is kept as {aside}"
        )

    def _wait_until_written(self) -> None:
        """Wait while the other program writes: until the file has not changed for a moment."""
        before = None
        for _ in range(_MAX_PAUSES):
            status = os.fstat(self._descriptor)
            if before == (status.st_size, status.st_mtime_ns):
                return
            before = status.st_size, status.st_mtime_ns
            time.sleep(_PAUSE_SECONDS)

    def _set_old_journal_aside(self) -> None:
        """Rename what the old file has left: SQLite would take it for the new file's."""
        suffixes = [suffix for suffix in SUFFIXES[1:] if self._is_left_behind(suffix)]
        number = 1
        while any(Path(f"{self.path}.replaced-{number}{suffix}").exists() for suffix in SUFFIXES):
            number += 1
        for suffix in suffixes:
            with suppress(FileNotFoundError):
                os.rename(f"{self.path}{suffix}", f"{self.path}.replaced-{number}{suffix}")

    def _is_left_behind(self, suffix: str) -> bool:
        key = self._key(suffix)
        return key is not None and key == self._keys[suffix]

    # Failures.

    def recover(self, error: Exception) -> bool:
        """Return whether the work that raised this error should be tried again.

        A locked file is worth another try after a pause. A damaged file is renamed, and what can be
        read of it is written to a new one. Everything else is reported.
        """
        if _has_code(error, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            time.sleep(_RETRY_DELAY_SECONDS)
            return True
        if self._is_damage(error):
            return self._replace_damaged()
        if isinstance(error, NewerStoreError):
            self._report(str(error))
        else:
            self.close()
            self._report(f"turns are not stored in {self.path.parent} ({error})")
        return False

    def _is_damage(self, error: Exception) -> bool:
        # A message with the bytes of a damaged schema cannot be decoded.
        if isinstance(error, DamagedStoreError | UnicodeDecodeError):
            return True
        if _has_code(error, sqlite3.SQLITE_ERROR):  # "no such column": whose mistake is it?
            with suppress(sqlite3.Error):
                return self._connection is None or not has_schema(self._connection)
            return True
        return _has_code(error, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

    def _replace_damaged(self) -> bool:
        is_same_file = self._connection is None or self._is_at_path()
        salvage = Salvage()
        try:
            if is_same_file:
                salvage = read_salvage(self.path)
            self.close()
            if not is_same_file:  # another kernel has renamed it already
                return True
            new_path = set_aside(self.path)
            self._connect()
            assert self._connection is not None
            write_salvage(self._connection, salvage)
        except (OSError, sqlite3.Error) as error:
            self.close()
            self._report(f"the stored conversations in {self.path} are damaged ({error})")
            return False
        count = salvage.count()
        read = f"; {count} turn{'' if count == 1 else 's'} of it could be read" if count else ""
        self._report(f"the stored conversations were damaged; the file is kept as {new_path}{read}")
        return True


def _has_code(error: Exception, *codes: int) -> bool:
    """Return whether an SQLite error has one of these primary result codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes
