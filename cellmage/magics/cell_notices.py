"""Lines about a question: what it does to the turns before it, and what must not be in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from ..conversation.history import History
from ..pipeline.redact import redact_text
from ..stream.response_stream import ResponseStream
from ..text import truncate
from ..turns import CellRef, Turn
from .frontend import print_line

_EXCERPT_CHARS = 40
_COMPARED_CHARS = 500
"""How much of two questions is compared."""

_SHARED_WORDS = 0.5
_SHARED_CHARS = 0.9
"""Two questions with more in common, as a part of the longer one, are one that was edited."""


NO_CELL_IDS = (
    "This front end sends no ids of cells: a cell that is run again adds a turn. "
    "%llm_history --drop N drops the old one."
)


def print_turn_lines(
    history: History, cell: CellRef | None, is_new: Callable[[str], bool], is_kept: bool
) -> None:
    """Print what a question does to the turns after it; each line once in the life of a kernel.

    Args:
        history: the turns.
        cell: the cell that asks, or None where the front end sends no ids.
        is_new: tells whether a line was not shown yet.
        is_kept: whether answers are kept: a kept one makes no turn stale, and the cells after
            another one say themselves that they are.
    """
    if cell is None and is_new("no cell ids"):
        print_line(NO_CELL_IDS)
    stale = "" if is_kept else stale_notice(history.turns, history.before(cell), cell)
    if stale and is_new("stale"):
        print_line(stale)


def stale_notice(turns: Sequence[Turn], earlier: Sequence[Turn], cell: CellRef | None) -> str:
    """Return a line about the turns that become stale; empty if there are none.

    Args:
        turns: the turns of the conversation.
        earlier: those that are sent with the question.
        cell: the cell that asks, or None.
    """
    later = turns[len(earlier) :]
    if cell is None or not later or later[0].cell != cell:
        return ""
    count = sum(not turn.stale for turn in later[1:])
    subject = "The later turn becomes" if count == 1 else f"{count} later turns become"
    return _STALE.format(subject) if count else ""


_STALE = "{} stale: made from the answer that this one replaces. To renew, run the cells again."


def replacement_notice(turns: Sequence[Turn], prompt: str, cell: CellRef | None) -> str:
    """Return a line about the question whose turn this one replaces; empty if it was edited.

    Args:
        turns: the turns of the conversation.
        prompt: the question.
        cell: the cell that asks, or None.
    """
    old = next((turn for turn in turns if turn.cell is not None and turn.cell == cell), None)
    return "" if old is None or _is_edited(old.prompt, prompt) else _REPLACED.format(_quote(old))


_REPLACED = (
    "This took the place of {} in the conversation: a cell with the same id had asked it. "
    "%llm_history --restore N.K brings it back; --append keeps both."
)


def _quote(turn: Turn) -> str:
    return repr(truncate(turn.prompt, _EXCERPT_CHARS))


def _is_edited(old: str, new: str) -> bool:
    """Return whether a question is an older one that was edited, and not that of another cell.

    Two cells have one id in a notebook whose JSON was copied by hand. Front ends send nothing else
    that tells them apart.
    """
    old, new = old[:_COMPARED_CHARS], new[:_COMPARED_CHARS]
    if old in new or new in old:
        return True
    words = [set(text.casefold().split()) for text in (old, new)]
    shared = len(words[0] & words[1]) / max(map(len, words))
    return shared > _SHARED_WORDS or SequenceMatcher(None, old, new).ratio() >= _SHARED_CHARS


def add_notices(streams: Iterable[ResponseStream], lines: Iterable[str]) -> None:
    """Add lines about the request to streams that have not been read."""
    for stream in streams:
        notices = (*stream.request.notices, *filter(None, lines))
        stream.request = replace(stream.request, notices=notices)


def warn_secret(text: str) -> None:
    """Print a line if the user has typed what is not sent; the answer has a notice of it, too."""
    if redact_text(text) != text:
        print_line(
            "This cell contains what looks like a key, and the notebook saves it: remove it."
        )
