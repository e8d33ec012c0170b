"""Answers whose process was killed while it was writing them: each becomes an incomplete turn."""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...messages import CONTINUE_PROMPT
from ...turns import Turn
from .drafts import DraftKey
from .loading import TurnLoader
from .rows import TurnTable


def finish_abandoned(table: TurnTable, drafts: Container[DraftKey]) -> None:
    """Commit the open turns of a conversation that no running process writes.

    Args:
        table: the turns of the conversation.
        drafts: the answers that this process is writing.
    """
    for open_turn in TurnLoader(table).open_turns():
        turn = open_turn.turn
        is_ours = (table.conversation_id, turn.response.id) in drafts
        if is_ours or is_other_process_alive(open_turn.owner):
            continue
        turn = replace(turn, response=replace(turn.response, incomplete_reason="killed"))
        cut = _find_cut_turn(table, turn)
        if cut is None:
            table.commit(turn, open_turn.replace_turn)
        else:
            table.merge(cut.response.id, turn.continue_from(cut))


def _find_cut_turn(table: TurnTable, turn: Turn) -> Turn | None:
    """Return the turn that this one continues; None if it continues none."""
    if turn.prompt != CONTINUE_PROMPT or not turn.response.text:
        return None
    turns = TurnLoader(table).load().turns
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
    process_id = int(token.partition(" ")[0]) if token[:1].isdecimal() else 0
    return process_id > 0 and token == process_token(process_id) != process_token(os.getpid())
