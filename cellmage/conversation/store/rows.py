"""Turns as table rows: their positions, and which row a new turn replaces.

`connection` is always in a transaction, and `conversation_id` is the row of the conversation.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...messages import CellRef, Response, ToolStep, Turn
from ...serialization import response_from_record, response_to_record

Values = dict[str, Any]

TURN_COLUMNS = "prompt, text, metadata, cell_id, question_index, stale"
"""The columns that `to_turn` takes, in its order."""


# Changes.


def commit(
    connection: sqlite3.Connection, conversation_id: int, turn: Turn, replace_turn: bool
) -> None:
    """Write a finished turn at its position; a turn without content is recorded as failed."""
    _delete_chunks(connection, conversation_id, turn.response.id)
    if not turn.response.has_content:
        insert(connection, conversation_id, to_row(turn) | {"state": "failed"})
        return
    cell = turn.cell if replace_turn else None
    position = _claim_position(connection, conversation_id, cell)
    connection.execute(
        "UPDATE turns SET stale = 1 "
        "WHERE conversation_id = ? AND state = 'live' AND position > ? AND stale = 0",
        (conversation_id, position),
    )
    insert(connection, conversation_id, to_row(turn) | {"position": position})


def _claim_position(
    connection: sqlite3.Connection, conversation_id: int, cell: CellRef | None
) -> int:
    """Return a position that is free for a turn of this question.

    The live turn of the same question is superseded. The next question of a loop in a cell follows
    the one before it, and moves the later turns.
    """
    if cell is None:
        return next_position(connection, conversation_id)
    live = "FROM turns WHERE conversation_id = ? AND cell_id = ? AND state = 'live'"
    question = (conversation_id, cell.cell_id, cell.index)
    same = connection.execute(
        f"SELECT position, response_id {live} AND question_index = ? ORDER BY position DESC",
        question,
    ).fetchone()
    if same:
        set_state(connection, conversation_id, same[1], "superseded")
        return int(same[0])
    previous = connection.execute(
        f"SELECT position {live} AND question_index < ? ORDER BY position DESC", question
    ).fetchone()
    if previous:
        connection.execute(
            "UPDATE turns SET position = position + 1 WHERE conversation_id = ? AND position > ?",
            (conversation_id, previous[0]),
        )
        return int(previous[0]) + 1
    return next_position(connection, conversation_id)


def next_position(connection: sqlite3.Connection, conversation_id: int) -> int:
    """Return the first position after all turns; the first of all is 1."""
    # One query for each state is answered by the index alone.
    sql = "SELECT max(position) FROM turns WHERE conversation_id = ? AND state = ?"
    positions = [
        connection.execute(sql, (conversation_id, state)).fetchone()[0]
        for state in ("live", "superseded", "dropped", "merged")
    ]
    return max((position for position in positions if position is not None), default=0) + 1


def insert(connection: sqlite3.Connection, conversation_id: int, values: Values) -> None:
    """Write a row; a row of the same response is replaced."""
    columns = ", ".join(["conversation_id", *values])
    placeholders = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT OR REPLACE INTO turns ({columns}) VALUES ({placeholders})",
        (conversation_id, *values.values()),
    )


def set_state(
    connection: sqlite3.Connection, conversation_id: int, response_id: str, state: str
) -> None:
    """Change the state of a turn; a turn that becomes live is not stale."""
    connection.execute(
        "UPDATE turns SET state = ?, stale = stale AND ? <> 'live', changed_at = ? "
        "WHERE conversation_id = ? AND response_id = ?",
        (state, state, monotonic_now(), conversation_id, response_id),
    )


def merge(connection: sqlite3.Connection, conversation_id: int, cut_id: str, turn: Turn) -> None:
    """Write a turn at the position of the cut one that it continues; that is no attempt at it."""
    key = (conversation_id, cut_id)
    where = "WHERE conversation_id = ? AND response_id = ?"
    cut = connection.execute(f"SELECT position FROM turns {where}", key).fetchone()
    position = cut[0] if cut else next_position(connection, conversation_id)
    connection.execute(f"UPDATE turns SET state = 'merged' {where}", key)
    _delete_chunks(connection, conversation_id, turn.response.id)
    insert(connection, conversation_id, to_row(turn) | {"position": position})


# Chunks: the text of an open turn.


def insert_chunks(connection: sqlite3.Connection, chunks: Iterable[tuple[int, str, bytes]]) -> None:
    """Add text to open turns; each chunk is a conversation's id, a response's id, and a text."""
    connection.executemany(
        "INSERT INTO chunks (conversation_id, response_id, text) VALUES (?, ?, ?)", chunks
    )


def update_metadata(
    connection: sqlite3.Connection, metadata: Mapping[tuple[int, str], str]
) -> None:
    """Write the metadata of open turns, by the ids of the conversation and of the response."""
    connection.executemany(
        "UPDATE turns SET metadata = ? "
        "WHERE conversation_id = ? AND response_id = ? AND state = 'open' AND metadata <> ?",
        ((text, *key, text) for key, text in metadata.items()),
    )


def read_chunks(connection: sqlite3.Connection, conversation_id: int, response_id: str) -> bytes:
    """Return the text of an open turn, as far as it was saved."""
    chunks = connection.execute(
        "SELECT text FROM chunks WHERE conversation_id = ? AND response_id = ? ORDER BY id",
        (conversation_id, response_id),
    )
    return b"".join(text for (text,) in chunks)


def _delete_chunks(connection: sqlite3.Connection, conversation_id: int, response_id: str) -> None:
    connection.execute(
        "DELETE FROM chunks WHERE conversation_id = ? AND response_id = ?",
        (conversation_id, response_id),
    )


# Reading.


def load(connection: sqlite3.Connection, conversation_id: int) -> tuple[list[Turn], set[str]]:
    """Return the live turns in order, with their previous attempts; and the ids of all turns."""
    attempts: dict[int, list[Turn]] = {}
    live: dict[int, Turn] = {}
    selected = connection.execute(
        f"SELECT {TURN_COLUMNS}, position, state FROM turns "
        "WHERE conversation_id = ? AND state IN ('live', 'superseded') ORDER BY changed_at",
        (conversation_id,),
    )
    for *columns, position, state in selected:
        if state == "live":
            live[position] = to_turn(columns)
        else:
            attempts.setdefault(position, []).append(to_turn(columns))
    for position, previous in attempts.items():
        if position in live:
            live[position] = replace(live[position], previous_attempts=tuple(previous))
    sql = "SELECT response_id FROM turns WHERE conversation_id = ?"
    response_ids = {response_id for (response_id,) in connection.execute(sql, (conversation_id,))}
    return [live[position] for position in sorted(live)], response_ids


# Conversion.

_last_time = 0.0


def monotonic_now() -> float:
    """Return seconds since 1970, later at every call, so that changes of turns have an order."""
    global _last_time  # noqa: PLW0603 - clocks stand still for up to 15 ms
    _last_time = max(time.time(), _last_time + 1e-6)
    return _last_time


def encode(text: str) -> bytes:
    """Return a text as a blob; a model may send lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _decode(blob: bytes) -> str:
    return bytes(blob).decode("utf-8", "surrogatepass")


def to_row(turn: Turn) -> Values:
    """Return the values of a live turn's row, by column; its position is not among them."""
    return {
        "response_id": turn.response.id,
        "cell_id": turn.cell.cell_id if turn.cell else None,
        "question_index": turn.cell.index if turn.cell else None,
        "state": "live",
        "stale": turn.stale,
        "changed_at": monotonic_now(),
        "prompt": encode(turn.prompt),
        "text": encode(turn.response.text),
        "metadata": metadata_json(turn, turn.response.steps),
    }


def metadata_json(turn: Turn, steps: tuple[ToolStep, ...]) -> str:
    """Return the fields of a turn that have no column, with these tool steps, as JSON."""
    record = response_to_record(replace(turn.response, steps=steps))
    return json.dumps(record | ({"system": turn.system} if turn.system else {}))


def to_turn(columns: Sequence[Any]) -> Turn:
    """Return the turn of the columns of `TURN_COLUMNS`."""
    prompt, text, metadata, cell_id, question_index, stale = columns
    record = json.loads(metadata)
    system = record.pop("system", "")
    answer = _decode(text)
    try:
        response = response_from_record(answer, record)
    except (TypeError, ValueError):  # unreadable metadata is lost, but the turn is not
        response = Response(answer, id=str(record.get("id", "")))
    has_cell = cell_id is not None and question_index is not None
    cell = CellRef(cell_id, question_index) if has_cell else None
    return Turn(_decode(prompt), response, cell, bool(stale), (), system)
