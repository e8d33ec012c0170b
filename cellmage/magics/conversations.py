"""The conversations of a notebook: by name, in memory and in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..conversation.conversation import Conversation
from ..conversation.saved_notebooks import read_cell_ids
from ..conversation.store import ConversationScope, Store, StoredJournal, StoredNotebook
from ..errors import UsageError
from ..fork_locks import make_rlock
from ..recording import MemoryRecords, Records
from ..text import excerpt, spell_out
from ..turns import Turn
from .frontend import FrontEnd
from .notebook_identity import NotebookIdentity
from .notebook_paths import path_text, resolve_path, working_folder

_MAX_NAME_CHARS = 100


class ConversationRegistry:
    """The conversations of a notebook; the one without a name always exists.

    Args:
        notebook: the file that the front end names; None where it names none.

    Attributes:
        folder: the working folder of the kernel, at its start.
        store: the stored conversations of this user.
        identity: which stored notebook this one is; a notebook without a path is none.
        execution_counts: the numbers of the cells that asked, by the id of the response.
        is_stored: whether what is new is stored: see `apply_store_setting`.
    """

    def __init__(self, notebook: Path | None) -> None:
        self._conversations: dict[str, Conversation] = {"": Conversation()}
        self._journals: dict[str, StoredJournal] = {}
        self.folder = working_folder()
        self.store = Store()
        self.identity = NotebookIdentity(self.store, notebook)
        self.execution_counts: dict[str, int] = {}
        self.is_stored = False
        self._lock = make_rlock()

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._conversations.values()))

    def by_name(self) -> list[tuple[str, Conversation]]:
        """Return the conversations with their names."""
        return list(self._conversations.items())

    @property
    def notebook(self) -> Path | None:
        """The file of the notebook; None where it is not known."""
        return self.identity.path

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
        self.is_stored = setting == "on" or (setting == "auto" and self._should_store(front_end))
        for name, chat in self._conversations.items():
            chat.history.journal = self._journal(name) if self.is_stored else None

    def _should_store(self, front_end: FrontEnd) -> bool:
        """Return whether a user may want the turns again: not in an unattended run.

        nbclient and papermill send no cell ids, and may run inside of another notebook's kernel,
        with its name in their environment.
        """
        if self.notebook is None:
            return front_end.is_interactive
        return front_end.is_interactive or front_end.cell_id is not None

    def identify(self, front_end: FrontEnd) -> bool:
        """Look for the stored turns of this notebook; return whether some were found just now.

        Args:
            front_end: knows the cell that runs. Before the first one nothing is looked for, because
                a restarted kernel may be told the name of another notebook.
        """
        if not front_end.has_cells:
            return False
        with self._lock:
            old_id = self.identity.id
            stored = self.identity.update(front_end.cell_id, bool(self.execution_counts))
            if self.identity.id != old_id:  # what was resumed is another notebook's
                self._conversations = {"": Conversation()}
                self._journals.clear()
            if stored:
                self._take(stored)
            return bool(stored)

    def _take(self, stored: Sequence[StoredNotebook]) -> None:
        """Make stored notebooks this one, with the turns that it has stored itself."""
        first, *others = stored
        own_id = self.identity.id
        self.identity.take(first)
        scope = self.scope()
        self.store.move_notebook(scope)
        for notebook_id in [*(other.id for other in others), own_id]:
            self.store.merge_notebook(notebook_id, scope)
        self._journals.clear()
        for name, chat in self._conversations.items():
            if chat.history.journal is not None:
                chat.history.journal = self._journal(name)

    def records(self) -> Records:
        """Return the kept answers of this notebook: stored, or in memory."""
        return self.store.records(self.scope()) if self.is_stored else MemoryRecords()

    def scope(self, name: str = "") -> ConversationScope:
        """Return the place of a conversation in the store."""
        if self.notebook is None:
            return ConversationScope(None, path_text(self.folder), name)
        folder, path = path_text(self.notebook.parent), path_text(self.notebook)
        return ConversationScope(self.identity.id, folder, name, path)

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

        Args:
            notebook: the path under which they were stored. Of several notebooks that had it, the
                turns of this one's cells come first, then those of the file's, then the newest.

        Returns:
            how many turns there are.

        Raises:
            UsageError: none are stored for it.
        """
        if self.notebook is None:
            raise UsageError("this notebook has no known path; --import FILE reads a file")
        path = resolve_path(notebook)
        stored = [n for n in self.store.notebooks_at(path_text(path)) if n.id != self.identity.id]
        if not stored:
            raise UsageError(f"no turns are stored for {notebook}")
        own, its = read_cell_ids(self.notebook) or set(), read_cell_ids(path) or set()
        by_preference = sorted(stored, key=lambda n: (bool(n.cells & own), bool(n.cells & its)))
        self._take(by_preference[-1:])
        return self.resume()

    def has_unproven_turns(self) -> bool:
        """Return whether turns are stored under this notebook's name, but no ids say whose.

        They have no cells, or the file has cells without ids (nbformat below 4.5).
        """
        if self.notebook is None:
            return False
        stored = self.store.notebooks_at(path_text(self.notebook))
        others = [n for n in stored if n.id != self.identity.id]
        is_without_ids = self.notebook.is_file() and read_cell_ids(self.notebook) is None
        return any(is_without_ids or not n.cells for n in others)
