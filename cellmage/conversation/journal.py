"""The interface of what stores the turns of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ..messages import Response
from ..turns import CellRef, Turn


class Journal(Protocol):
    """Stores the turns of a conversation, change by change: see `cellmage.conversation.store`."""

    def begin(
        self,
        turn: Turn,
        snapshot: Callable[[], Response],
        replace_turn: bool = True,
        reserves: bool = False,
    ) -> None:
        """Record that a request is sent; ``snapshot`` returns its answer so far, on any thread.

        With ``reserves`` the turn will be before all that are committed from now on.
        """

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Record the end of a turn; a turn without content has failed."""

    def merge(self, response_id: str, turn: Turn) -> None:
        """Record that a turn continues a cut one, and replaces it."""

    def edit(self, live_id: str, turn: Turn) -> None:
        """Record that a turn replaces a live one, which becomes a previous attempt."""

    def extend(self, turns: Iterable[Turn]) -> None:
        """Record turns that are added at the end."""

    def drop(self, response_ids: Iterable[str]) -> None:
        """Record that turns are dropped."""

    def restore(self, live_id: str, attempt_id: str) -> None:
        """Record that a previous attempt replaces the live turn."""

    def drop_from(self, cell: CellRef) -> None:
        """Record that a cell's turns from this question on are dropped."""

    def load(self) -> tuple[list[Turn], set[str]]:
        """Return the stored turns in order, and the ids of all responses that ever were stored."""
        ...
