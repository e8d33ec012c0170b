"""Find the conversations of a notebook that was renamed, by the ids of its cells."""

from __future__ import annotations

import os
from pathlib import Path

from ..conversation.saved_notebooks import read_cell_ids
from ..conversation.store import ConversationScope
from .conversations import ConversationRegistry
from .frontend import FrontEnd


def find_renamed_notebook(chats: ConversationRegistry, front_end: FrontEnd) -> Path | None:
    """Return the new path of a notebook whose file the front end names, but does not exist.

    A restarted kernel has the environment of its first start: the name of the notebook before it
    was renamed.
    """
    old = front_end.named_notebook
    if chats.notebook is not None or old is None:
        return None
    cells = chats.store.missing_notebooks(str(old.parent)).get(str(old))
    if not cells:
        return None
    for path in sorted(old.parent.glob("*.ipynb")):
        scope = ConversationScope(str(path), str(path.parent))
        if _has_cells(path, cells) and not chats.store.count_turns(scope):
            return path
    return None


def adopt_renamed(chats: ConversationRegistry) -> str | None:
    """Move the stored conversations of a notebook without a file to the notebook with its cells.

    Returns:
        the old name of the notebook; None if none was found.
    """
    if chats.notebook is None:
        return None
    for path, cells in chats.store.missing_notebooks(str(chats.notebook.parent)).items():
        if _has_cells(chats.notebook, cells) and chats.store.move_notebook(path, chats.scope()):
            return os.path.basename(path)
    return None


def _has_cells(notebook: Path, cells: set[str]) -> bool:
    """Return whether more than half of these cells are in a notebook."""
    return 2 * len(cells & read_cell_ids(notebook)) > len(cells)
