"""What the tests of the store share: conversations in it, and the turns that they have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from cellmage import CellRef, Conversation, Options
from cellmage.conversation.store import ConversationScope, Store

ECHO = Options(model="offline/echo", stream=False)
SCOPE = ConversationScope("/notes/a.ipynb", "/notes")
SCOPE_B = ConversationScope("/notes/b.ipynb", "/notes")
TERMINAL = ConversationScope(None, "/notes")


def open_chat(store: Store, scope: ConversationScope = SCOPE, **arguments: Any) -> Conversation:
    """Return an empty conversation that is stored; its stored turns are not loaded."""
    return Conversation(ECHO, journal=store.journal(scope), **arguments)


def ask(chat: Conversation, prompt: str, cell: str | None = None, index: int = 0) -> None:
    """Ask, and read the answer to its end."""
    for _ in chat.stream(prompt, cell=None if cell is None else CellRef(cell, index)):
        pass


def resume(store: Store, scope: ConversationScope = SCOPE) -> Conversation:
    """Return the conversation as another kernel resumes it."""
    chat = open_chat(Store(store.path), scope)
    chat.history.resume()
    return chat


def prompts(chat: Conversation) -> list[str]:
    return [turn.prompt for turn in chat.turns]


def states(store: Store) -> list[str]:
    """Return the states of all turns, in the order of their last change."""
    return [state for (state,) in store.execute("SELECT state FROM turns ORDER BY changed_at")]


def start_process(script: str, path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a script with the path of a store as its first argument; its output is a pipe."""
    command = [sys.executable, "-c", script, str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)
