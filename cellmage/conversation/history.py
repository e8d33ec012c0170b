"""The turns of a conversation: which turn a new one replaces, what is dropped or restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from ..errors import UsageError
from ..fork_locks import make_rlock
from ..messages import Response
from ..turns import CellRef, Turn
from .cell_questions import CellQuestions
from .journal import Journal
from .new_turns import find_new, with_id
from .reservations import Reservations


class History:
    """The turns of a conversation, kept in a journal as they change.

    Args:
        turns: the first turns.
        journal: stores the changes; None keeps them in memory only.

    Attributes:
        journal: the journal, or None.

    Example:
        >>> from cellmage import Response, Turn
        >>> history = History(Turn(f"Question {n}", Response(f"Answer {n}")) for n in range(4))
        >>> history.drop(1).prompt, history.undo(), history.turn(1).prompt, history.clear()
        ('Question 0', 1, 'Question 1', 2)
    """

    def __init__(self, turns: Iterable[Turn] = (), journal: Journal | None = None) -> None:
        self.journal = journal
        self._turns = [with_id(turn) for turn in turns]
        self._reserved = Reservations()
        self._questions = CellQuestions()
        self._questions.note(self._turns)
        # The garbage collector may finalize another stream while a turn is committed.
        self._lock = make_rlock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns, oldest first."""
        return tuple(self._turns)

    # Changes by an answer.

    def before(self, cell: CellRef | None) -> Sequence[Turn]:
        """Return the turns that are sent with a question of this cell."""
        return self._turns[: self._questions.find(cell, self._turns)[0]]

    def reserve(self, response_id: str, cell: CellRef | None) -> None:
        """Reserve the place at the end for the turn of an answer, whenever it ends.

        Nothing is reserved for a turn that replaces one of its cell, or follows one of its cell.

        Args:
            response_id: of the answer.
            cell: the cell that asks; None for a turn that is added.
        """
        with self._lock:
            if self._questions.find(cell, self._turns) == (len(self._turns), False):
                self._reserved.reserve(response_id)

    def begin(self, turn: Turn, snapshot: Callable[[], Response], replace_turn: bool) -> None:
        """Record that a request is sent.

        Args:
            turn: the turn as it begins, without text.
            snapshot: returns the answer so far; it may be called on any thread.
            replace_turn: False will keep an older turn of the same cell.
        """
        if self.journal is not None:
            self.journal.begin(turn, snapshot, replace_turn, turn.response.id in self._reserved)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Add a turn; in the place of an older turn of its cell if ``replace_turn``.

        A turn without content changes nothing.
        """
        with self._lock:
            if turn.response.has_content:
                self._put(turn, replace_turn)
                self._questions.note([turn])
            self._reserved.release(turn.response.id)
            if self.journal is not None:
                self.journal.commit(turn, replace_turn)

    def _put(self, turn: Turn, replace_turn: bool) -> None:
        position, exists = self._questions.find(turn.cell if replace_turn else None, self._turns)
        if not exists and turn.response.id in self._reserved:
            self._turns.insert(self._reserved.index_of(turn.response.id, self._turns), turn)
            return
        last = self._turns[-1].cell if self._turns else None
        follows = last is not None and turn.cell is not None and last.precedes(turn.cell)
        if position == len(self._turns) and not (replace_turn and follows):
            self._reserved.note(turn.response.id)
        # Threads of one cell end in any order: a sibling of a new question is not asked again.
        sibling_cell = turn.cell.cell_id if turn.cell and not exists else None
        later = self._turns[position + exists :]
        if not (exists and turn.repeats(self._turns[position])):
            later = [
                old
                if old.stale or (old.cell and old.cell.cell_id == sibling_cell)
                else old.mark_stale()
                for old in later
            ]
        if exists:
            self._reserved.move(self._turns[position].response.id, turn.response.id)
            turn = turn.supersede(self._turns[position])
        self._turns[position:] = [turn, *later]

    def merge(self, old: Turn, new: Turn) -> None:
        """Replace a cut turn by the turn that continues it."""
        with self._lock:
            cut_id = old.response.id
            self._reserved.move(cut_id, new.response.id)
            self._turns = [new if turn.response.id == cut_id else turn for turn in self._turns]
            if self.journal is not None:
                self.journal.merge(cut_id, new)

    # Changes by the user.

    def turn(self, number: int) -> Turn:
        """Return the turn of this number.

        Args:
            number: from 1 for the oldest turn.

        Raises:
            UsageError: the turn does not exist.
        """
        if not 1 <= number <= len(self._turns):
            raise UsageError(f"there is no turn {number}; there are {len(self._turns)}")
        return self._turns[number - 1]

    def drop_from(self, cell: CellRef) -> None:
        """Drop a cell's turns from this question on: a later run of the cell asked fewer."""
        with self._lock:
            if self._questions.may_have_later(cell):
                self._turns = [
                    turn
                    for turn in self._turns
                    if turn.cell is None or not (turn.cell == cell or cell.precedes(turn.cell))
                ]
            if self.journal is not None:
                self.journal.drop_from(cell)

    def drop(self, number: int) -> Turn:
        """Drop a turn, and return it.

        Args:
            number: from 1 for the oldest turn.

        Raises:
            UsageError: the turn does not exist.
        """
        turn = self.turn(number)
        self._drop([turn])
        return turn

    def undo(self, count: int = 1) -> int:
        """Drop the last turns, and return how many were dropped.

        Raises:
            UsageError: the count is below 1.
        """
        if count < 1:
            raise UsageError(f"{count} turns cannot be undone; give a number from 1 up")
        return self._drop(self._turns[-count:])

    def clear(self) -> int:
        """Drop all turns, and return how many were dropped; the system prompt stays."""
        return self._drop(self._turns)

    def _drop(self, turns: Iterable[Turn]) -> int:
        with self._lock:
            response_ids = [turn.response.id for turn in turns]
            self._turns = [
                turn for turn in self._turns if turn.response.id not in set(response_ids)
            ]
            if response_ids and self.journal is not None:
                self.journal.drop(response_ids)
        return len(response_ids)

    def restore(self, number: int, attempt_number: int) -> Turn:
        """Replace a turn by one of its previous attempts, and return it.

        The replaced turn becomes the newest of the previous attempts.

        Args:
            number: of the turn, from 1.
            attempt_number: of its previous attempts, from 1 for the oldest.

        Raises:
            UsageError: the turn or the attempt does not exist.

        Example:
            >>> from cellmage import Response, Turn
            >>> old, new = Turn("Hi", Response("Hello")), Turn("Hi", Response("Good day"))
            >>> History([new.supersede(old)]).restore(1, 1).response.text
            'Hello'
        """
        live = self.turn(number)
        attempts = live.previous_attempts
        if not 1 <= attempt_number <= len(attempts):
            raise UsageError(f"turn {number} has {len(attempts)} older attempts")
        old = attempts[attempt_number - 1]
        others = tuple(attempt for attempt in attempts if attempt is not old)
        restored = replace(old, stale=False).supersede(replace(live, previous_attempts=others))
        with self._lock:
            self._reserved.move(live.response.id, restored.response.id)
            self._turns[number - 1] = restored
            if self.journal is not None:
                self.journal.restore(live.response.id, old.response.id)
        return restored

    def edit(self, number: int, text: str) -> Turn:
        """Replace the answer of a turn by another text, and return the turn.

        The replaced turn becomes the newest of the previous attempts. What tools did stays.

        Args:
            number: of the turn, from 1.
            text: the answer after the last tool call.

        Raises:
            UsageError: the turn does not exist.

        Example:
            >>> from cellmage import Response, Turn
            >>> edited = History([Turn("Hi", Response("Helo"))]).edit(1, "Hello")
            >>> edited.response.text, edited.previous_attempts[0].response.text
            ('Hello', 'Helo')
        """
        return self.replace(number, self.turn(number).response.with_final_text(text, uuid4().hex))

    def replace(self, number: int, response: Response) -> Turn:
        """Replace the answer of a turn, and return the turn; later turns stay as they are.

        The replaced turn becomes the newest of the previous attempts.

        Args:
            number: of the turn, from 1.
            response: the answer, with an id of its own.

        Raises:
            UsageError: the turn does not exist.

        Example:
            >>> from cellmage import Response, Turn
            >>> history = History([Turn("Hi", Response("Hello"))])
            >>> history.replace(1, Response("Good day", id="r2")).previous_attempts[0].response.text
            'Hello'
        """
        live = self.turn(number)
        changed = replace(live, response=response, stale=False, previous_attempts=())
        changed = changed.supersede(live)
        with self._lock:
            self._reserved.move(live.response.id, response.id)
            self._turns[number - 1] = changed
            if self.journal is not None:
                self.journal.edit(live.response.id, changed)
        return changed

    def extend(self, turns: Iterable[Turn]) -> int:
        """Add turns at the end, such as imported ones, and return how many were added.

        A turn whose response is already in the conversation is left out.
        """
        with self._lock:
            added = find_new(turns, self._turns)
            self._turns += added
            for turn in added:
                self._reserved.note(turn.response.id)
            self._questions.note(added)
            if added and self.journal is not None:
                self.journal.extend(added)
        return len(added)

    def resume(self) -> int:
        """Load the stored turns, and return how many turns there are now."""
        if self.journal is None:
            return len(self._turns)
        stored, stored_ids = self.journal.load()
        with self._lock:
            # Turns that could not be stored stay in the conversation.
            unstored = [turn for turn in self._turns if turn.response.id not in stored_ids]
            self._turns = [*stored, *unstored]
            self._questions.note(stored)
        return len(self._turns)
