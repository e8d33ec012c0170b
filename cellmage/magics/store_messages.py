"""Lines about stored conversations, when the extension is loaded and after each answer."""

from __future__ import annotations

import os

from ..text import spell_out
from .conversations import ConversationRegistry
from .frontend import FrontEnd, print_line


def announce_stored(chats: ConversationRegistry, front_end: FrontEnd, setting: str) -> None:
    """Print one line about the turns that are stored for this notebook, if a user is watching.

    Args:
        chats: the conversations of the notebook; with "always" they are resumed.
        front_end: knows whether a user is watching.
        setting: "always", "ask", or "never".
    """
    if not os.path.exists(chats.store.path):
        return
    chats.identify(front_end)
    if front_end.is_interactive and setting != "never":
        _announce(chats, setting)
        print_store_messages(chats)


def identify(chats: ConversationRegistry, front_end: FrontEnd, setting: str) -> None:
    """Print the line if the cell that runs shows that turns are stored for this notebook."""
    if chats.identify(front_end) and front_end.is_interactive and setting != "never":
        _announce(chats, setting)


def _announce(chats: ConversationRegistry, setting: str) -> None:
    count, old_path = chats.count_stored(), chats.identity.old_path
    if not count:
        if chats.notebook is not None and chats.has_unproven_turns():
            print_line(_NO_CELL_IDS.format(spell_out(chats.notebook.name)))
    elif old_path is not None:
        total = count_turns(chats.resume())
        print_line(f"This notebook was {spell_out(old_path.name)}. Resumed its {total}.")
    elif setting == "always" and chats.notebook is not None:
        print_line(f"Resumed {count_turns(chats.resume())} of this notebook.")
    else:
        scope = "notebook" if chats.notebook else "folder"
        print_line(
            f"{count_turns(count)} stored for this {scope}. "
            "To resume them, run: %llm_history --resume"
        )


_NO_CELL_IDS = (
    "Turns are stored under the name of this notebook, without ids of cells that would tell "
    "whether they are its own. If they are, run: %llm_history --resume '{}'"
)


def print_store_messages(chats: ConversationRegistry) -> None:
    """Print what the store reports, such as a damaged file."""
    for line in chats.store.pending_messages():
        print_line(line)


def count_turns(count: int) -> str:
    """Return a number of turns, in words."""
    return "1 turn" if count == 1 else f"{count} turns"
