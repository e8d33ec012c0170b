"""Conversations on disk: turns, written one by one, and answers while they are being written.

The walk of a turn: `Journal` (what happens to it, as SQL) → `Writer` (one thread that owns the
connection) → `cellmage.conversation.store.database` (the file).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from platformdirs import user_data_path

from . import rows
from .database import transaction
from .journal import Draft, Home, Journal
from .writer import Writer

__all__ = ["Home", "Journal", "Store", "data_file"]


def data_file() -> Path:
    """Where conversations are stored unless another place is given."""
    return user_data_path("cellmage") / "conversations.db"


class Store:
    """The stored conversations of this user. Nothing is opened or made before the first turn.

    What goes wrong never costs the answer: it is a line in `told`.

    Args:
        path: the file.
        uri_options: further options of SQLite's.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellmage import Conversation, Options
        >>> store = Store(Path(mkdtemp()) / "turns.db")
        >>> home = Home("/notes/a.ipynb", "/notes")
        >>> chat = Conversation(Options(model="offline/echo"), journal=store.journal(home))
        >>> chat.ask("Hello").text, store.count(home), store.told()
        ('Hello', 1, [])
        >>> again = Conversation(journal=store.journal(home))
        >>> again.history.resume(), again.turns == chat.turns
        (1, True)
    """

    def __init__(self, path: Path | None = None, uri_options: str = "") -> None:
        self._drafts: dict[tuple[int, str], Draft] = {}
        self._unsaved: list[tuple[int, str, bytes]] = []
        self._facts: dict[tuple[int, str], str] = {}
        self._writer = Writer(path or data_file(), self._save_drafts, self._forget, uri_options)

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    def journal(self, home: Home) -> Journal:
        """What keeps the conversation of this home."""
        return Journal(self._writer, self._drafts, home)

    def told(self) -> list[str]:
        """What the reader should be told, and was not told before."""
        return self._writer.told()

    def close(self) -> None:
        """Write what is to be written; the next turn opens the file again."""
        self._writer.close()

    def count(self, home: Home) -> int:
        """How many turns are stored for a home; an answer that was never finished is one."""
        return dict(self.chats(home)).get(home.chat, 0)

    def chats(self, home: Home) -> list[tuple[str, int]]:
        """The chats that are stored for a home's notebook, and how many turns they have."""

        def job(connection: sqlite3.Connection) -> list[tuple[str, int]]:
            return connection.execute(
                "SELECT chat, (SELECT count(*) FROM turns WHERE conversation = c.id AND ("
                "state = 'live' OR state = 'open' AND (instr(facts, '\"steps\"') OR EXISTS ("
                "SELECT 1 FROM pieces WHERE conversation = c.id AND turn = turns.id)))) "
                "FROM conversations AS c "
                "WHERE notebook IS ? AND (notebook IS NOT NULL OR folder = ?) AND id = ("
                "SELECT max(id) FROM conversations AS d WHERE d.chat = c.chat AND "
                "d.notebook IS c.notebook AND d.folder = c.folder) ORDER BY id",
                (home.notebook, home.folder),
            ).fetchall()

        return (self._writer.do(job) or []) if os.path.exists(self.path) else []

    def lost(self, folder: str) -> dict[str, set[str]]:
        """The stored notebooks of a folder whose files are gone, with the cells that asked."""

        def job(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            return connection.execute(
                "SELECT DISTINCT notebook, cell FROM conversations AS c "
                "JOIN turns ON conversation = c.id AND state = 'live' AND cell IS NOT NULL "
                "WHERE folder = ? AND notebook IS NOT NULL",
                (folder,),
            ).fetchall()

        found: dict[str, set[str]] = {}
        for notebook, cell in (self._writer.do(job) or []) if os.path.exists(self.path) else []:
            found.setdefault(notebook, set()).add(cell)
        return {notebook: cells for notebook, cells in found.items() if not Path(notebook).exists()}

    def attach(self, notebook: str, home: Home) -> int:
        """Make the conversations of a notebook those of another one; how many there were.

        0 where the other one has conversations of its own.
        """

        def job(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                has_turns = "EXISTS (SELECT 1 FROM turns WHERE conversation = c.id AND place)"
                own = f"FROM conversations AS c WHERE notebook = ? AND {has_turns}"
                if connection.execute(f"SELECT 1 {own}", (home.notebook,)).fetchone():
                    return 0
                connection.execute("DELETE FROM conversations WHERE notebook = ?", (home.notebook,))
                sql = "UPDATE conversations SET notebook = ?, folder = ? WHERE notebook = ?"
                return connection.execute(sql, (home.notebook, home.folder, notebook)).rowcount

        return (self._writer.do(job) or 0) if os.path.exists(self.path) else 0

    def _save_drafts(self, connection: sqlite3.Connection) -> bool:
        """Write what has come of the answers that are being written."""
        # A store that is busy has this called again: what is taken from an answer must not go.
        for (conversation, turn), draft in list(self._drafts.items()):
            text, steps = draft.take_new()
            if text:
                piece = text.encode("utf-8", "surrogatepass")
                self._unsaved.append((conversation, turn, piece))
            if steps:
                self._facts[conversation, turn] = rows.facts(draft.turn, steps)
        if self._unsaved or self._facts:
            with transaction(connection):
                connection.executemany(
                    "INSERT INTO pieces (conversation, turn, text) VALUES (?, ?, ?)", self._unsaved
                )
                connection.executemany(
                    "UPDATE turns SET facts = ? WHERE conversation = ? AND id = ? "
                    "AND state = 'open' AND facts <> ?",
                    ((facts, *key, facts) for key, facts in self._facts.items()),
                )
            self._unsaved.clear()
            self._facts.clear()
        return bool(self._drafts)

    def _forget(self) -> None:
        self._drafts.clear()
        self._unsaved.clear()
        self._facts.clear()
