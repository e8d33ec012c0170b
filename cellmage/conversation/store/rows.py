"""Turns as table rows: their positions, and which row a new turn replaces."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...messages import CellRef, Response, ToolStep, Turn
from ...serialization import response_from_record, response_to_record

_TURN_COLUMNS = "prompt, text, metadata, cell_id, question_index, stale"
"""The columns that `_to_turn` takes, in its order."""

_THIS_TURN = "conversation_id = :conversation_id AND response_id = :response_id"


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


class TurnTable:
    """The turns of one conversation in the store.

    Args:
        connection: in a transaction.
        conversation_id: the id of the conversation's row.
    """

    def __init__(self, connection: sqlite3.Connection, conversation_id: int) -> None:
        self.conversation_id = conversation_id
        self._connection = connection

    def _execute(self, sql: str, **values: Any) -> sqlite3.Cursor:
        values["conversation_id"] = self.conversation_id
        return self._connection.execute(sql, values)

    # Changes.

    def begin(self, turn: Turn, owner: str, replace_turn: bool) -> None:
        """Insert a turn whose answer is to be written."""
        self._insert(turn, state="open", owner=owner, appends=not replace_turn)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Write a finished turn at its position; a turn without content is recorded as failed.

        Args:
            turn: the turn.
            replace_turn: False keeps a turn of the same question.
        """
        self._delete_chunks(turn)
        if not turn.response.has_content:
            self._insert(turn, state="failed")
            return
        position = self._claim_position(turn.cell if replace_turn else None)
        self._insert(turn, position=position)

    def _claim_position(self, cell: CellRef | None) -> int:
        """Return a position that is free for a turn of this question.

        The live turn of the same question is superseded. The next question of a loop in a cell
        follows the one before it, and moves the later turns. Later turns become stale, but not
        those of the same cell when the question is new: threads of a cell end in any order.
        """
        if cell is None:
            return self._next_position()
        question = {"cell_id": cell.cell_id, "index": cell.index}
        cell_turns = (
            "FROM turns WHERE conversation_id = :conversation_id "
            "AND cell_id = :cell_id AND state = 'live'"
        )
        same = self._execute(
            f"SELECT position, response_id {cell_turns} AND question_index = :index "
            "ORDER BY position DESC",
            **question,
        ).fetchone()
        if same:
            self.set_state(same[1], "superseded")
            self._mark_stale_after(int(same[0]))
            return int(same[0])
        previous = self._execute(
            f"SELECT position {cell_turns} AND question_index < :index ORDER BY position DESC",
            **question,
        ).fetchone()
        if previous:
            self._execute(
                "UPDATE turns SET position = position + 1 "
                "WHERE conversation_id = :conversation_id AND position > :position",
                position=previous[0],
            )
            self._mark_stale_after(int(previous[0]) + 1, sibling_cell=cell.cell_id)
            return int(previous[0]) + 1
        return self._next_position()

    def _mark_stale_after(self, position: int, sibling_cell: str | None = None) -> None:
        """Mark the later turns stale, but for those of one cell."""
        self._execute(
            "UPDATE turns SET stale = 1 WHERE conversation_id = :conversation_id "
            "AND state = 'live' AND position > :position AND stale = 0 "
            "AND (:sibling_cell IS NULL OR cell_id IS NOT :sibling_cell)",
            position=position,
            sibling_cell=sibling_cell,
        )

    def _next_position(self) -> int:
        """Return the first position after all turns; the first of all is 1."""
        # One query for each state is answered by the index alone.
        positions = [
            self._execute(
                "SELECT max(position) FROM turns "
                "WHERE conversation_id = :conversation_id AND state = :state",
                state=state,
            ).fetchone()[0]
            for state in ("live", "superseded", "dropped", "merged")
        ]
        return max((position for position in positions if position is not None), default=0) + 1

    def extend(self, turns: Iterable[Turn]) -> None:
        """Add turns at the end, with their previous attempts."""
        for position, turn in enumerate(turns, self._next_position()):
            for attempt in turn.previous_attempts:
                self._insert(attempt, position=position, state="superseded")
            self._insert(turn, position=position)

    def merge(self, cut_id: str, turn: Turn) -> None:
        """Put a turn in the position of the cut turn that it continues.

        The cut turn does not become one of its previous attempts.
        """
        cut = self._execute(
            f"SELECT position FROM turns WHERE {_THIS_TURN}", response_id=cut_id
        ).fetchone()
        position = cut[0] if cut else self._next_position()
        self._execute(f"UPDATE turns SET state = 'merged' WHERE {_THIS_TURN}", response_id=cut_id)
        self._delete_chunks(turn)
        self._insert(turn, position=position)

    def set_state(self, response_id: str, state: str) -> None:
        """Change the state of a turn; a turn that becomes live is not stale."""
        self._execute(
            "UPDATE turns SET state = :state, stale = stale AND :state <> 'live', "
            f"changed_at = :now WHERE {_THIS_TURN}",
            response_id=response_id,
            state=state,
            now=monotonic_now(),
        )

    def drop_from(self, cell: CellRef) -> None:
        """Drop the turns of a cell from this question on."""
        self._execute(
            "UPDATE turns SET state = 'dropped' WHERE conversation_id = :conversation_id "
            "AND cell_id = :cell_id AND question_index >= :index AND state = 'live'",
            cell_id=cell.cell_id,
            index=cell.index,
        )

    def _insert(self, turn: Turn, **columns: Any) -> None:
        """Write the row of a turn; a row of the same response is replaced."""
        values = _to_row(turn) | columns
        names = ["conversation_id", *values]
        placeholders = ", ".join(f":{name}" for name in names)
        self._execute(
            f"INSERT OR REPLACE INTO turns ({', '.join(names)}) VALUES ({placeholders})", **values
        )

    def _delete_chunks(self, turn: Turn) -> None:
        self._execute(f"DELETE FROM chunks WHERE {_THIS_TURN}", response_id=turn.response.id)

    # Reading.

    def load(self) -> tuple[list[Turn], set[str]]:
        """Return the live turns in order, with previous attempts, and the ids of all responses."""
        attempts: dict[int, list[Turn]] = {}
        live: dict[int, Turn] = {}
        selected = self._execute(
            f"SELECT {_TURN_COLUMNS}, position, state FROM turns WHERE "
            "conversation_id = :conversation_id AND state IN ('live', 'superseded') "
            "ORDER BY changed_at"
        )
        for *columns, position, state in selected:
            if state == "live":
                live[position] = _to_turn(columns)
            else:
                attempts.setdefault(position, []).append(_to_turn(columns))
        for position, previous in attempts.items():
            if position in live:
                live[position] = replace(live[position], previous_attempts=tuple(previous))
        ids = self._execute(
            "SELECT response_id FROM turns WHERE conversation_id = :conversation_id"
        )
        return [live[position] for position in sorted(live)], {row[0] for row in ids}

    def open_turns(self) -> Iterator[OpenTurn]:
        """Yield the turns that are not finished, the oldest first."""
        selected = self._execute(
            f"SELECT {_TURN_COLUMNS}, response_id, owner, appends FROM turns WHERE "
            "conversation_id = :conversation_id AND state = 'open' ORDER BY changed_at"
        ).fetchall()
        for prompt, _, *columns, response_id, owner, appends in selected:
            chunks = self._execute(
                f"SELECT text FROM chunks WHERE {_THIS_TURN} ORDER BY id", response_id=response_id
            )
            text = b"".join(chunk for (chunk,) in chunks)
            yield OpenTurn(_to_turn([prompt, text, *columns]), owner, not appends)


# Conversion.

_last_time = 0.0


def monotonic_now() -> float:
    """Return seconds since 1970, later at every call, so that changes of turns have an order."""
    global _last_time  # noqa: PLW0603 - clocks stand still for up to 15 ms
    _last_time = max(time.time(), _last_time + 1e-6)
    return _last_time


def encode_text(text: str) -> bytes:
    """Return a text as a blob; a model may send lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _decode_text(blob: bytes) -> str:
    return bytes(blob).decode("utf-8", "surrogatepass")


def _to_row(turn: Turn) -> dict[str, Any]:
    """Return the columns of a live turn; its position is not among them."""
    return {
        "response_id": turn.response.id,
        "cell_id": turn.cell.cell_id if turn.cell else None,
        "question_index": turn.cell.index if turn.cell else None,
        "state": "live",
        "stale": turn.stale,
        "changed_at": monotonic_now(),
        "prompt": encode_text(turn.prompt),
        "text": encode_text(turn.response.text),
        "metadata": metadata_json(turn, turn.response.steps),
    }


def metadata_json(turn: Turn, steps: tuple[ToolStep, ...]) -> str:
    """Return the fields of a turn that have no column, with these tool steps, as JSON."""
    record = response_to_record(replace(turn.response, steps=steps))
    return json.dumps(record | ({"system": turn.system} if turn.system else {}))


def _to_turn(columns: Sequence[Any]) -> Turn:
    """Return the turn of the columns of `_TURN_COLUMNS`."""
    prompt, text, metadata, cell_id, question_index, stale = columns
    record = json.loads(metadata)
    system = record.pop("system", "")
    answer = _decode_text(text)
    try:
        response = response_from_record(answer, record)
    except (TypeError, ValueError):  # unreadable metadata is lost, but the turn is not
        response = Response(answer, id=str(record.get("id", "")))
    has_cell = cell_id is not None and question_index is not None
    cell = CellRef(cell_id, question_index) if has_cell else None
    return Turn(_decode_text(prompt), response, cell, bool(stale), (), system)
