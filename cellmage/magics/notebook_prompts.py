"""The prompts of a notebook, each with its turn and its kept answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..recording import Record
from ..turns import CellRef, Turn
from .notebook_cells import NotebookCell
from .notebook_status import Prompt
from .prompt_cells import PromptCall, find_calls

_IN_LOOP = "it is asked in a loop or a function: its values are known when the cell is run"


def find_prompts(
    cells: Sequence[NotebookCell],
    turns: Sequence[Turn],
    records: Mapping[CellRef, Record],
    chat: str = "",
) -> Iterator[Prompt]:
    """Yield the prompts of a notebook, in its order.

    Args:
        cells: the cells of the notebook.
        turns: the turns of the conversation.
        records: the kept answers.
        chat: the name of the conversation.
    """
    by_cell = {turn.cell: turn for turn in turns if turn.cell is not None}
    known = _Known(by_cell, records, chat)
    asking = {cell.cell_id for cell in by_cell}
    for position, cell in enumerate(cells, 1):
        name = f"cell [{cell.count}]" if cell.count else f"cell {position}"
        try:
            calls = find_calls(cell.source, is_ambient=cell.id in asking)
        except UsageError as error:
            yield Prompt(name, CellRef(cell.id, 0), problem=f"its prompts are not known: {error}")
            continue
        find = _repeated if any(call.is_repeated for call in calls) else _once
        yield from find(name, cell.id, calls, known)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the questions of cells.

    Args:
        turns: their turns.
        records: their kept answers.
        chat: the name of the conversation.
    """

    turns: Mapping[CellRef, Turn]
    records: Mapping[CellRef, Record]
    chat: str


def _once(name: str, cell_id: str, calls: Sequence[PromptCall], known: _Known) -> Iterator[Prompt]:
    """Yield the prompts of a cell that are each asked once.

    A question without a turn is not counted where turns are.
    """
    index = 0
    for position, call in enumerate(calls):
        args = call.args
        has_turn = not (args and (args.no_history or args.continue_answer))
        ref = CellRef(cell_id, index)
        if args is None or (args.chat or "") == known.chat:
            record = known.records.get(CellRef(cell_id, position))
            yield Prompt(name, ref, call, known.turns.get(ref) if has_turn else None, record)
        index += has_turn


def _repeated(
    name: str, cell_id: str, calls: Sequence[PromptCall], known: _Known
) -> Iterator[Prompt]:
    """Yield the turns of a cell with a loop; its prompts, if it has none."""
    own = [turn for ref, turn in known.turns.items() if ref.cell_id == cell_id]
    for turn in own:
        yield Prompt(name, turn.cell or CellRef(cell_id, 0), None, turn, problem=_IN_LOOP)
    if not own:
        for index, call in enumerate(calls):
            yield Prompt(name, CellRef(cell_id, index), call)
