"""Turns as table rows: their positions, and which row a new turn replaces.

One turn is live at a position, at most; the index `live_turns` refuses a second one. Several
kernels may change a conversation at once, and each knows only the turns that it has loaded. So each
change has a rule for what it finds:

- A turn that becomes live supersedes the live turn of its position, whichever that is.
- Only a live turn can be dropped: an attempt that another kernel has replaced stays an attempt.
- A turn that is in the conversation already is not imported once more.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable
from typing import Any

from ...content import attachments_of
from ...turns import CellRef, Turn
from .columns import encode_text, to_columns

_THIS_TURN = "conversation_id = :conversation_id AND response_id = :response_id"
_LIMIT = 10**15
"""Positions and times are below it; damaged ones, such as texts, are not."""

_LIVE = "conversation_id = :conversation_id AND state = 'live'"


class TurnTable:
    """The turns of one conversation in the store.

    Args:
        connection: in a transaction.
        conversation_id: the id of the conversation's row.
    """

    def __init__(self, connection: sqlite3.Connection, conversation_id: int) -> None:
        self.conversation_id = conversation_id
        self._connection = connection

    def execute(self, sql: str, **values: Any) -> sqlite3.Cursor:
        """Execute a statement; ``:conversation_id`` is this conversation."""
        values["conversation_id"] = self.conversation_id
        return self._connection.execute(sql, values)

    def _value(self, sql: str, **values: Any) -> Any:
        """Return the first value of the first row; None without a row."""
        row = self.execute(sql, **values).fetchone()
        return row[0] if row else None

    # Changes.

    def begin(self, turn: Turn, owner: str, replace_turn: bool, reserves: bool = False) -> None:
        """Insert a turn whose answer is to be written; with ``reserves`` it has a position."""
        position = self._next_position() if reserves else None
        self._insert(turn, state="open", owner=owner, appends=not replace_turn, position=position)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Write a finished turn at its position; a turn without content is recorded as failed.

        Args:
            turn: the turn.
            replace_turn: False keeps a turn of the same question.
        """
        self._delete_chunks(turn)
        if turn.response.has_content:
            self._insert_live(turn, self._claim_position(turn, replace_turn))
        else:
            self._insert(turn, state="failed")

    def extend(self, turns: Iterable[Turn]) -> None:
        """Add turns at the end, with their previous attempts, but for those that are there."""
        for turn in turns:
            if self._is_listed(turn):
                continue
            position = self._next_position()
            for attempt in turn.previous_attempts:
                if not self._is_listed(attempt):
                    self._insert(attempt, position=position, state="superseded")
            self._insert_live(turn, position)

    def merge(self, cut_id: str, turn: Turn) -> None:
        """Put a turn in the position of the cut turn that it continues.

        The cut turn does not become one of its previous attempts.
        """
        position = self._value(f"SELECT position FROM turns WHERE {_THIS_TURN}", response_id=cut_id)
        self.set_state(cut_id, "merged")
        self._delete_chunks(turn)
        self._insert_live(turn, self._next_position() if position is None else position)

    def edit(self, live_id: str, turn: Turn) -> None:
        """Put a turn in the position of a live one, which becomes a previous attempt."""
        position = self._value(
            f"SELECT position FROM turns WHERE {_THIS_TURN}", response_id=live_id
        )
        self._insert_live(turn, self._next_position() if position is None else position)

    def drop(self, response_id: str) -> None:
        """Drop a live turn; its row stays."""
        self.execute(
            f"UPDATE turns SET state = 'dropped' WHERE {_THIS_TURN} AND state = 'live'",
            response_id=response_id,
        )

    def drop_from(self, cell: CellRef) -> None:
        """Drop the turns of a cell from this question on."""
        self.execute(
            "UPDATE turns INDEXED BY turns_by_question SET state = 'dropped' "
            f"WHERE {_LIVE} AND cell_id = :cell_id AND question_index >= :index",
            cell_id=cell.cell_id,
            index=cell.index,
        )

    def restore(self, response_id: str) -> None:
        """Make a turn the live one of its position."""
        position = self._value(
            f"SELECT position FROM turns WHERE {_THIS_TURN} "
            "AND state IN ('superseded', 'merged', 'dropped')",
            response_id=response_id,
        )
        if position is not None:
            self._supersede(position)
            self.set_state(response_id, "live")

    def set_state(self, response_id: str, state: str) -> None:
        """Change the state of a turn; a turn that becomes live is not stale."""
        self.execute(
            "UPDATE turns SET state = :state, stale = stale AND :state <> 'live', "
            f"changed_at = :now WHERE {_THIS_TURN}",
            response_id=response_id,
            state=state,
            now=self._now(),
        )

    def _insert_live(self, turn: Turn, position: float) -> None:
        self._supersede(position)
        self._insert(turn, position=position)

    def _supersede(self, position: float) -> None:
        """Make the live turn of a position a previous attempt."""
        self.execute(
            "UPDATE turns INDEXED BY live_turns SET state = 'superseded', changed_at = :now "
            f"WHERE {_LIVE} AND position = :position",
            position=position,
            now=self._now(),
        )

    def _insert(self, turn: Turn, **columns: Any) -> None:
        """Write the row of a turn; a row of the same response becomes this one."""
        empty = {"position": None, "owner": None, "appends": None}
        values = empty | to_columns(turn) | {"changed_at": self._now()} | columns
        names = ["conversation_id", *values]
        self.execute(
            f"INSERT INTO turns ({', '.join(names)}) VALUES (:{', :'.join(names)}) "
            "ON CONFLICT (conversation_id, response_id) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in values),
            **values,
        )
        for part in attachments_of(turn.parts):
            if part.digest:
                self._connection.execute(
                    "INSERT OR IGNORE INTO blobs VALUES (?, ?)", (part.digest, part.data)
                )

    def find_blob(self, digest: str) -> bytes | None:
        """Return the bytes of an image or a file; None if they are not stored."""
        data = self._value("SELECT data FROM blobs WHERE digest = :digest", digest=digest)
        return data if isinstance(data, bytes) else None

    def _delete_chunks(self, turn: Turn) -> None:
        self.execute(f"DELETE FROM chunks WHERE {_THIS_TURN}", response_id=turn.response.id)

    def _now(self) -> float:
        """Return seconds since 1970, later than all changes before, whatever the clock says."""
        last = self._value(
            "SELECT max(changed_at) FROM turns "
            f"WHERE conversation_id = :conversation_id AND changed_at < {_LIMIT}"
        )
        now = time.time()
        return max(now, math.nextafter(last, math.inf)) if last is not None else now

    # Positions.

    def _claim_position(self, turn: Turn, replace_turn: bool) -> float:
        """Return a position for a turn.

        It is that of the live turn of the same question. The next question of a loop in a cell
        follows the one before it. Later turns become stale, but not those of the same cell when the
        question is new: threads of a cell end in any order. They stay as they are if the turn says
        what the older one says: see `Turn.repeats`.
        """
        cell = turn.cell if replace_turn else None
        reserved = self._value(
            f"SELECT position FROM turns WHERE {_THIS_TURN} AND state = 'open' "
            f"AND position < {_LIMIT}",
            response_id=turn.response.id,
        )
        if cell is None:
            return self._next_position() if reserved is None else float(reserved)
        question = {"cell_id": cell.cell_id, "index": cell.index}
        same = self._value(
            "SELECT position FROM turns INDEXED BY turns_by_question "
            f"WHERE {_LIVE} AND cell_id = :cell_id AND question_index = :index "
            "ORDER BY position DESC LIMIT 1",
            **question,
        )
        if same is not None:
            if not self._is_repeated(turn, same):
                self._mark_stale_after(same)
            return float(same)
        if reserved is not None:
            return float(reserved)
        previous = self._value(
            "SELECT position FROM turns INDEXED BY turns_by_cell "
            f"WHERE {_LIVE} AND cell_id = :cell_id AND question_index < :index "
            "ORDER BY position DESC LIMIT 1",
            **question,
        )
        if previous is None:
            return self._next_position()
        self._mark_stale_after(previous, sibling_cell=cell.cell_id)
        return self._position_after(previous)

    def _is_repeated(self, turn: Turn, position: float) -> bool:
        """Return whether the live turn of a position has this answer, and it is a kept one."""
        row = turn.response.kept_from and self._value(
            f"SELECT 1 FROM turns WHERE {_LIVE} AND position = :position "
            "AND prompt = :prompt AND text = :text",
            position=position,
            prompt=encode_text(turn.prompt),
            text=encode_text(turn.response.text),
        )
        return bool(row)

    def _mark_stale_after(self, position: float, sibling_cell: str | None = None) -> None:
        """Mark the later turns stale, but for those of one cell."""
        self.execute(
            "UPDATE turns INDEXED BY fresh_turns SET stale = 1 "
            f"WHERE {_LIVE} AND stale = 0 AND position > :position "
            "AND (:sibling_cell IS NULL OR cell_id IS NOT :sibling_cell)",
            position=position,
            sibling_cell=sibling_cell,
        )

    def _next_position(self) -> float:
        """Return the first whole number after all positions; the first of all is 1."""
        last = self._value(
            "SELECT max(position) FROM turns "
            f"WHERE conversation_id = :conversation_id AND position < {_LIMIT}"
        )
        return 1 if last is None else math.floor(last) + 1

    def _position_after(self, position: float) -> float:
        """Return a position that no turn has, between this one and the next."""
        following = self._value(
            "SELECT min(position) FROM turns "
            "WHERE conversation_id = :conversation_id "
            f"AND position > :position AND position < {_LIMIT}",
            position=position,
        )
        if following is None:
            return self._next_position()
        # A loop puts each turn after its last one: the rest of the gap is for many more.
        between = position + (following - position) / 256
        if position < between < following:
            return float(between)
        self._make_room_after(position)
        return position + 1

    def _make_room_after(self, position: float) -> None:
        """Move the later turns by a large step, first out of the way of each other."""
        for change in ("-position - 1048576", "-position"):
            self.execute(
                f"UPDATE turns SET position = {change} WHERE conversation_id = :conversation_id "
                "AND (position > :position OR position < -1048576)",
                position=position,
            )

    def _is_listed(self, turn: Turn) -> bool:
        """Return whether a turn is live, or an attempt at a live one."""
        return bool(
            self._value(
                f"SELECT 1 FROM turns AS t WHERE {_THIS_TURN} AND (state = 'live' OR "
                "state = 'superseded' AND EXISTS (SELECT 1 FROM turns AS other WHERE "
                "other.conversation_id = t.conversation_id AND other.position = t.position "
                "AND other.state = 'live'))",
                response_id=turn.response.id,
            )
        )
