"""Recorded answers in a file, of which several processes add lines: a lock file, a recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_path

from ..errors import UsageError
from ..foreign_files import read_regular_file
from ..fork_locks import make_rlock
from ..text import excerpt, spell_out
from ..turns import CellRef
from .inputs import Inputs
from .record import Record
from .record_lines import Lines, RecordId, id_of, make_line, parse_lines
from .records import MemoryRecords, newest_of_cells

_MAX_BYTES = 2**28

_LOCK_SECONDS = 5.0
"""How long another process is waited for. Whoever goes on without the lock merges all the same."""


class FileRecords:
    """Recorded answers in a file of lines, which need not exist.

    The file is read again when it has changed. A change is merged with what is in the file, and
    replaces the file at once.

    Args:
        path: the file.
        with_events: True writes the events of the answers, with their times.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from cellmage import Response
        >>> record = Record(Inputs(()), "Hi", Response("Hello"), "2026-11-27")
        >>> with TemporaryDirectory() as folder:
        ...     FileRecords(Path(folder, "a.jsonl")).add(record)
        ...     FileRecords(Path(folder, "a.jsonl")).find(Inputs(()), 1).response.text
        'Hello'
    """

    def __init__(self, path: Path, *, with_events: bool = False) -> None:
        # A link stays one. The kernel may change its folder later.
        self.path = Path(os.path.realpath(path))
        self._with_events = with_events
        self._lock = make_rlock()
        self._state: object = ()
        self._lines = Lines()
        self._records = MemoryRecords()
        self._used: set[RecordId] = set()

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each line of the file that cannot be read."""
        with self._lock:
            self._load()
            return tuple(self._lines.problems)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            self._load()
            return iter(self._records)

    def find(
        self, inputs: Inputs, number: int, *, or_last: bool = False, any_model: bool = False
    ) -> Record | None:
        """Return the answer with these inputs: see `Records`."""
        with self._lock:
            self._load()
            record = self._records.find(inputs, number, or_last=or_last, any_model=any_model)
            if record is not None:
                self._used.add(id_of(record))
            return record

    def numbers(self, inputs: Inputs) -> Mapping[int, CellRef | None]:
        """Return the numbers of the answers with these inputs: see `Records`."""
        with self._lock:
            self._load()
            return self._records.numbers(inputs)

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the answer that says what has changed: see `Records`."""
        with self._lock:
            self._load()
            return self._records.nearest(inputs, cell)

    def of_cells(self) -> Mapping[CellRef, Record]:
        """Return the newest answer of each question of a cell: see `Records`."""
        return newest_of_cells(self)

    def add(self, record: Record) -> None:
        """Keep an answer; if it says what the file says, the file does not change.

        Raises:
            UsageError: the file cannot be written.
        """
        line = make_line(record, with_events=self._with_events)
        self._used.add(line.id)
        self._change(lambda lines: lines.add(line))

    def remove_unused(self) -> int:
        """Remove the answers that this object has neither found nor added; return their number.

        Raises:
            UsageError: none was used, so all would be removed.
        """
        if not self._used:
            raise UsageError(
                "no answer of this file was used yet; restart the kernel, run all cells, "
                "and remove the unused answers then"
            )

        def keep_used(lines: Lines) -> None:
            lines.by_id = {key: line for key, line in lines.by_id.items() if key in self._used}

        with self._lock:
            self._load()
            before = len(self._lines.by_id)
            self._change(keep_used)
            return before - len(self._lines.by_id)

    def _change(self, change: Callable[[Lines], None]) -> None:
        with self._lock, _lock_files():
            self._load()
            before = self._lines.to_bytes() if self._state else None
            change(self._lines)
            after = self._lines.to_bytes()
            if after != before:
                _replace_file(self.path, after)
                self._state = _state_of(self.path)
            self._records = MemoryRecords(line.record for line in self._lines.by_id.values())

    def _load(self) -> None:
        """Read the file if it is not the one that was read or written last."""
        state = _state_of(self.path)
        if state == self._state:
            return
        name = excerpt(spell_out(self.path.name))
        try:
            data = read_regular_file(self.path, _MAX_BYTES) if state else b""
        except (OSError, ValueError) as error:
            raise UsageError(f"{name} cannot be read: {_problem(error)}") from None
        self._state = state
        self._lines = parse_lines(data, name)
        self._records = MemoryRecords(line.record for line in self._lines.by_id.values())


def _state_of(path: Path) -> tuple[int, ...]:
    """Return what differs when a file was written; empty if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    except OSError:
        return (-1,)
    return status.st_ino, status.st_mtime_ns, status.st_size


def _replace_file(path: Path, data: bytes) -> None:
    """Write a file, so that a reader finds the old one or the new one.

    Raises:
        UsageError: it cannot be written.
    """
    temporary = path.with_name(f".{uuid4().hex}.jsonl")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)
        name = excerpt(spell_out(path.name))
        raise UsageError(f"{name} cannot be written: {_problem(error)}") from None


def _problem(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def _lock_files() -> Generator[None]:
    """Let one process of this user at a time change files of records.

    A lock of SQLite works on every system, and ends with its process.
    """
    import sqlite3  # noqa: PLC0415 - 3 ms that most kernels do not need

    try:
        path = user_cache_path("cellmage", ensure_exists=True) / "records.lock"
        connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error):  # such as a home folder that cannot be written
        yield
        return
    try:
        with suppress(sqlite3.Error):
            connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
