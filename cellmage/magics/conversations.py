"""The conversations of a notebook: by name, in memory and in the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.conversation import Conversation
from ..conversation.export import cell_ids
from ..conversation.store import Home, Journal, Store
from ..display.select import is_watched
from ..errors import UsageError
from ..markdown.control_chars import strip_control_chars
from .frontend import cell_id, named_notebook, notebook_path, say

RESUME = "%llm_history --resume takes them up"
_LONGEST = 100


class Chats:
    """The conversations of a notebook; the one without a name is always there.

    Args:
        shell: tells which notebook this is, and whether someone watches.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._chats: dict[str, Conversation] = {"": Conversation()}
        self._journals: dict[str, Journal] = {}
        self.folder = Path.cwd()
        self.notebook = notebook_path(shell)
        self.store = Store()

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._chats.values()))

    # Conversations.

    def get(self, name: str | None) -> Conversation:
        """The conversation of that name.

        Raises:
            UsageError: there is none.
        """
        if (name or "") not in self._chats:
            known = ", ".join(sorted(filter(None, self._chats))) or "none yet"
            raise UsageError(
                f"there is no chat {name!r} (chats: {known}); %llm_history --new NAME makes one"
            )
        return self._chats[name or ""]

    def new(self, name: str) -> Conversation:
        """The conversation of that name, made when there is none.

        Raises:
            UsageError: the name is empty, too long, or holds what cannot be seen.
        """
        is_plain = name == name.strip() and name == strip_control_chars(name) and name.isprintable()
        if not name or not is_plain or len(name) > _LONGEST:
            raise UsageError(f"the chat name {name!r} is empty, too long, or cannot be read")
        return self._chats.setdefault(name, Conversation())

    def names(self) -> list[tuple[str, int, str]]:
        """Every chat: its name, how many turns it has, and where they are."""
        found = [(name, len(chat.turns), "here") for name, chat in self._chats.items()]
        stored = self.store.chats(self._home(""))
        return found + [
            (name, count, "stored") for name, count in stored if name not in self._chats and count
        ]

    # The store.

    def keep(self, setting: str) -> None:
        """Have what is asked now stored, or not, as the setting says."""
        has_content = setting == "on" or (setting == "auto" and self._is_worth())
        for name, chat in self._chats.items():
            chat.journal = self._journal(name) if has_content else None

    def _is_worth(self) -> bool:
        """Whether what is asked here may be wanted again: not in an unattended run.

        nbclient and papermill send no cell ids, and may run inside of another notebook's kernel,
        with its name in their environment.
        """
        if self.notebook is None:
            return is_watched(self._shell)
        return is_watched(self._shell) or cell_id(self._shell) is not None

    def _home(self, name: str) -> Home:
        folder = self.notebook.parent if self.notebook else self.folder
        return Home(_plain(self.notebook) if self.notebook else None, _plain(folder), name)

    def _journal(self, name: str) -> Journal:
        if name not in self._journals:
            self._journals[name] = self.store.journal(self._home(name))
        return self._journals[name]

    def journal_beside(self, chat: Conversation, name: str) -> Journal | None:
        """The journal of a new chat: stored where the other one is."""
        return self._journal(name) if chat.journal is not None else None

    def resume(self, name: str | None = None) -> int:
        """Take up the stored turns of a chat, or of all; how many turns there are now.

        Raises:
            UsageError: there are none.
        """
        stored = [chat for chat, count in self.store.chats(self._home("")) if count]
        wanted = [each for each in dict.fromkeys(stored) if name is None or each == name]
        if not wanted:
            raise UsageError("no turns are stored for this notebook")
        total = 0
        for each in wanted:
            chat = self._chats.setdefault(each, Conversation())
            chat.journal = chat.journal or self._journal(each)
            total += chat.resume()
        return total

    def attach(self, path: Path) -> int:
        """Take up the conversations of another notebook, which are this one's from now on.

        Raises:
            UsageError: none are stored for it, or this one has conversations of its own.
        """
        if self.notebook is None:
            raise UsageError("this notebook has no known path; --import or --from reads a file")
        if not self.store.attach(os.path.abspath(path), self._home("")):
            raise UsageError(f"no turns are stored for {path}, or this notebook has its own")
        return self.resume()

    # At the start.

    def greet(self, setting: str) -> None:
        """Say what is stored for this notebook, in one line, when someone watches."""
        if setting == "never" or not is_watched(self._shell) or not os.path.exists(self.store.path):
            return
        self._find_renamed()
        count = sum(turns for _, turns in self.store.chats(self._home("")))
        if not count:
            self._take_up_renamed()
        elif setting == "always":
            say(f"{turns_of(self.resume())} of this notebook taken up")
        else:
            say(f"{turns_of(count)} stored for this {self._what()}; {RESUME}")
        self.tell()

    def _what(self) -> str:
        return "notebook" if self.notebook else "folder"

    def _find_renamed(self) -> None:
        """A restarted kernel is told the old name of a notebook that was renamed while it ran."""
        gone = named_notebook(self._shell)
        if self.notebook is not None or gone is None:
            return
        asked = self.store.lost(str(gone.parent)).get(str(gone), set())
        for path in sorted(gone.parent.glob("*.ipynb")) if asked else ():
            home = Home(str(path), str(path.parent))
            if _agree(asked, path) and not self.store.count(home):
                self.notebook = path
                self._journals.clear()
                return

    def _take_up_renamed(self) -> None:
        """A notebook of this folder has lost its file, and this one has its cells: it is that."""
        if self.notebook is None:
            return
        for path, asked in self.store.lost(str(self.notebook.parent)).items():
            if _agree(asked, self.notebook) and self.store.attach(path, self._home("")):
                name = os.path.basename(path)
                say(f"this notebook was {name}: its {turns_of(self.resume())} taken up")
                return

    def tell(self) -> None:
        """Say what the store has to say."""
        for line in self.store.told():
            say(line)


def _plain(path: Path) -> str:
    """A path as text; what is no UTF-8 in it is spelled out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _agree(asked: set[str], notebook: Path) -> bool:
    """Whether most of the cells that asked are cells of a notebook."""
    return 2 * len(asked & cell_ids(notebook)) > len(asked)


def turns_of(count: int) -> str:
    """A number of turns, in words."""
    return "1 turn" if count == 1 else f"{count} turns"
