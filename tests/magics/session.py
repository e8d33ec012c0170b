"""What the magics do between two starts of a kernel, without the kernel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cellmage.magics.conversations import ConversationRegistry
from cellmage.magics.frontend import FrontEnd
from cellmage.magics.history import run_history
from cellmage.magics.llm import LLMMagics
from cellmage.magics.parsing import parse_flags
from cellmage.magics.store_messages import announce_stored, identify
from cellmage.turns import CellRef

FRONT_END = FrontEnd(
    is_captured=False,
    is_interactive=True,
    has_cells=True,
    cell_id=None,
    run_id="1",
    owns_cell=True,
    is_in_subshell=False,
    named_notebook=None,
)


class Session:
    """The conversations of a notebook, from the start of its kernel to the end.

    Args:
        notebook: the file that the front end names.
        setting: when stored turns are resumed.
        cell_id: of the cell that loads the extension.
    """

    def __init__(self, notebook: Path | None, setting: str, cell_id: str | None = None) -> None:
        self.setting = setting
        self.front_end = replace(FRONT_END, named_notebook=notebook, cell_id=cell_id)
        self.chats = ConversationRegistry(self.front_end.notebook_path)
        announce_stored(self.chats, self.front_end, setting)
        self.greeting = ""
        self.questions = ""

    def run(self, cells: str, chat: str | None = None, store: str = "auto", **fields: Any) -> None:
        """Ask in each cell what its id says; `questions` is what the last request has asked."""
        for cell in cells:
            self.questions = "".join(self.ask(cell, cell, chat, store, **fields))

    def ask(
        self, cell: str, prompt: str, chat: str | None = None, store: str = "auto", **fields: Any
    ) -> list[str]:
        """Ask in a cell, and return all questions that were sent."""
        front_end = replace(self.front_end, **{"cell_id": cell, **fields})
        identify(self.chats, front_end, self.setting)
        self.chats.apply_store_setting(store, front_end)
        stream = self.chats.get(chat).stream(prompt, cell=CellRef(cell, 0), model="offline/echo")
        assert "".join(stream) == prompt
        self.chats.execution_counts[stream.id] = 1
        return [message.content for message in stream.request.messages if message.role == "user"]

    def history(self, line: str) -> str:
        """Run ``%llm_history``, and return what it prints."""
        self.chats.identify(self.front_end)
        self.chats.apply_store_setting("auto", self.front_end)
        return str(run_history(self.chats, parse_flags(LLMMagics.llm_history, line)))

    def texts(self) -> set[str]:
        """Return all questions that the list and the lists of versions show."""
        return {
            attempt.prompt
            for chat in self.chats
            for turn in chat.turns
            for attempt in (turn, *turn.previous_attempts)
        }
