"""Turns as rows: what stands where, and what a new turn takes the place of."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...messages import CellRef, Response, ToolStep, Turn
from ...serialization import response_from_record, response_to_record

Values = dict[str, Any]

TURN = "prompt, text, facts, cell, ordinal, stale"
"""The columns that make a turn."""

# A model may send lone surrogates.
_UTF = ("utf-8", "surrogatepass")


def commit(
    connection: sqlite3.Connection, conversation: int, turn: Turn, replace_turn: bool
) -> None:
    """Write a turn that is over where it belongs; one without text is recorded as failed."""
    connection.execute(
        "DELETE FROM pieces WHERE conversation = ? AND turn = ?", (conversation, turn.response.id)
    )
    if not turn.response.has_content:
        insert(connection, conversation, row(turn) | {"state": "failed"})
        return
    place = _place(connection, conversation, turn.cell if replace_turn else None)
    connection.execute(
        "UPDATE turns SET stale = 1 "
        "WHERE conversation = ? AND state = 'live' AND place > ? AND stale = 0",
        (conversation, place),
    )
    insert(connection, conversation, row(turn) | {"place": place})


def _place(connection: sqlite3.Connection, conversation: int, key: CellRef | None) -> int:
    """The place of a turn with this key: that of the turn it replaces, or one that is made free."""
    if key is not None:
        live = "FROM turns WHERE conversation = ? AND cell = ? AND state = 'live'"
        found = connection.execute(
            f"SELECT place, id {live} AND ordinal = ? ORDER BY place DESC",
            (conversation, key.cell_id, key.index),
        ).fetchone()
        if found:
            connection.execute(
                "UPDATE turns SET state = 'superseded', at = ? WHERE conversation = ? AND id = ?",
                (now(), conversation, found[1]),
            )
            return int(found[0])
        found = connection.execute(
            f"SELECT place {live} AND ordinal < ? ORDER BY place DESC",
            (conversation, key.cell_id, key.index),
        ).fetchone()
        if found:
            connection.execute(
                "UPDATE turns SET place = place + 1 WHERE conversation = ? AND place > ?",
                (conversation, found[0]),
            )
            return int(found[0]) + 1
    return end(connection, conversation)


def end(connection: sqlite3.Connection, conversation: int) -> int:
    """The first place that is free behind all others."""
    sql = "SELECT max(place) FROM turns WHERE conversation = ? AND state = ?"
    places = [
        connection.execute(sql, (conversation, state)).fetchone()[0]
        for state in ("live", "superseded", "dropped", "merged")
    ]
    return max((place for place in places if place is not None), default=0) + 1


def insert(connection: sqlite3.Connection, conversation: int, values: Values) -> None:
    """Write a row, in place of one of the same id."""
    names = ", ".join(["conversation", *values])
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT OR REPLACE INTO turns ({names}) VALUES ({marks})",
        (conversation, *values.values()),
    )


def merge(connection: sqlite3.Connection, conversation: int, old: str, turn: Turn) -> None:
    """Write a turn in the place of one that it went on from, which is no attempt at it."""
    where = (conversation, old)
    sql = "SELECT place FROM turns WHERE conversation = ? AND id = ?"
    found = connection.execute(sql, where).fetchone()
    place = found[0] if found else end(connection, conversation)
    connection.execute("UPDATE turns SET state = 'merged' WHERE conversation = ? AND id = ?", where)
    connection.execute(
        "DELETE FROM pieces WHERE conversation = ? AND turn = ?", (conversation, turn.response.id)
    )
    insert(connection, conversation, row(turn) | {"place": place})


def load(connection: sqlite3.Connection, conversation: int) -> tuple[list[Turn], set[str]]:
    """The live turns in their order, with their older attempts; and the ids of all turns."""
    attempts: dict[int, list[Turn]] = {}
    live: dict[int, Turn] = {}
    found = connection.execute(
        f"SELECT {TURN}, place, state FROM turns "
        "WHERE conversation = ? AND state IN ('live', 'superseded') ORDER BY at",
        (conversation,),
    )
    for *values, place, state in found:
        if state == "live":
            live[place] = turn_of(values)
        else:
            attempts.setdefault(place, []).append(turn_of(values))
    for place, earlier in attempts.items():
        if place in live:
            live[place] = replace(live[place], previous_attempts=tuple(earlier))
    sql = "SELECT id FROM turns WHERE conversation = ?"
    ids = {name for (name,) in connection.execute(sql, (conversation,))}
    return [live[place] for place in sorted(live)], ids


_last = 0.0


def now() -> float:
    """Seconds since 1970, later at every call: the order of what happened to turns."""
    global _last  # noqa: PLW0603 - clocks stand still for up to 15 ms
    _last = max(time.time(), _last + 1e-6)
    return _last


def row(turn: Turn) -> Values:
    """The values of a turn's row."""
    cell, ordinal = (turn.cell.cell_id, turn.cell.index) if turn.cell else (None, None)
    return {
        "id": turn.response.id,
        "cell": cell,
        "ordinal": ordinal,
        "state": "live",
        "stale": turn.stale,
        "at": now(),
        "prompt": turn.prompt.encode(*_UTF),
        "text": turn.response.text.encode(*_UTF),
        "facts": facts(turn, turn.response.steps),
    }


def facts(turn: Turn, rounds: tuple[ToolStep, ...]) -> str:
    """What is known of a turn besides its texts, with these rounds."""
    known = response_to_record(replace(turn.response, steps=rounds))
    return json.dumps(known | ({"system": turn.system} if turn.system else {}))


def turn_of(values: Sequence[Any]) -> Turn:
    """The turn that the columns named in `TURN` make."""
    prompt, text, known, cell, ordinal, stale = values
    record = json.loads(known)
    system = record.pop("system", "")
    said = bytes(text).decode(*_UTF)
    try:
        response = response_from_record(said, record)
    except (TypeError, ValueError):  # facts that cannot be read cost the facts, not the turn
        response = Response(said, id=str(record.get("id", "")))
    key = None if cell is None or ordinal is None else CellRef(cell, ordinal)
    return Turn(bytes(prompt).decode(*_UTF), response, key, bool(stale), (), system)
