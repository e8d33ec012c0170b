"""The key under which a conversation is stored, and its row."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True, slots=True)
class ConversationScope:
    """The key under which a conversation is stored.

    Args:
        notebook: the id of the notebook; None outside of a notebook.
        folder: the absolute path of its folder, or the working folder.
        chat: the name of the conversation; empty for the one without a name.
        path: the path of the notebook, for a conversation that is not stored yet.
    """

    notebook: str | None
    folder: str
    chat: str = ""
    path: str | None = None


def create_conversation(connection: sqlite3.Connection, scope: ConversationScope) -> None:
    """Insert the row of a conversation of a notebook, unless it is there.

    Outside of a notebook there is a new one each time.
    """
    connection.execute(
        "INSERT OR IGNORE INTO conversations "
        "(notebook, folder, chat, path, created_by_version) VALUES (?, ?, ?, "
        # Another kernel may have found that the notebook was renamed.
        "coalesce((SELECT path FROM conversations WHERE notebook = ?1), ?), ?)",
        (scope.notebook, scope.folder, scope.chat, scope.path, version("cellmage")),
    )
