"""One conversation in the store: each change of its turns is a transaction.

A turn is a row, named by the id of its response. The live row of a position is the turn that is
sent; its previous attempts share the position. `TurnTable` repeats the rules of `History` for which
turn a new one replaces, because a stored turn is superseded also when it was never loaded.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ...messages import Response
from ...text import excerpt
from ...turns import CellRef, Turn
from .database import read_file_id, transaction
from .drafts import Draft, Drafts
from .killed_kernels import finish_abandoned, process_token
from .loading import LoadedTurns, TurnLoader
from .rows import TurnTable
from .scope import ConversationScope, create_conversation
from .writer import WriterThread

Change = Callable[[TurnTable], object]
"""A change of the turns of a conversation, in a transaction."""


class StoredJournal:
    """The journal of one conversation: see `cellmage.conversation.journal.Journal`.

    Args:
        writer: the thread that owns the file.
        drafts: the answers that are being written.
        scope: names the conversation, which is created with its first turn.
    """

    def __init__(self, writer: WriterThread, drafts: Drafts, scope: ConversationScope) -> None:
        self._writer = writer
        self._drafts = drafts
        self.scope = scope
        self._cached_id: tuple[str, int] | None = None  # ids of the file and of the conversation
        self._unwritten: deque[Change] = deque()  # a full disk may have free space again
        self._process = os.getpid()

    # Changes.

    def begin(
        self,
        turn: Turn,
        snapshot: Callable[[], Response],
        replace_turn: bool = True,
        reserves: bool = False,
    ) -> None:
        """Record that a request is sent; from now on its answer is saved twice a second.

        Args:
            turn: the turn so far, without an answer.
            snapshot: returns the answer so far, on any thread.
            replace_turn: False will keep an older turn of the same cell.
            reserves: True gives the turn its position now.
        """

        def change(table: TurnTable) -> None:
            # A killed answer is older than this one, and must be committed before it.
            finish_abandoned(table, self._drafts)
            table.begin(turn, process_token(os.getpid()), replace_turn, reserves)
            self._drafts.add(table.conversation_id, Draft(turn, snapshot))

        self._queue(change)
        self._writer.submit(self._write_queued)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Record the end of a turn; a turn without content has failed."""

        def change(table: TurnTable) -> None:
            self._drafts.remove(turn.response.id)
            table.commit(turn, replace_turn)

        self._do(change)

    def merge(self, response_id: str, turn: Turn) -> None:
        """Record that a turn continues a cut one, and replaces it."""

        def change(table: TurnTable) -> None:
            self._drafts.remove(turn.response.id)
            table.merge(response_id, turn)

        self._do(change)

    def edit(self, live_id: str, turn: Turn) -> None:
        """Record that a turn replaces a live one, which becomes a previous attempt."""
        self._do(lambda table: table.edit(live_id, turn))

    def extend(self, turns: Iterable[Turn]) -> None:
        """Record turns that are added at the end, with their previous attempts."""
        new_turns = tuple(turns)
        self._do(lambda table: table.extend(new_turns))

    def drop(self, response_ids: Iterable[str]) -> None:
        """Record that turns are dropped; their rows stay, and are not sent."""
        dropped_ids = tuple(response_ids)

        def change(table: TurnTable) -> None:
            for response_id in dropped_ids:
                table.drop(response_id)

        self._do(change)

    def restore(self, live_id: str, attempt_id: str) -> None:
        """Record that a previous attempt replaces the live turn, which becomes an attempt."""
        self._do(lambda table: table.restore(attempt_id))

    def drop_from(self, cell: CellRef) -> None:
        """Record that a cell's turns from this question on are dropped, also if never loaded."""
        self._do(lambda table: table.drop_from(cell))

    # Reading.

    def load(self) -> tuple[list[Turn], set[str]]:
        """Return the stored turns in order, and the ids of all responses that ever were stored.

        An answer that was being written by a process that was killed is one of the turns. A row
        that cannot be read is set aside, and the user is told.
        """

        def read(connection: sqlite3.Connection) -> LoadedTurns:
            self._writer.check_file_once()
            with transaction(connection):
                conversation_id = self._find(connection)
                if conversation_id is None:
                    return LoadedTurns()
                table = TurnTable(connection, conversation_id)
                finish_abandoned(table, self._drafts)
                return TurnLoader(table).load()

        loaded = self._writer.call_if_exists(read) or LoadedTurns()
        if loaded.damaged:
            self._writer.report(_damage_message(loaded.damaged, self._writer.path))
        return loaded.turns, loaded.ids

    def retry(self) -> None:
        """Write what could not be written before."""
        if self._unwritten:
            self._writer.call(self._write_queued)

    # On the store's thread.

    def _do(self, change: Change) -> None:
        """Have a change made on the store's thread, and wait for it."""
        self._queue(change)
        self._writer.call(self._write_queued)

    def _queue(self, change: Change) -> None:
        if self._process != os.getpid():  # a forked child: what is queued is its parent's
            self._unwritten.clear()
            self._process = os.getpid()
        self._unwritten.append(change)

    def _write_queued(self, connection: sqlite3.Connection) -> None:
        """Make the queued changes, in order; one that the disk refuses is tried again later."""
        while self._unwritten:
            try:
                self._write(connection, self._unwritten[0])
            except (sqlite3.DatabaseError, OSError) as error:
                if isinstance(error, sqlite3.IntegrityError):
                    self._unwritten.popleft()
                raise
            except BaseException:
                self._unwritten.popleft()
                raise
            self._unwritten.popleft()

    def _write(self, connection: sqlite3.Connection, change: Change) -> None:
        """Make a change in a transaction."""
        try:
            with transaction(connection):
                change(TurnTable(connection, self._find_or_create(connection)))
        except BaseException:
            self._cached_id = None  # an id that was created here has been rolled back
            raise

    def _find_or_create(self, connection: sqlite3.Connection) -> int:
        if not self._is_id_valid(connection):
            create_conversation(connection, self.scope)
        conversation_id = self._find(connection)
        assert conversation_id is not None
        return conversation_id

    def _find(self, connection: sqlite3.Connection) -> int | None:
        """Return the id of the conversation; outside of a notebook, of the folder's last one."""
        if not self._is_id_valid(connection):
            scope = self.scope
            row = connection.execute(
                "SELECT id FROM conversations WHERE chat = ? AND notebook IS ? "
                "AND (notebook IS NOT NULL OR folder = ?) ORDER BY id DESC",
                (scope.chat, scope.notebook, scope.folder),
            ).fetchone()
            self._cached_id = (read_file_id(connection), int(row[0])) if row else None
        return self._cached_id and self._cached_id[1]

    def _is_id_valid(self, connection: sqlite3.Connection) -> bool:
        """Return whether the cached id is that of a row of this conversation in this file.

        The file may be a new one, in which another conversation has the id.
        """
        if self._cached_id is None or self._cached_id[0] != read_file_id(connection):
            return False
        sql = "SELECT 1 FROM conversations WHERE id = ? AND chat = ? AND notebook IS ?"
        parameters = (self._cached_id[1], self.scope.chat, self.scope.notebook)
        return connection.execute(sql, parameters).fetchone() is not None


def _damage_message(questions: list[str], path: Path) -> str:
    names = ", ".join(repr(excerpt(question)) for question in questions)
    return (
        f"stored turns that are damaged are set aside in {path} (state 'damaged'): {names}; "
        "all others are kept"
    )
