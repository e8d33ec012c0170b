"""The turns of a conversation as they are loaded: a damaged row costs no other one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ...turns import Turn
from .columns import STATES, TURN_COLUMNS, DamagedRowError, preview_of, to_turn
from .rows import TurnTable

_SELECT_ROWS = f"SELECT rowid, {TURN_COLUMNS}"
_TURN = slice(1, 8)
"""The columns of the turn, in such a row."""


@dataclass(slots=True)
class LoadedTurns:
    """What was loaded.

    Args:
        turns: the live turns in order, with their previous attempts.
        ids: the ids of all responses.
        damaged: the beginnings of the questions whose rows are damaged, and were set aside.
    """

    turns: list[Turn] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn whose answer some process is writing, or was writing when it was killed.

    Args:
        turn: the turn, with the part of the answer that was saved.
        owner: the process: see `process_token`.
        replace_turn: as for `TurnTable.commit`.
    """

    turn: Turn
    owner: str
    replace_turn: bool


class TurnLoader:
    """Loads the turns of one conversation.

    Args:
        table: its turns; in a transaction, because rows that are damaged are set aside.
    """

    def __init__(self, table: TurnTable) -> None:
        self._table = table
        self._find_blob = cache(table.find_blob)  # attempts at one question share their images
        self._loaded = LoadedTurns()
        self._attempts: dict[float, list[Turn]] = {}

    def load(self) -> LoadedTurns:
        """Return the turns; where a live one is damaged, its newest attempt takes its place."""
        live: dict[float, Turn] = {}
        selected = self._table.execute(
            f"{_SELECT_ROWS}, position, state FROM turns "
            "WHERE conversation_id = :conversation_id ORDER BY changed_at, rowid"
        ).fetchall()
        self._loaded.ids = {row[1] for row in selected}
        damaged_positions = set()
        for row in selected:
            *_, position, state = row
            if state in STATES and state not in ("live", "superseded"):
                continue
            turn = self._read(row, position, state)
            if turn is None:
                damaged_positions.add(position)
            elif state == "live":
                live[position] = turn
            else:
                self._attempts.setdefault(position, []).append(turn)
        for position in damaged_positions & self._attempts.keys() - live.keys():
            live[position] = self._promote(position)
        self._loaded.turns = [self._with_attempts(live, position) for position in sorted(live)]
        return self._loaded

    def _read(self, row: tuple[Any, ...], position: Any, state: str) -> Turn | None:
        """Return the turn of a row; None if it is damaged, and set aside."""
        try:
            if state not in STATES or not isinstance(position, int | float):
                raise DamagedRowError(f"its state is {state!r:.80}")
            return to_turn(row[_TURN], self._find_blob)
        except DamagedRowError:
            self._table.execute("UPDATE turns SET state = 'damaged' WHERE rowid = :row", row=row[0])
            self._loaded.damaged.append(preview_of(row[_TURN]))
            return None

    def _promote(self, position: float) -> Turn:
        attempt = self._attempts[position].pop()
        self._table.set_state(attempt.response.id, "live")
        return replace(attempt, stale=False)

    def _with_attempts(self, live: dict[float, Turn], position: float) -> Turn:
        attempts = tuple(self._attempts.get(position, ()))
        return replace(live[position], previous_attempts=attempts) if attempts else live[position]

    def open_turns(self) -> list[OpenTurn]:
        """Return the turns that are not finished, the oldest first."""
        selected = self._table.execute(
            f"{_SELECT_ROWS}, owner, appends FROM turns INDEXED BY open_turns "
            "WHERE conversation_id = :conversation_id AND state = 'open' ORDER BY changed_at"
        ).fetchall()
        opened = []
        for rowid, response_id, prompt, _, *columns, owner, appends in selected:
            chunks = self._table.execute(
                "SELECT text FROM chunks WHERE conversation_id = :conversation_id "
                "AND response_id = :response_id ORDER BY id",
                response_id=response_id,
            )
            text = b"".join(chunk for (chunk,) in chunks if isinstance(chunk, bytes))
            turn = self._read((rowid, response_id, prompt, text, *columns), 0, "open")
            if turn is not None:
                opened.append(OpenTurn(turn, str(owner), not appends))
        return opened
