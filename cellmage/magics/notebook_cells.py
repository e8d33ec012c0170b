"""The cells of the notebook as they are now: those of its saved file, and those that ran."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.saved_notebooks import read_code_cells
from ..display.select import cell_id, parent_message


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """A cell of the notebook.

    Args:
        id: its id, as the front end sends it.
        source: its text.
        count: its execution count; 0 if it has not run in this kernel.
    """

    id: str
    source: str
    count: int = 0


class NotebookCells:
    """The cells of a notebook.

    Args:
        shell: where they run.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._ran: dict[str, tuple[NotebookCell, float]] = {}

    def after_run(self, result: Any) -> None:
        """Note the cell that ran; IPython calls this after each cell."""
        message = parent_message(self._shell)
        own_id = cell_id(message.get("metadata") or {})
        if own_id is not None and result.info.store_history:
            text = str(message.get("content", {}).get("code", ""))
            cell = NotebookCell(own_id, text, result.execution_count or 0)
            self._ran[own_id] = (cell, time.time())

    def read(self, path: Path | None) -> list[NotebookCell]:
        """Return the cells in the order of the saved file, then others in the order of their runs.

        A cell that ran after the file was saved has the text that ran. A file in which no cell has
        run is left out: it may be another notebook's.

        Args:
            path: the file of the notebook; None where it is not known.
        """
        saved = read_code_cells(path) if path is not None else None
        ran = dict(self._ran)
        if path is None or not saved:
            return [cell for cell, _ in ran.values()]
        ids = _match(saved, [cell for cell, _ in ran.values()])
        if ran and not ran.keys() & set(ids):
            return [cell for cell, _ in ran.values()]
        saved_at = path.stat().st_mtime
        return list(_join(zip(ids, (text for _, text in saved), strict=True), ran, saved_at))


def _match(saved: Sequence[tuple[str, str]], ran: Sequence[NotebookCell]) -> list[str]:
    """Return the ids of saved cells as the front end sends them.

    VS Code sends other ids than those of the file: its cells are known by their texts.
    """
    known = {cell_id for cell_id, _ in saved}
    by_text = {cell.source.strip(): cell.id for cell in ran if cell.id not in known}
    return [by_text.pop(text.strip(), cell_id) for cell_id, text in saved]


def _join(
    saved: Iterator[tuple[str, str]], ran: dict[str, tuple[NotebookCell, float]], saved_at: float
) -> Iterator[NotebookCell]:
    for own_id, text in saved:
        cell, ran_at = ran.pop(own_id, (NotebookCell(own_id, text), 0.0))
        is_newer = ran_at > saved_at
        yield cell if is_newer else NotebookCell(own_id, text, cell.count)
    # A cell that is in no file saved since is deleted.
    yield from (cell for cell, ran_at in ran.values() if ran_at > saved_at)
