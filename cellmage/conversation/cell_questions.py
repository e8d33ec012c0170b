"""The questions of cells: which turn is that of a question, and where a new one has its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..turns import CellRef, Turn


class CellQuestions:
    """Finds the turns of questions; a question of a cell that has asked none needs no search.

    Example:
        >>> from cellmage import Response
        >>> turns = [Turn(str(n), Response(""), cell=CellRef("a", n)) for n in range(2)]
        >>> questions = CellQuestions()
        >>> questions.note(turns)
        >>> questions.find(CellRef("a", 1), turns), questions.find(CellRef("b", 0), turns)
        ((1, True), (2, False))
    """

    def __init__(self) -> None:
        self._last_questions: dict[str, int] = {}  # by cell

    def note(self, turns: Iterable[Turn]) -> None:
        """Note which questions have turns."""
        for turn in turns:
            if turn.cell is not None and not self.may_have_later(turn.cell):
                self._last_questions[turn.cell.cell_id] = turn.cell.index

    def may_have_later(self, cell: CellRef) -> bool:
        """Return whether this question, or a later one of its cell, may have a turn."""
        return self._last_questions.get(cell.cell_id, -1) >= cell.index

    def find(self, cell: CellRef | None, turns: Sequence[Turn]) -> tuple[int, bool]:
        """Return the index of the turn of a question, and whether such a turn exists.

        Without one it is the index where the turn would be put.

        Args:
            cell: the question; None for a turn of no cell.
            turns: all turns, oldest first; they were noted.
        """
        if cell is None or cell.cell_id not in self._last_questions:
            return len(turns), False
        newest_first = range(len(turns) - 1, -1, -1)
        if self.may_have_later(cell):
            for index in newest_first:
                if turns[index].cell == cell:
                    return index, True
        for index in newest_first:
            # The next question of a loop in a cell that is run again follows the one before.
            old_cell = turns[index].cell
            if old_cell and old_cell.precedes(cell):
                return index + 1, False
        return len(turns), False
