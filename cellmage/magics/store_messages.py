"""Lines about stored conversations, when the extension is loaded and after each answer."""

from __future__ import annotations

import os

from .conversations import ConversationRegistry
from .frontend import FrontEnd, print_line
from .renaming import adopt_renamed, find_renamed_notebook


def announce_stored(chats: ConversationRegistry, front_end: FrontEnd, setting: str) -> None:
    """Print one line about the turns that are stored for this notebook, if a user is watching.

    Args:
        chats: the conversations of the notebook; with "always" they are resumed.
        front_end: knows whether a user is watching.
        setting: "always", "ask", or "never".
    """
    has_store = os.path.exists(chats.store.path)
    if setting == "never" or not front_end.is_interactive or not has_store:
        return
    if path := find_renamed_notebook(chats, front_end):
        chats.move_to(path)
    count = chats.count_stored()
    if not count:
        if old_name := adopt_renamed(chats):
            print_line(f"This notebook was {old_name}. Resumed its {count_turns(chats.resume())}.")
    elif setting == "always":
        print_line(f"Resumed {count_turns(chats.resume())} of this notebook.")
    else:
        scope = "notebook" if chats.notebook else "folder"
        print_line(
            f"{count_turns(count)} stored for this {scope}. "
            "To resume them, run: %llm_history --resume"
        )
    print_store_messages(chats)


def print_store_messages(chats: ConversationRegistry) -> None:
    """Print what the store reports, such as a damaged file."""
    for line in chats.store.pending_messages():
        print_line(line)


def count_turns(count: int) -> str:
    """Return a number of turns, in words."""
    return "1 turn" if count == 1 else f"{count} turns"
