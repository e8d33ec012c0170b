"""The turns of a conversation: who takes whose place, what is dropped, what is put back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

from ..errors import UsageError
from ..messages import CellRef, News, Turn


class Journal(Protocol):
    """Keeps the turns of a conversation somewhere; see `cellmage.conversation.store.Journal`."""

    def begin(self, turn: Turn, news: Callable[[], News], replace_turn: bool = True) -> None:
        """An answer is asked for; ``news`` gives what has come of it since it was last called."""

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """A turn is over; without text it failed."""

    def merge(self, old: str, turn: Turn) -> None:
        """A turn goes on from a cut one, and takes its place."""

    def extend(self, turns: Iterable[Turn]) -> None:
        """Turns are added at the end."""

    def drop(self, ids: Iterable[str]) -> None:
        """Turns are taken out."""

    def restore(self, live: str, attempt: str) -> None:
        """An older attempt takes the place of the live turn."""

    def forget_rest(self, key: CellRef) -> None:
        """A cell's turns from this key on are taken out."""

    def load(self) -> tuple[list[Turn], set[str]]:
        """The turns that are kept, in their order; and the ids of all that ever were."""
        ...


class Turns:
    """Turns in order, kept in a journal as they change.

    Args:
        turns: turns to begin with.
        journal: keeps them on disk.

    Example:
        >>> from cellmage import Response, Turn
        >>> turns = Turns(Turn(f"Question {n}", Response(f"Answer {n}")) for n in range(4))
        >>> turns.drop(1).prompt, turns.undo(), turns.turn(1).prompt, turns.clear()
        ('Question 0', 1, 'Question 1', 2)
    """

    def __init__(self, turns: Iterable[Turn] = (), journal: Journal | None = None) -> None:
        self.journal = journal
        self._turns = [_named(turn) for turn in turns]
        # The garbage collector may end another answer while one is being kept.
        self._lock = threading.RLock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns, oldest first."""
        return tuple(self._turns)

    # What a question does.

    def _begin(self, turn: Turn, news: Callable[[], News], replace_turn: bool) -> None:
        if self.journal is not None:
            self.journal.begin(turn, news, replace_turn)

    def _commit(self, turn: Turn, replace_turn: bool) -> None:
        with self._lock:
            if turn.response.has_content:
                self._put(turn, replace_turn)
            if self.journal is not None:
                self.journal.commit(turn, replace_turn)

    def _put(self, turn: Turn, replace_turn: bool) -> None:
        index, is_there = self._place(turn.cell if replace_turn else None)
        later = [each.mark_stale() for each in self._turns[index + is_there :]]
        if is_there:
            turn = turn.supersede(self._turns[index])
        self._turns[index:] = [turn, *later]

    def _merge(self, old: Turn, new: Turn) -> None:
        with self._lock:
            name = old.response.id
            self._turns = [new if turn.response.id == name else turn for turn in self._turns]
            if self.journal is not None:
                self.journal.merge(name, new)

    def _place(self, key: CellRef | None) -> tuple[int, bool]:
        """Where the turn with this key stands or would stand, and whether there is one."""
        if key is not None:
            for index, turn in reversed(list(enumerate(self._turns))):
                if turn.cell == key:
                    return index, True
            for index, turn in reversed(list(enumerate(self._turns))):
                # The next question of a loop in a cell that is run again: behind the one before.
                if turn.cell and turn.cell.cell_id == key.cell_id and turn.cell.index < key.index:
                    return index + 1, False
        return len(self._turns), False

    # Changing what is kept.

    def turn(self, number: int) -> Turn:
        """The turn of this number, from 1 up.

        Raises:
            UsageError: there is none.
        """
        if not 1 <= number <= len(self._turns):
            raise UsageError(f"there is no turn {number}; there are {len(self._turns)}")
        return self._turns[number - 1]

    def forget_rest(self, key: CellRef) -> None:
        """Drop the cell's turns from this key on: a later run of the cell asked fewer questions."""
        with self._lock:
            self._turns = [
                turn
                for turn in self._turns
                if not (
                    turn.cell and turn.cell.cell_id == key.cell_id and turn.cell.index >= key.index
                )
            ]
            if self.journal is not None:
                self.journal.forget_rest(key)

    def drop(self, number: int) -> Turn:
        """Drop a turn by its number, from 1 up, and give it.

        Raises:
            UsageError: there is no such turn.
        """
        turn = self.turn(number)
        self._drop([turn])
        return turn

    def undo(self, count: int = 1) -> int:
        """Drop the last turns, and say how many were dropped."""
        if count < 1:
            raise UsageError(f"{count} turns cannot be undone; give a number from 1 up")
        return self._drop(self._turns[-count:])

    def clear(self) -> int:
        """Drop all turns, and say how many there were; the system prompt stays."""
        return self._drop(self._turns)

    def _drop(self, turns: Iterable[Turn]) -> int:
        with self._lock:
            ids = [turn.response.id for turn in turns]
            self._turns = [turn for turn in self._turns if turn.response.id not in set(ids)]
            if ids and self.journal is not None:
                self.journal.drop(ids)
        return len(ids)

    def restore(self, number: int, attempt: int) -> Turn:
        """Put an older attempt of a turn in its place; the turn becomes the newest attempt.

        Args:
            number: of the turn, from 1 up.
            attempt: of its older attempts, from 1 (the oldest) up.

        Raises:
            UsageError: there is no such turn or attempt.
        """
        live = self.turn(number)
        if not 1 <= attempt <= len(live.previous_attempts):
            raise UsageError(f"turn {number} has {len(live.previous_attempts)} older attempts")
        old = live.previous_attempts[attempt - 1]
        others = tuple(each for each in live.previous_attempts if each is not old)
        with self._lock:
            new = replace(old, stale=False)
            self._turns[number - 1] = new.supersede(replace(live, previous_attempts=others))
            if self.journal is not None:
                self.journal.restore(live.response.id, old.response.id)
        return self._turns[number - 1]

    def extend(self, turns: Iterable[Turn]) -> int:
        """Add turns at the end, such as imported ones, and say how many.

        A turn whose answer is here already is left out.
        """
        with self._lock:
            known = {
                each.response.id for turn in self._turns for each in (turn, *turn.previous_attempts)
            }
            fresh = [turn for turn in map(_named, turns) if turn.response.id not in known]
            self._turns += fresh
            if fresh and self.journal is not None:
                self.journal.extend(fresh)
        return len(fresh)

    def resume(self) -> int:
        """Take up the turns that are stored, and say how many there are now."""
        if self.journal is None:
            return len(self._turns)
        stored, known = self.journal.load()
        with self._lock:
            # What could not be stored is still in the conversation.
            self._turns = [*stored, *(t for t in self._turns if t.response.id not in known)]
        return len(self._turns)


def _named(turn: Turn) -> Turn:
    """The turn with a name for its answer, by which it is told apart."""
    if turn.response.id:
        return turn
    return replace(turn, response=replace(turn.response, id=uuid4().hex))
