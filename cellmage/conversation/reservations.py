"""The places of questions that are not answered yet: the order of turns is that of asking."""

from __future__ import annotations

from collections.abc import Sequence

from ..turns import Turn


class Reservations:
    """Numbers the turns in the order of asking, while an answer is awaited elsewhere.

    Turns that were there before the oldest open reservation need no number. Nothing is kept when no
    reservation is open.

    Example:
        >>> from cellmage import Response
        >>> reservations, turns = Reservations(), [Turn("1", Response("", id="r1"))]
        >>> reservations.reserve("r2")
        >>> reservations.note("r3")  # asked after r2, answered before it
        >>> turns.append(Turn("3", Response("", id="r3")))
        >>> reservations.index_of("r2", turns), len(reservations)
        (1, 1)
    """

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, response_id: object) -> bool:
        return response_id in self._open

    def reserve(self, response_id: str) -> None:
        """Reserve the place at the end, as it is now."""
        self._open.add(response_id)
        self._number(response_id)

    def note(self, response_id: str) -> None:
        """Note a turn that is put at the end."""
        if self._open:
            self._number(response_id)

    def move(self, old_id: str, new_id: str) -> None:
        """Note that a turn takes the place of another one."""
        if old_id in self._numbers:
            self._numbers[new_id] = self._numbers[old_id]

    def index_of(self, response_id: str, turns: Sequence[Turn]) -> int:
        """Return the index at which the turn of a reservation is put among others."""
        own = self._numbers[response_id]
        later = (
            index
            for index, turn in enumerate(turns)
            if self._numbers.get(turn.response.id, own) > own
        )
        return next(later, len(turns))

    def release(self, response_id: str) -> None:
        """End a reservation: its answer has ended, with a turn or without one."""
        self._open.discard(response_id)
        if not self._open:
            self._numbers.clear()

    def _number(self, response_id: str) -> None:
        self._last += 1
        self._numbers[response_id] = self._last
