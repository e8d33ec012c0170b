"""The batches under way, on disk: another kernel goes on waiting for them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...conversation.store import default_path
from ...errors import ConfigError

_NAME, _LOCK_NAME = "provider_batches.db", "provider_batches.lock"
_LOCK_SECONDS = 10.0
_UPLOAD_SECONDS = 3600.0
"""How long a kernel waits for another one that uploads."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    tag TEXT PRIMARY KEY, server TEXT NOT NULL, api TEXT NOT NULL, model TEXT NOT NULL,
    batch_id TEXT, rows INTEGER NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS batch_rows (
    key TEXT NOT NULL, number INTEGER NOT NULL, tag TEXT NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (tag, place)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_key ON batch_rows (key, number);
"""

RowKey = tuple[str, int]
"""The key of a question, and which of the equal questions it is."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that was uploaded, or may have been.

    Args:
        tag: our name of it, which the provider has too.
        server: the base URL of its server.
        api: the API of its rows.
        model: the model.
        batch_id: the provider's id; None if the upload may have failed.
        rows: how many rows it has.
        created_at: when the upload began.
    """

    tag: str
    server: str
    api: str
    model: str
    batch_id: str | None
    rows: int
    created_at: float


class JobStore:
    """The table of batches under way.

    Args:
        path: the file; None is one beside the conversations.

    Raises:
        ConfigError: the file cannot be used: a batch that nobody remembers would be paid twice.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path().with_name(_NAME)
        with self._translate_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.executescript(_SCHEMA)
            self.path.chmod(0o600)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"batches cannot be noted in {self.path.name} ({error}), so nothing was sent; "
                "make the file writable"
            ) from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one change, which is on disk at the end of the block."""
        with (
            self._translate_errors(),
            closing(sqlite3.connect(self.path, timeout=_LOCK_SECONDS)) as db,
            db,
        ):
            yield db

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other kernels from uploading; the end of the process ends it, too."""
        path = self.path.with_name(_LOCK_NAME)
        with self._translate_errors():
            lock = sqlite3.connect(
                path, timeout=_UPLOAD_SECONDS, isolation_level=None, check_same_thread=False
            )
        with closing(lock):
            with self._translate_errors():
                lock.execute("BEGIN EXCLUSIVE")
            yield

    def begin(
        self, tag: str, server: str, api: str, model: str, keys: Sequence[RowKey]
    ) -> StoredBatch:
        """Note a batch before it is uploaded."""
        batch = StoredBatch(tag, server, api, model, None, len(keys), time.time())
        with self._open() as db:
            db.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, NULL, ?, ?)",
                (batch.tag, server, api, model, batch.rows, batch.created_at),
            )
            rows = ((key, number, batch.tag, index) for index, (key, number) in enumerate(keys))
            db.executemany("INSERT INTO batch_rows VALUES (?, ?, ?, ?)", rows)
        return batch

    def set_id(self, batch: StoredBatch, batch_id: str | None) -> StoredBatch:
        """Note the provider's id of a batch."""
        with self._open() as db:
            db.execute("UPDATE batches SET batch_id = ? WHERE tag = ?", (batch_id, batch.tag))
        return replace(batch, batch_id=batch_id)

    def is_known(self, batch_id: str) -> bool:
        """Return whether a provider's id is that of a batch here."""
        with self._open() as db:
            sql = "SELECT 1 FROM batches WHERE batch_id = ?"
            return db.execute(sql, (batch_id,)).fetchone() is not None

    def forget(self, tag: str) -> None:
        """Remove a batch that has ended, or was not uploaded."""
        with self._open() as db:
            db.execute("DELETE FROM batch_rows WHERE tag = ?", (tag,))
            db.execute("DELETE FROM batches WHERE tag = ?", (tag,))

    def find(self, server: str, keys: Iterable[RowKey]) -> dict[RowKey, str]:
        """Return the tags of the batches under way in which rows are."""
        sql = (
            "SELECT tag FROM batch_rows JOIN batches USING (tag) "
            "WHERE key = ? AND number = ? AND server = ? ORDER BY created_at DESC"
        )
        result: dict[RowKey, str] = {}
        with self._open() as db:
            for key in keys:
                if (row := db.execute(sql, (*key, server)).fetchone()) is not None:
                    result[key] = row[0]
        return result

    def get(self, tag: str) -> StoredBatch:
        """Return a batch under way."""
        with self._open() as db:
            row = db.execute("SELECT * FROM batches WHERE tag = ?", (tag,)).fetchone()
            return StoredBatch(*row)

    def keys(self, tag: str) -> list[RowKey]:
        """Return the rows of a batch in their order."""
        sql = "SELECT key, number FROM batch_rows WHERE tag = ? ORDER BY place"
        with self._open() as db:
            return [(key, number) for key, number in db.execute(sql, (tag,))]
