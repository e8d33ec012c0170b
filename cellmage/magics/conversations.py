"""The conversations of a notebook: by name, in memory and in the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..conversation.conversation import Conversation
from ..conversation.store import ConversationScope, Store, StoredJournal
from ..errors import UsageError
from ..messages import Turn
from ..text import excerpt, spell_out
from .frontend import FrontEnd

_MAX_NAME_CHARS = 100


class ConversationRegistry:
    """The conversations of a notebook; the one without a name always exists.

    Args:
        notebook: the file of the notebook; None where it is not known.

    Attributes:
        folder: the working folder of the kernel, at its start.
        store: the stored conversations of this user.
        execution_counts: the numbers of the cells that asked, by the id of the response.
    """

    def __init__(self, notebook: Path | None) -> None:
        self._conversations: dict[str, Conversation] = {"": Conversation()}
        self._journals: dict[str, StoredJournal] = {}
        self.folder = Path.cwd()
        self.notebook = notebook
        self.store = Store()
        self.execution_counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._conversations.values()))

    # Conversations.

    def get(self, name: str | None) -> Conversation:
        """Return the conversation of this name.

        Raises:
            UsageError: there is none.
        """
        name = name or ""
        if name not in self._conversations:
            names = ", ".join(sorted(filter(None, self._conversations))) or "none yet"
            raise UsageError(
                f"there is no chat {excerpt(name)!r} (chats: {names}); "
                "%llm_history --new NAME makes one"
            )
        return self._conversations[name]

    def create(self, name: str) -> Conversation:
        """Return the conversation of this name; make it if there is none.

        Raises:
            UsageError: the name is empty, too long, or contains invisible characters.
        """
        is_visible = name == spell_out(name) and name == name.strip()
        if not name or not is_visible or len(name) > _MAX_NAME_CHARS:
            raise UsageError(
                f"the chat name {excerpt(name)!r} is empty, too long, or cannot be read"
            )
        return self._conversations.setdefault(name, Conversation())

    def summaries(self) -> list[tuple[str, int, str]]:
        """Return each conversation's name, its number of turns, and "loaded" or "stored"."""
        loaded = [(name, len(chat.turns), "loaded") for name, chat in self._conversations.items()]
        stored = [
            (name, count, "stored")
            for name, count in self.store.count_by_chat(self.scope())
            if count and name not in self._conversations
        ]
        return loaded + stored

    def cell_name(self, turn: Turn) -> str:
        """Return a turn's cell as its page numbers it; "—" if another kernel has run it."""
        count = self.execution_counts.get(turn.response.id)
        return f"In[{count}]" if count else "—"  # a run without a history has the number 0

    # The store.

    def apply_store_setting(self, setting: str, front_end: FrontEnd) -> None:
        """Store the next answers, or do not.

        Args:
            setting: "on", "off", or "auto".
            front_end: decides for "auto".
        """
        is_stored = setting == "on" or (setting == "auto" and self._should_store(front_end))
        for name, chat in self._conversations.items():
            chat.history.journal = self._journal(name) if is_stored else None

    def _should_store(self, front_end: FrontEnd) -> bool:
        """Return whether a user may want the turns again: not in an unattended run.

        nbclient and papermill send no cell ids, and may run inside of another notebook's kernel,
        with its name in their environment.
        """
        if self.notebook is None:
            return front_end.is_interactive
        return front_end.is_interactive or front_end.cell_id is not None

    def scope(self, name: str = "") -> ConversationScope:
        """Return the place of a conversation in the store."""
        folder = self.notebook.parent if self.notebook else self.folder
        notebook = _path_text(self.notebook) if self.notebook else None
        return ConversationScope(notebook, _path_text(folder), name)

    def _journal(self, name: str) -> StoredJournal:
        if name not in self._journals:
            self._journals[name] = self.store.journal(self.scope(name))
        return self._journals[name]

    def fork(self, chat: Conversation, name: str, count: int) -> None:
        """Copy the first turns of a conversation to a new one, which is stored like the first."""
        copy = self.create(name)
        copy.history.journal = self._journal(name) if chat.history.journal is not None else None
        copy.history.extend(chat.turns[:count])

    def count_stored(self) -> int:
        """Return how many turns are stored for this notebook, in all its conversations."""
        return sum(count for _, count in self.store.count_by_chat(self.scope()))

    def resume(self, name: str | None = None) -> int:
        """Resume the stored turns of a conversation, or of all; return how many turns there are.

        Raises:
            UsageError: there are none.
        """
        stored = [chat for chat, count in self.store.count_by_chat(self.scope()) if count]
        names = [chat for chat in dict.fromkeys(stored) if name in (None, chat)]
        if not names:
            raise UsageError("no turns are stored for this notebook")
        total = 0
        for chat_name in names:
            history = self._conversations.setdefault(chat_name, Conversation()).history
            history.journal = history.journal or self._journal(chat_name)
            total += history.resume()
        return total

    def resume_from(self, notebook: Path) -> int:
        """Move the stored conversations of another notebook to this one, and resume them.

        Returns:
            how many turns there are.

        Raises:
            UsageError: none are stored for it, or this one has conversations of its own.
        """
        if self.notebook is None:
            raise UsageError("this notebook has no known path; --import FILE reads a file")
        if not self.store.move_notebook(os.path.abspath(notebook), self.scope()):
            raise UsageError(f"no turns are stored for {notebook}, or this notebook has its own")
        return self.resume()

    def move_to(self, notebook: Path) -> None:
        """Take the next answers as those of a notebook that has another path."""
        self.notebook = notebook
        self._journals.clear()


def _path_text(path: Path) -> str:
    """Return a path as text; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
