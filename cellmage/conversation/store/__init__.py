"""Conversations on disk: turns, written one by one, and answers while they are being written.

A turn passes `StoredJournal` (its changes, as SQL), `WriterThread` (one thread, which owns the
connection) and `cellmage.conversation.store.database` (the file).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

from platformdirs import user_data_path

from .database import transaction
from .drafts import Drafts
from .journal import StoredJournal
from .notebooks import (
    StoredNotebook,
    find_by_cells,
    find_by_path,
    merge_notebook,
    move_notebook,
)
from .records import StoredRecords
from .scope import ConversationScope
from .writer import AUTOSAVE_SECONDS, LOCK_TIMEOUT_SECONDS, StoreError, WriterThread

__all__ = [
    "ConversationScope",
    "Store",
    "StoreError",
    "StoredJournal",
    "StoredNotebook",
    "StoredRecords",
    "default_path",
]

# An open turn counts as soon as some of its answer was saved. A chat outside of a notebook has one
# conversation for each session of the folder; the last one counts.
_COUNT_BY_CHAT = """
    SELECT chat, (
        SELECT count(*) FROM turns INDEXED BY live_turns
        WHERE conversation_id = c.id AND state = 'live'
    ) + (
        SELECT count(*) FROM turns INDEXED BY open_turns WHERE conversation_id = c.id
        AND state = 'open' AND (
            instr(metadata, '"steps"') OR EXISTS (
                SELECT 1 FROM chunks
                WHERE conversation_id = c.id AND response_id = turns.response_id))
    )
    FROM conversations AS c
    WHERE notebook IS ? AND (notebook IS NOT NULL OR folder = ?) AND id = (
        SELECT max(id) FROM conversations AS d
        WHERE d.chat = c.chat AND d.notebook IS c.notebook AND d.folder = c.folder)
    ORDER BY id
"""


def default_path() -> Path:
    """Return the file in which conversations are stored unless another one is given."""
    return user_data_path("cellmage") / "conversations.db"


class Store:
    """The stored conversations of this user. No file is opened or created before the first turn.

    A failure of the store never costs an answer: it becomes one of the `pending_messages`.

    Args:
        path: the file; None stores in `default_path`.
        autosave_seconds: time between two savings of the answers that are being written.
        lock_timeout_seconds: how long a cell waits for a file that another program has locked.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellmage import Conversation, Options
        >>> store = Store(Path(mkdtemp()) / "turns.db")
        >>> scope = ConversationScope("/notes/a.ipynb", "/notes")
        >>> chat = Conversation(Options(model="offline/echo"), journal=store.journal(scope))
        >>> chat.ask("Hello").text, store.count_turns(scope), store.pending_messages()
        ('Hello', 1, [])
        >>> resumed = Conversation(journal=store.journal(scope))
        >>> resumed.history.resume(), resumed.turns == chat.turns
        (1, True)
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        autosave_seconds: float = AUTOSAVE_SECONDS,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self._drafts = Drafts()
        self._journals: WeakSet[StoredJournal] = WeakSet()
        self._writer = WriterThread(
            path or default_path(),
            self._drafts,
            autosave_seconds,
            lock_timeout_seconds,
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    def journal(self, scope: ConversationScope) -> StoredJournal:
        """Return the journal of a conversation, for `cellmage.Conversation`."""
        journal = StoredJournal(self._writer, self._drafts, scope)
        self._journals.add(journal)
        return journal

    def records(self, scope: ConversationScope) -> StoredRecords:
        """Return the recorded answers of a notebook.

        Args:
            scope: of any chat of the notebook.
        """
        return StoredRecords(self._writer, scope)

    def pending_messages(self) -> list[str]:
        """Return the messages for the user since the last call; each message is sent once."""
        return self._writer.pending_messages()

    def close(self) -> None:
        """Finish the queued work and close the file; the next turn opens it again."""
        for journal in list(self._journals):
            journal.retry()
        self._writer.close()

    def count_turns(self, scope: ConversationScope) -> int:
        """Return the number of stored turns; an answer that was never finished is one."""
        return dict(self.count_by_chat(scope)).get(scope.chat, 0)

    def count_by_chat(self, scope: ConversationScope) -> list[tuple[str, int]]:
        """Return the names and numbers of turns of all chats of a notebook, the oldest first.

        Args:
            scope: of any chat of the notebook.
        """
        return self._query(_COUNT_BY_CHAT, (scope.notebook, scope.folder))

    def notebooks_with_cells(self, cells: Iterable[str]) -> list[StoredNotebook]:
        """Return the notebooks with stored turns of any of these cells, the oldest first."""
        ids = list(cells)
        return self._writer.call_if_exists(lambda db: find_by_cells(db, ids)) or []

    def notebooks_at(self, path: str) -> list[StoredNotebook]:
        """Return the notebooks with stored turns that had this path, the oldest first."""
        return self._writer.call_if_exists(lambda db: find_by_path(db, path)) or []

    def move_notebook(self, scope: ConversationScope) -> None:
        """Record that the notebook of a scope has the path and the folder of the scope now."""
        self._writer.call_if_exists(lambda db: move_notebook(db, scope))

    def merge_notebook(self, source: str, scope: ConversationScope) -> None:
        """Make the turns of one notebook those of another, which they follow.

        Args:
            source: the id of the notebook.
            scope: of any chat of the other notebook.
        """

        def merge(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                merge_notebook(connection, source, scope, self._drafts)

        self._writer.call_if_exists(merge)

    def execute(
        self, sql: str, parameters: Sequence[Any] = (), timeout: float | None = None
    ) -> list[Any]:
        """Run a statement after all queued work, and return its rows: for tests and repairs.

        Args:
            sql: one statement.
            parameters: the values of its placeholders.
            timeout: seconds to wait; None waits as long as another program locks the file.

        Raises:
            StoreError: the statement failed.
            TimeoutError: the file is locked for longer.
        """
        return self._writer.submit(
            lambda connection: connection.execute(sql, parameters).fetchall()
        ).result(timeout)

    def _query(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        rows = self._writer.call_if_exists(
            lambda connection: connection.execute(sql, parameters).fetchall()
        )
        return rows or []
