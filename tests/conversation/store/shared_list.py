"""What a conversation of several kernels must contain, as plain lists: see test_kernels.py.

Each kernel names turns by the ids that it has loaded. What it does meets whatever the others did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cellmage import CellRef, Turn


@dataclass(eq=False)
class Place:
    """A place of the conversation: the turn that is live, and its earlier versions."""

    versions: list[str] = field(default_factory=list)
    live: str | None = None
    cell: CellRef | None = None
    stale: bool = False

    def put(self, turn_id: str, cell: CellRef | None) -> None:
        """Make a turn live; the one that was becomes the newest version."""
        self.versions = [version for version in self.versions if version != turn_id]
        if self.live not in (None, turn_id):
            self.versions.append(self.live or "")
        self.live, self.cell, self.stale = turn_id, cell, False


class SharedList:
    """The places, in order, and the rules for their changes, written as plainly as possible."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.cells: dict[str, CellRef | None] = {}
        self.gone: dict[str, Place] = {}  # where the turns were that were dropped or continued

    def listed(self) -> list[tuple[str, bool, list[str]]]:
        """Return each live turn, whether it is stale, and its versions."""
        return [(place.live, place.stale, place.versions) for place in self.places if place.live]

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        cell = turn.cell if replace_turn else None
        same = [p for p in self.places if p.live and cell and p.cell == cell]
        before = [p for p in self.places if p.live and p.cell and cell and p.cell.precedes(cell)]
        if same:
            place = same[-1]
        else:
            place = Place()
            index = self.places.index(before[-1]) + 1 if before else len(self.places)
            self.places.insert(index, place)
        for later in self.places[self.places.index(place) + 1 :]:
            is_sibling = cell and later.cell and later.cell.cell_id == cell.cell_id
            later.stale = later.stale or bool(same) or not is_sibling
        self._put(place, turn)

    def _put(self, place: Place, turn: Turn) -> None:
        self.cells[turn.response.id] = turn.cell
        place.put(turn.response.id, turn.cell)
        place.stale = turn.stale

    def place_of(self, turn_id: str) -> Place | None:
        """Return the place where a turn is, or was before it was dropped or continued."""
        for place in self.places:
            if turn_id == place.live or turn_id in place.versions:
                return place
        return self.gone.get(turn_id)

    def drop(self, turn_ids: Iterable[str]) -> None:
        """Drop those that are live."""
        for turn_id in turn_ids:
            for place in self.places:
                if place.live == turn_id:
                    place.live = None
                    self.gone[turn_id] = place

    def drop_from(self, cell: CellRef) -> None:
        self.drop(
            [
                place.live
                for place in self.places
                if place.live and place.cell and (place.cell == cell or cell.precedes(place.cell))
            ]
        )

    def restore(self, turn_id: str) -> None:
        place = self.place_of(turn_id)
        if place is not None and place.live != turn_id:
            self.gone.pop(turn_id, None)
            place.put(turn_id, self.cells[turn_id])

    def merge(self, cut_id: str, turn: Turn) -> None:
        """Continue a turn: it goes, and what was live in its place is a version."""
        place = self.place_of(cut_id)
        if place is None:
            place = Place()
            self.places.append(place)
        place.versions = [version for version in place.versions if version != cut_id]
        if place.live == cut_id:
            place.live = None
        self.gone[cut_id] = place
        self._put(place, turn)

    def extend(self, turns: Iterable[Turn]) -> None:
        """Add the turns that are not listed; one that was dropped comes back at the end."""
        for turn in turns:
            if self._is_listed(turn.response.id):
                continue
            place = Place()
            self.places.append(place)
            for attempt in turn.previous_attempts:
                if not self._is_listed(attempt.response.id):
                    self._forget(attempt.response.id)
                    self.cells[attempt.response.id] = attempt.cell
                    place.versions.append(attempt.response.id)
            self._forget(turn.response.id)
            self._put(place, turn)

    def _is_listed(self, turn_id: str) -> bool:
        return any(
            place.live and (turn_id == place.live or turn_id in place.versions)
            for place in self.places
        )

    def _forget(self, turn_id: str) -> None:
        self.gone.pop(turn_id, None)
        for place in self.places:
            place.versions = [version for version in place.versions if version != turn_id]
