"""Kernels that change one conversation at once, each with what it has loaded, against plain lists.

``make stress`` makes 2 000 random changes in each kernel.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from cellmage import CellRef, Response, Turn
from cellmage.conversation.history import History
from cellmage.conversation.store import Store
from tests.conversation.store.chats import SCOPE
from tests.conversation.store.shared_list import SharedList
from tests.repetitions import FACTOR

CHANGES_EACH = 200 * FACTOR
KERNELS = 2
MAX_TURNS = 40


class Kernels:
    """Kernels with a store each, on one file, and what they must have stored together."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids = count(1)
        self.expected = SharedList()
        self.stores = [Store(path) for _ in range(KERNELS)]
        self.histories = [History(journal=store.journal(SCOPE)) for store in self.stores]
        self.reader = Store(path)

    def close(self) -> None:
        for store in (*self.stores, self.reader):
            store.close()

    def turn(self, cell: CellRef | None) -> Turn:
        number = next(self.ids)
        reason = self.random.choice([None, "length"])
        response = Response(f"answer {number}", incomplete_reason=reason, id=f"t{number}")
        return Turn(f"question {number}", response, cell)

    def cell(self) -> CellRef | None:
        chance = self.random
        return chance.choice([None, *(CellRef(name, chance.randrange(3)) for name in "abcd")])

    # What a kernel does. It returns without a change where it has no turn for it.

    def ask(self, history: History) -> None:
        turn, replace_turn = self.turn(self.cell()), self.random.random() < 0.9
        history.begin(turn, lambda: turn.response, replace_turn)
        history.commit(turn, replace_turn)
        self.expected.commit(turn, replace_turn)

    def restore(self, history: History) -> None:
        numbers = [n for n, turn in enumerate(history.turns, 1) if turn.previous_attempts]
        if numbers:
            number = self.random.choice(numbers)
            attempts = history.turns[number - 1].previous_attempts
            attempt = self.random.randrange(len(attempts))
            history.restore(number, attempt + 1)
            self.expected.restore(attempts[attempt].response.id)

    def continue_last(self, history: History) -> None:
        cut = history.turns[-1] if history.turns else None
        if cut is not None and cut.response.incomplete_reason:
            whole = self.turn(None).continue_from(cut)
            history.merge(cut, whole)
            self.expected.merge(cut.response.id, whole)

    def drop(self, history: History) -> None:
        if history.turns:
            turn = history.drop(self.random.randint(1, len(history.turns)))
            self.expected.drop([turn.response.id])

    def undo(self, history: History) -> None:
        dropped = [turn.response.id for turn in history.turns[-2:]]
        history.undo(2)
        self.expected.drop(dropped)

    def drop_from(self, history: History) -> None:
        cell = self.cell()
        if cell is not None:
            history.drop_from(cell)
            self.expected.drop_from(cell)

    def extend(self, history: History) -> None:
        """Import what another kernel has, in its version."""
        turns = self.random.choice(self.histories).turns[:3]
        present = {
            old.response.id for turn in history.turns for old in (turn, *turn.previous_attempts)
        }
        history.extend(turns)
        self.expected.extend(
            replace(
                turn,
                previous_attempts=tuple(
                    old for old in turn.previous_attempts if old.response.id not in present
                ),
            )
            for turn in turns
            if turn.response.id not in present
        )

    def resume(self, history: History) -> None:
        history.resume()

    def clear(self, history: History) -> None:
        if len(self.expected.listed()) > MAX_TURNS:
            self.resume(history)
            self.expected.drop([turn.response.id for turn in history.turns])
            history.clear()

    @property
    def changes(self) -> list[Callable[[History], None]]:
        often = [self.ask] * 6 + [self.restore] * 3 + [self.continue_last] * 3 + [self.resume] * 2
        return [*often, self.drop, self.undo, self.drop_from, self.extend, self.clear]

    def step(self) -> str:
        """Let a kernel change something, and return what."""
        change, history = self.random.choice(self.changes), self.random.choice(self.histories)
        change(history)
        return f"{change.__name__} in kernel {self.histories.index(history)}"

    def stored(self) -> list[tuple[str, bool, list[str]]]:
        turns, _ = self.reader.journal(SCOPE).load()
        return [
            (turn.response.id, turn.stale, [old.response.id for old in turn.previous_attempts])
            for turn in turns
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_random_changes_of_two_kernels(tmp_path: Path, seed: int) -> None:
    kernels = Kernels(tmp_path / "turns.db", seed)
    steps = []
    for _ in range(CHANGES_EACH * KERNELS):
        steps.append(kernels.step())
        assert kernels.stored() == kernels.expected.listed(), steps[-8:]
    for store in kernels.stores:
        assert store.pending_messages() == []
    kernels.close()


def test_one_kernel_runs_a_cell_again_and_the_other_restores_a_version(store: Store) -> None:
    kernels = Kernels(store.path, 1)
    first, second = kernels.histories
    cell = CellRef("A", 0)
    for number in (1, 2):
        first.commit(Turn("q", Response(f"a{number}", id=f"t{number}"), cell), replace_turn=True)
    second.resume()
    first.commit(Turn("q", Response("a3", id="t3"), cell), replace_turn=True)
    second.restore(1, 1)
    assert kernels.stored() == [("t1", False, ["t2", "t3"])]
    kernels.close()


def test_one_kernel_runs_a_cell_again_and_the_other_continues_its_answer(store: Store) -> None:
    kernels = Kernels(store.path, 1)
    first, second = kernels.histories
    cut = Turn("q", Response("a1", incomplete_reason="length", id="t1"), CellRef("A", 0))
    first.commit(cut, replace_turn=True)
    second.resume()
    first.commit(Turn("q", Response("a2", id="t2"), CellRef("A", 0)), replace_turn=True)
    second.merge(cut, Turn("", Response(" and on", id="t3")).continue_from(cut))
    assert kernels.stored() == [("t3", False, ["t2"])]
    kernels.close()
