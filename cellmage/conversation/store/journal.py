"""One conversation in the store: each change of its turns is a transaction.

A turn is a row, named by the id of its response. The live row of a place is the turn that is sent;
its older attempts share the place. The rules of `Conversation` for who takes whose place stand here
a second time, because a stored turn is superseded also where it was never taken up again.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from ...messages import CONTINUE_PROMPT, CellRef, Response, ToolStep, Turn
from . import rows
from .database import transaction
from .writer import Writer


@dataclass(frozen=True, slots=True)
class Home:
    """Where a conversation belongs: a notebook's path, or none; its folder; the chat's name."""

    notebook: str | None
    folder: str
    chat: str = ""


@dataclass(slots=True)
class Draft:
    """An answer that is being written, and how much of it the store has taken.

    Args:
        turn: the turn as it began, without an answer.
        snapshot: returns the answer so far, on any thread.
        saved_chars: number of characters of its text that were taken before.
        saved_steps: the tool steps that were taken before.
    """

    turn: Turn
    snapshot: Callable[[], Response]
    saved_chars: int = 0
    saved_steps: tuple[ToolStep, ...] = ()

    def take_new(self) -> tuple[str, tuple[ToolStep, ...]]:
        """Return the text since the last call, and all tool steps if they have changed."""
        response = self.snapshot()
        text = response.text[self.saved_chars :]
        steps = response.steps if response.steps != self.saved_steps else ()
        self.saved_chars, self.saved_steps = len(response.text), response.steps
        return text, steps


class Journal:
    """Keeps the turns of one conversation.

    Args:
        writer: the thread that owns the file.
        drafts: the answers that are being written, by conversation and id.
        home: whose conversation it is; it is made with the first turn.
    """

    def __init__(self, writer: Writer, drafts: dict[tuple[int, str], Draft], home: Home) -> None:
        self._writer = writer
        self._drafts = drafts
        self.home = home
        self._known: tuple[int, int] | None = None

    # What a conversation reports.

    def begin(
        self, turn: Turn, snapshot: Callable[[], Response], replace_turn: bool = True
    ) -> None:
        """An answer is asked for; what comes of it is saved twice a second.

        Args:
            turn: the turn so far, without an answer.
            snapshot: returns the answer so far, on any thread.
            replace_turn: whether it will take the place of an older turn of its cell.
        """

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                # Before what is asked now: what was killed is older.
                self._finish_abandoned(connection, conversation)
                row = rows.row(turn) | {"state": "open", "owner": _process(os.getpid())}
                rows.insert(connection, conversation, row | {"adds": not replace_turn})
            self._drafts[conversation, turn.response.id] = Draft(turn, snapshot)

        self._writer.put(job)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """A turn is over; one without text is only recorded."""

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                self._drafts.pop((conversation, turn.response.id), None)
                rows.commit(connection, conversation, turn, replace_turn)

        self._writer.do(job)

    def merge(self, old: str, turn: Turn) -> None:
        """A turn goes on from a cut one, and takes its place."""

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                self._drafts.pop((conversation, turn.response.id), None)
                rows.merge(connection, conversation, old, turn)

        self._writer.do(job)

    def extend(self, turns: Iterable[Turn]) -> None:
        """Turns are added at the end, with their older attempts."""
        turns = list(turns)

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                for place, turn in enumerate(turns, rows.end(connection, conversation)):
                    for old in turn.previous_attempts:
                        row = rows.row(old) | {"place": place, "state": "superseded"}
                        rows.insert(connection, conversation, row)
                    rows.insert(connection, conversation, rows.row(turn) | {"place": place})

        self._writer.do(job)

    def drop_from(self, cell: CellRef) -> None:
        """A cell's turns from this question on are taken out, loaded or not."""

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                connection.execute(
                    "UPDATE turns SET state = 'dropped' WHERE conversation = ? AND cell = ? "
                    "AND ordinal >= ? AND state = 'live'",
                    (conversation, cell.cell_id, cell.index),
                )

        self._writer.do(job)

    def drop(self, ids: Iterable[str]) -> None:
        """Turns are taken out; their rows stay, and are not sent."""
        self._set(("dropped", each) for each in ids)

    def restore(self, live: str, attempt: str) -> None:
        """An older attempt takes the place of the live turn, which becomes an attempt."""
        self._set([("superseded", live), ("live", attempt)])

    def _set(self, states: Iterable[tuple[str, str]]) -> None:
        states = list(states)

        def job(connection: sqlite3.Connection) -> None:
            with self._writing(connection) as conversation:
                connection.executemany(
                    "UPDATE turns SET state = ?, stale = stale AND ? <> 'live', at = ? "
                    "WHERE conversation = ? AND id = ?",
                    ((state, state, rows.now(), conversation, each) for state, each in states),
                )

        self._writer.do(job)

    # What is read.

    def load(self) -> tuple[list[Turn], set[str]]:
        """The turns in their order, and the ids of all that was ever stored.

        An answer that a killed kernel left is one of the turns, partial.
        """

        def job(connection: sqlite3.Connection) -> tuple[list[Turn], set[str]]:
            with transaction(connection):
                conversation = self._newest(connection)
                if conversation is None:
                    return [], set()
                self._finish_abandoned(connection, conversation)
                return rows.load(connection, conversation)

        exists = os.path.exists(self._writer.path)
        return (self._writer.do(job) if exists else None) or ([], set())

    def _finish_abandoned(self, connection: sqlite3.Connection, conversation: int) -> None:
        found = connection.execute(
            f"SELECT {rows.TURN}, id, owner, adds FROM turns "
            "WHERE conversation = ? AND state = 'open' ORDER BY at",
            (conversation,),
        ).fetchall()
        for *values, name, owner, adds in found:
            if (conversation, name) in self._drafts or _is_alive(owner):
                continue
            pieces = connection.execute(
                "SELECT text FROM pieces WHERE conversation = ? AND turn = ? ORDER BY id",
                (conversation, name),
            )
            text = values[1] = b"".join(piece for (piece,) in pieces)
            turn = rows.turn_of(values)
            turn = replace(turn, response=replace(turn.response, incomplete_reason="killed"))
            cut = (
                rows.load(connection, conversation)[0][-1:]
                if turn.prompt == CONTINUE_PROMPT
                else []
            )
            if cut and cut[0].response.incomplete_reason and text:
                rest = turn.continue_from(cut[0])
                rows.merge(connection, conversation, cut[0].response.id, rest)
            else:
                rows.commit(connection, conversation, turn, not adds)

    @contextmanager
    def _writing(self, connection: sqlite3.Connection) -> Generator[int]:
        """A transaction in the conversation, whose number is given."""
        try:
            with transaction(connection):
                yield self._conversation(connection)
        except BaseException:
            self._known = None  # a number that was made here is taken back
            raise

    def _conversation(self, connection: sqlite3.Connection) -> int:
        """The number of the conversation, which is made where there is none."""
        home = self.home
        if self._known is None or self._known[0] != self._writer.generation:
            connection.execute(
                "INSERT OR IGNORE INTO conversations (notebook, folder, chat, writer) "
                "VALUES (?, ?, ?, ?)",
                (home.notebook, home.folder, home.chat, version("cellmage")),
            )
        number = self._newest(connection)
        assert number is not None
        return number

    def _newest(self, connection: sqlite3.Connection) -> int | None:
        """The number of the home's conversation; without a notebook, of the folder's last one."""
        # A file that was set aside leaves no number behind.
        if self._known is None or self._known[0] != self._writer.generation:
            home = self.home
            row = connection.execute(
                "SELECT id FROM conversations WHERE chat = ? AND notebook IS ? "
                "AND (notebook IS NOT NULL OR folder = ?) ORDER BY id DESC",
                (home.chat, home.notebook, home.folder),
            ).fetchone()
            self._known = (self._writer.generation, int(row[0])) if row else None
        return self._known and self._known[1]


def _process(number: int) -> str:
    """What tells a running process from all others; empty where there is none of this number."""
    if number != os.getpid():
        if sys.platform == "win32":  # where os.kill would end the process
            return ""
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            pass
    started = ""
    with suppress(OSError, IndexError):  # Linux; containers use the same numbers again
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        if fields[0] == "Z":
            return ""
        started = fields[19]
    return f"{number} {started}"


def _is_alive(owner: str) -> bool:
    """Whether the process that writes an answer still runs; it may be another kernel's."""
    return owner == _process(int(owner.partition(" ")[0])) != _process(os.getpid())
