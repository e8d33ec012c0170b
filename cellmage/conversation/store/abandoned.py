"""Answers whose process was killed while it was writing them: each becomes an incomplete turn."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Container
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...messages import CONTINUE_PROMPT, Turn
from . import rows
from .drafts import DraftKey


def finish_abandoned(
    connection: sqlite3.Connection, conversation_id: int, drafts: Container[DraftKey]
) -> None:
    """Commit the open turns of a conversation that no running process writes.

    Args:
        connection: in a transaction.
        conversation_id: the conversation.
        drafts: the answers that this process is writing.
    """
    open_turns = connection.execute(
        f"SELECT {rows.TURN_COLUMNS}, response_id, owner, appends FROM turns "
        "WHERE conversation_id = ? AND state = 'open' ORDER BY changed_at",
        (conversation_id,),
    ).fetchall()
    for prompt, _, *columns, response_id, owner, appends in open_turns:
        if (conversation_id, response_id) in drafts or is_other_process_alive(owner):
            continue
        text = rows.read_chunks(connection, conversation_id, response_id)
        turn = rows.to_turn((prompt, text, *columns))
        turn = replace(turn, response=replace(turn.response, incomplete_reason="killed"))
        cut = _continued_turn(connection, conversation_id, turn)
        if cut is None:
            rows.commit(connection, conversation_id, turn, replace_turn=not appends)
        else:
            joined = turn.continue_from(cut)
            rows.merge(connection, conversation_id, cut.response.id, joined)


def _continued_turn(
    connection: sqlite3.Connection, conversation_id: int, turn: Turn
) -> Turn | None:
    """Return the cut turn that this one continues; None if there is none."""
    if turn.prompt != CONTINUE_PROMPT or not turn.response.text:
        return None
    turns, _ = rows.load(connection, conversation_id)
    return turns[-1] if turns and turns[-1].response.incomplete_reason else None


def process_token(process_id: int) -> str:
    """Return a text that only this running process has; empty if no such process runs."""
    if process_id != os.getpid():
        if sys.platform == "win32":  # where os.kill would end the process
            return ""
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            pass
    start_time = ""
    with suppress(OSError, IndexError):  # Linux only; containers use the same process ids again
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        if fields[0] == "Z":  # a zombie
            return ""
        start_time = fields[19]
    return f"{process_id} {start_time}"


def is_other_process_alive(token: str) -> bool:
    """Return whether the process of this token runs, and is not this one."""
    process_id = int(token.partition(" ")[0])
    return token == process_token(process_id) != process_token(os.getpid())
