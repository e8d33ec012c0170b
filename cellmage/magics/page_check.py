"""Say which answers a page does not show, because it was loaded anew while they arrived.

JupyterLab drops what a cell sends after a reload. A page that is loaded anew has another session,
and shows what the file contains: so an answer whose end is not in the file is not on the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.saved_notebooks import read_whole_ids
from ..display.select import is_interactive, parent_message
from .conversations import ConversationRegistry
from .frontend import print_line

_MAX_LISTED = 5


class PageCheck:
    """Compares the answers of a session with the file, when a cell of another session runs.

    Args:
        shell: where the cells run.
        chats: the conversations of the notebook.
    """

    def __init__(self, shell: InteractiveShell, chats: ConversationRegistry) -> None:
        self._shell = shell
        self._chats = chats
        self._session = ""
        self._checked = 0

    def before_cell(self, info: Any) -> None:
        """Print a line if the page does not show an answer; IPython calls this before each cell."""
        session = (parent_message(self._shell).get("header") or {}).get("session", "")
        if not session or session == self._session or not is_interactive(self._shell):
            return
        ids = list(self._chats.execution_counts)[self._checked :]
        is_first, self._session = not self._session, session
        self._checked += len(ids)
        notebook = self._chats.notebook
        if notebook is None or is_first:
            return
        if line := self._describe_lost(ids, notebook):
            print_line(line)

    def _describe_lost(self, ids: list[str], notebook: Path) -> str:
        """Return a line with the command for each answer whose end the file does not contain."""
        whole = read_whole_ids(notebook)
        if whole is None:
            return ""
        lost = set(ids) - whole
        commands = [
            f"{self._chats.cell_name(turn)}: %llm_history --show {number}{_chat_flag(name)}"
            for name, chat in self._chats.by_name()
            for number, turn in enumerate(chat.turns, 1)
            if turn.response.id in lost
        ]
        if not commands:
            return ""
        return (
            "The page was loaded anew, and does not show what arrived since then. "
            f"The whole answers: {'; '.join(commands[-_MAX_LISTED:])}"
        )


def _chat_flag(name: str) -> str:
    return f" --chat {name}" if name else ""
