"""What a chat panel needs of the notebook that it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..display.base import Display
from ..events import ToolCall
from ..turns import Turn
from .chat_question import Question


class Stoppable(Protocol):
    """An answer that is being read."""

    id: str

    def close(self) -> None:
        """Stop it, from any thread."""


class Session(Protocol):
    """Asks in one conversation of a notebook: see `cellmage.magics.chat`."""

    @property
    def title(self) -> str:
        """The name of the conversation, as the panel shows it."""
        ...

    def turns(self) -> Sequence[Turn]:
        """Return the turns of the conversation."""
        ...

    def ask(
        self,
        question: Question,
        turn: Turn | None,
        make_display: Callable[[str], Display],
        approve: Callable[[ToolCall], bool | str],
        on_stream: Callable[[Stoppable], object],
    ) -> None:
        """Ask, and read the answer to its end; ``turn`` is the one that it replaces."""

    def edit(self, turn: Turn, text: str) -> None:
        """Replace the answer of a turn."""

    def begin(self) -> None:
        """Go on in a new conversation."""

    def choices(self) -> Mapping[str, Any]:
        """Return what the menus offer."""
        ...

    def find_names(self, fragment: str) -> Sequence[str]:
        """Return the variables and files that may be attached."""
        ...

    def run_in_cell(self, function: Callable[[], object]) -> None:
        """Call a function; what it publishes belongs to the cell of the panel."""

    def receive_lines(self, receive: Callable[[str], object]) -> AbstractContextManager[object]:
        """Let a function receive the lines that are printed in the block."""
        ...
