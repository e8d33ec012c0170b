"""A recording: answers that are kept or replayed in place of asking, and how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import Lock

from ..turns import CellRef
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
    """

    reads: bool
    asks: bool
    is_told: bool = False
    keeps_events: bool = False
    keeps_timing: bool = False


KEEP = Policy(reads=True, asks=True, is_told=True)
FRESH = Policy(reads=False, asks=True, is_told=True)
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
        self._cells: dict[str, list[CellRef | None]] = defaultdict(list)
        self._lock = Lock()

    def number_of(self, key: str, cell: CellRef | None) -> int:
        """Return which of the questions with the same inputs this is, from 1.

        A question of a cell has the same number when the cell is run again. Without a cell each
        question has the next number.
        """
        with self._lock:
            cells = self._cells[key]
            if cell is None or cell not in cells:
                cells.append(cell)
            return len(cells) if cell is None else cells.index(cell) + 1
