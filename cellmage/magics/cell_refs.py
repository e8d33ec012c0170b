"""Count the prompts of each run of a cell: a turn belongs to a cell and has an index in it."""

from __future__ import annotations

from ..fork_locks import make_lock
from ..turns import CellRef
from .frontend import FrontEnd

_MAX_RUNS = 64
"""How many runs of cells are counted at a time; subshells run some side by side."""


class PromptCounter:
    """The number of prompts that each run of a cell has sent; subshells may use it at once."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = make_lock()

    def next_ref(self, front_end: FrontEnd, is_sent: bool) -> CellRef | None:
        """Return the reference of the next prompt; None where the front end sends no cell ids.

        Args:
            front_end: knows the cell and its run.
            is_sent: whether to count the prompt; a dry run is not counted.
        """
        if front_end.cell_id is None:
            return None
        with self._lock:
            index = self._counts.pop(front_end.run_id, 0)
            self._counts[front_end.run_id] = index + is_sent
            for run_id in list(self._counts)[:-_MAX_RUNS]:
                del self._counts[run_id]
        return CellRef(front_end.cell_id, index)

    def end_ref(self, front_end: FrontEnd) -> CellRef | None:
        """Return the reference after the last prompt of this run; None if it sent no prompt."""
        count = self._counts.get(front_end.run_id)
        if front_end.cell_id is None or not count:
            return None
        return CellRef(front_end.cell_id, count)
