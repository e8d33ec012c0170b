"""A recording: answers that are kept or replayed in place of asking, and how."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import count

from ..fork_locks import make_lock
from ..turns import CellRef
from .inputs import Inputs
from .record import Record
from .records import Records


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done for an answer.

    Args:
        reads: a recorded answer takes the place of asking.
        asks: the model is asked if there is none; its answer is recorded.
        is_told: the user is told that an answer was kept, or why it is out of date.
        keeps_events: the events are recorded with their times, and not the answer alone.
        keeps_timing: recorded events are replayed at their times, and not at once.
        keeps_drafts: an answer is kept piece by piece while it arrives: a process may be killed.
    """

    reads: bool
    asks: bool
    is_told: bool = False
    keeps_events: bool = False
    keeps_timing: bool = False
    keeps_drafts: bool = False


KEEP = Policy(reads=True, asks=True, is_told=True, keeps_drafts=True)
FRESH = Policy(reads=False, asks=True, is_told=True, keeps_drafts=True)
LOCK = replace(KEEP, keeps_drafts=False)
REPLAY = Policy(reads=True, asks=False)
RECORD = Policy(reads=False, asks=True, keeps_events=True)
RECORD_MISSING = Policy(reads=True, asks=True, keeps_events=True)


class Recording:
    """Answers that are kept for the questions of one notebook or program.

    Args:
        records: where the answers are.
        policy: what may be done.
        today: returns the day, for the record of an answer.
    """

    def __init__(
        self, records: Records, policy: Policy, today: Callable[[], date] = date.today
    ) -> None:
        self.records = records
        self.policy = policy
        self.today = today
        self._claims: dict[str, list[tuple[int, CellRef | None]]] = defaultdict(list)
        self._questions = Counter[str]()
        self._unstable: set[str] = set()
        self._lock = make_lock()

    def claim_number(self, inputs: Inputs, cell: CellRef | None, *, is_asked: bool = True) -> int:
        """Return which of the questions with the same inputs this is, from 1.

        A question of a cell has the number that it had, also in another process. Another question
        has the first number that no question of this process has.

        Args:
            inputs: what the answer depends on.
            cell: the cell that asks.
            is_asked: False for a question that is not asked now.
        """
        with self._lock:
            claims = self._claims[inputs.key]
            claimed = dict(reversed([(holder, number) for number, holder in claims]))
            if cell is not None and cell in claimed:
                return claimed[cell]
            stored = self.records.numbers(inputs) if cell is not None else {}
            cell_numbers = [number for number, holder in stored.items() if holder == cell]
            taken = {number for number, _ in claims}
            number = (
                cell_numbers[0] if cell_numbers else next(n for n in count(1) if n not in taken)
            )
            if is_asked:
                claims.append((number, cell))
            return number

    def next_id(self, inputs: Inputs) -> str:
        """Return an id for the response of the next question with these inputs.

        It is the same in each process that asks the same questions.
        """
        with self._lock:
            self._questions[inputs.key_without_model] += 1
            number = self._questions[inputs.key_without_model]
        return sha256(f"{inputs.key_without_model} {number}".encode()).hexdigest()[:32]

    def adopt(self, record: Record, cell: CellRef) -> None:
        """Make a copy of an answer that of a cell, which has none of its own.

        The cell may be new, or may have another id since the notebook was opened.
        """
        with self._lock:
            claims = self._claims[record.inputs.key]
            numbers = [number for number, _ in claims] + list(self.records.numbers(record.inputs))
            number = max(numbers, default=0) + 1
            # The number of the other cell is taken: a third cell asks.
            claims[:] = [(n, None if holder == cell else holder) for n, holder in claims]
            claims.append((number, cell))
            self.records.add(
                replace(record, number=number, cell_id=cell.cell_id, question=cell.index)
            )

    def keep(self, record: Record, cell: CellRef) -> None:
        """Make an answer that of a cell, in place of one to the same inputs."""
        numbers = self.records.numbers(record.inputs)
        cell_numbers = [number for number, holder in numbers.items() if holder == cell]
        if not cell_numbers:
            self.adopt(record, cell)
            return
        self.records.add(
            replace(record, number=cell_numbers[0], cell_id=cell.cell_id, question=cell.index)
        )

    def is_new_unstable(self, name: str) -> bool:
        """Return whether this is the first time that an input without a fingerprint is named."""
        with self._lock:
            is_new = name not in self._unstable
            self._unstable.add(name)
            return is_new
