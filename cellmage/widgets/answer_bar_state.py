"""A bar as the kernel knows it, and what the page shows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..display.base import Display
from ..turns import Turn


class Stoppable(Protocol):
    """An answer that is being read."""

    id: str

    def close(self) -> None:
        """Stop it, from any thread."""


class Asker(Protocol):
    """Asks again, and changes the conversation: see `cellmage.magics.answer_bars`."""

    def turn(self, bar: Bar) -> Turn | None:
        """Return the turn of the answer that a bar belongs to; None if it has none."""

    def is_last(self, bar: Bar, turn: Turn) -> bool:
        """Return whether no turn follows."""
        ...

    def ask(
        self,
        bar: Bar,
        does_continue: bool,
        make_display: Callable[[str], Display],
        on_stream: Callable[[Stoppable], object],
    ) -> None:
        """Ask the question of a bar again, or have its answer continued, and read the answer."""

    def restore(self, bar: Bar, answer_id: str) -> None:
        """Make an older version the answer of its turn."""

    def fork(self, bar: Bar) -> str:
        """Begin a conversation that ends with the answer, and return a line that says so."""
        ...

    def show_turn(self, turn: Turn, display: Display) -> None:
        """Show the answer of a turn."""

    def refuse(self) -> None:
        """Refuse the tool calls that wait for the user."""


@dataclass(eq=False, slots=True)
class Bar:
    """The bar of one cell, below its last answer.

    Args:
        cell_id: the id of the cell, as the front end sends it.
        key: the id of the answer that the cell shows.
        question: what asks again; only the `Asker` looks into it.
        streams: the answers that are being read.
        versions: the ids of all versions, in the order in which they were made.
        text: the answer as it was received.
        line: what the user must know, such as an error.
        follow: True if the page keeps the end of the answer in view.
        shown: the ids of the answers that the cell may show.
        parts_number: the number of the last message that changed outputs of the cell.
    """

    cell_id: str
    key: str
    question: Any
    streams: Sequence[Stoppable] = ()
    versions: list[str] = field(default_factory=list)
    text: str = ""
    line: str = ""
    follow: bool = False
    shown: set[str] = field(default_factory=set)
    parts_number: int = 0

    def __post_init__(self) -> None:
        self.shown.add(self.key)


def describe(bar: Bar, asker: Asker) -> dict[str, Any]:
    """Return what the page shows of a bar, and bring the versions up to date."""
    turn = None if bar.streams else asker.turn(bar)
    state = {
        "cell": bar.cell_id,
        "key": bar.key,
        "live": bool(bar.streams),
        "follow": bar.follow,
        "line": bar.line,
    }
    if turn is None:
        return {**state, "turn": False, "cut": False, "version": 1, "versions": 1}
    ids = [attempt.response.id for attempt in (*turn.previous_attempts, turn)]
    bar.versions = [key for key in bar.versions if key in ids]
    bar.versions += [key for key in ids if key not in bar.versions]
    return {
        **state,
        "turn": True,
        "cut": bool(turn.response.incomplete_reason) and asker.is_last(bar, turn),
        "version": bar.versions.index(turn.response.id) + 1,
        "versions": len(bar.versions),
        "line": bar.line or (STALE_LINE if turn.stale else ""),
    }


STALE_LINE = "stale: an earlier turn was asked again after this answer; Retry renews it"
"""What a bar says about an answer that was made from another one than is there now."""
