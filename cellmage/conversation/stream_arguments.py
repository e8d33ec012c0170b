"""The keyword arguments of `Conversation.stream`: their types and valid values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

from ..arguments import Kind, check, choice_of, instance_of, optional
from ..options import OptionFields
from ..pipeline.marks import FindMarks
from ..pipeline.repair import Check
from ..pipeline.retrieval import Retriever, Search
from ..pipeline.tools import Approval
from ..recording import Recorder
from ..turns import CellRef

HistoryUse = Literal["use", "ignore"]
Commit = Literal["replace", "append", "never"]


class StreamArguments(OptionFields, total=False):
    """The keyword arguments of `Conversation.stream`, for methods that pass them on (PEP 692).

    Args:
        cell: the cell that asks.
        history: ``"ignore"`` sends no earlier turn, and makes no turn of this answer.
        commit: ``"replace"`` replaces an older turn of the same cell, ``"append"`` keeps it,
            ``"never"`` makes no turn of this answer.
        retriever: finds passages for the question. They are sent after it; the turn contains the
            question alone.
        tools: functions that the model may call.
        approve: ``"ask"`` asks the user before each call, and refuses where there is nobody to ask;
            ``"always"`` runs every call, ``"never"`` none. A function is given each `ToolCall`, and
            must return True to run it.
        check: returns what is wrong with the text of an answer, or an empty text. The model is
            asked once more with it; the first answer then counts as reasoning.
        recorder: answers from a recording, or records the answer; None is that of the process:
            see `cellmage.recording.set_default`.
        find_marks: returns what is known about places of the answer when it has ended, a recorded
            one, too: see `cellmage.pipeline.marks`.
    """

    cell: CellRef | None
    history: HistoryUse
    commit: Commit
    retriever: Retriever | Search | None
    tools: Iterable[Callable[..., Any]]
    approve: Approval
    check: Check | None
    recorder: Recorder | None
    find_marks: FindMarks | None


_KINDS: Mapping[str, Kind[Any]] = {
    "cell": optional(instance_of(CellRef, "a CellRef")),
    "history": choice_of(*get_args(HistoryUse)),
    "commit": choice_of(*get_args(Commit)),
}


def check_arguments(cell: CellRef | None, history: str, commit: str) -> None:
    """Refuse values that type checkers refuse, too.

    Raises:
        UsageError: a value is of the wrong type, or not one of its choices.
    """
    for name, value in (("cell", cell), ("history", history), ("commit", commit)):
        check(name, value, _KINDS[name])
