"""Which of the stored notebooks this one is, by its path and the ids of its cells.

A path alone is no identity: JupyterLab gives the name of a renamed notebook to the next new one,
and a restarted kernel is told the name of its first start. Ids alone are none either: a copy has
those of its original. So stored turns are those of this notebook

- if they were stored under its path, and a cell of it has asked one of them; or
- if the notebook that they were stored for is gone, and this one has most of the cells that asked.

The cells of a notebook are those of its saved file and those that the kernel has run. A file counts
only if a cell that has run is in it: otherwise it may be another notebook's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ..conversation.saved_notebooks import read_cell_ids
from ..conversation.store import Store, StoredNotebook
from .notebook_paths import path_from_text, path_text, resolve_path


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the notebook of a kernel.

    Args:
        path: its path.
        cells: ids of its cells, as far as they are certain to be its own.
        is_saved: whether its file is among what is known.
    """

    path: Path
    cells: frozenset[str]
    is_saved: bool


class NotebookIdentity:
    """The identity of the notebook of this kernel; it may become known later than the first turn.

    Args:
        store: the stored conversations.
        named: the path that the front end names; None where it names none.

    Attributes:
        path: its path.
        id: its id in the store.
        old_path: the path under which its turns were stored, if it was renamed.
    """

    def __init__(self, store: Store, named: Path | None) -> None:
        self._store = store
        self._named = resolve_path(named) if named else None
        self._run_cells: frozenset[str] = frozenset()
        self._evidence: Evidence | None = None
        self.path = self._named
        self.id = uuid4().hex
        self.is_matched = False
        self.old_path: Path | None = None

    def update(self, cell_id: str | None, has_asked: bool) -> tuple[StoredNotebook, ...]:
        """Look for stored turns of this notebook, unless they are found already.

        Args:
            cell_id: the id of the cell that runs; None where the front end sends none.
            has_asked: whether this kernel has asked; another file with its cells is a copy then.

        Returns:
            the stored notebooks that are this one; empty if nothing has changed.
        """
        if self._named is None:
            return ()
        was_unproven = not self._run_cells
        if cell_id is not None:
            self._run_cells |= {cell_id}
        if self.is_matched and not (was_unproven and self._run_cells):
            return ()
        evidence = self._gather(self._named, has_asked)
        is_elsewhere = evidence.is_saved and evidence.path != self.path
        if evidence == self._evidence or (self.is_matched and not is_elsewhere):
            return ()
        self._evidence = evidence
        return self._match(evidence)

    def take(self, stored: StoredNotebook) -> None:
        """Be this stored notebook from now on."""
        path = path_from_text(stored.path)
        self.old_path = path if path != self.path else None
        self.id, self.is_matched = stored.id, True

    def _match(self, evidence: Evidence) -> tuple[StoredNotebook, ...]:
        if self.is_matched:  # by a file that turned out to be another notebook's
            self.id = uuid4().hex
        self.path = evidence.path
        stored = [n for n in self._store.notebooks_with_cells(evidence.cells) if n.id != self.id]
        own = select_own(stored, evidence)
        self.is_matched = bool(own)
        return own

    def _gather(self, named: Path, has_asked: bool) -> Evidence:
        """Return what is known now; a saved file that is known once is not read again."""
        if self._evidence is not None and self._evidence.is_saved:
            cells = self._evidence.cells | self._run_cells
            return Evidence(self._evidence.path, cells, is_saved=True)
        saved = read_cell_ids(named)
        is_unproven = not self._run_cells and saved is not None
        if is_unproven or self._run_cells & (saved or set()):
            cells = self._run_cells | (saved or set())
            return Evidence(named, cells, is_saved=bool(self._run_cells))
        path = None if has_asked else self._find_file(named)
        if path is None:
            return Evidence(named, self._run_cells, is_saved=False)
        cells = self._run_cells | (read_cell_ids(path) or set())
        return Evidence(path, cells, is_saved=bool(self._run_cells))

    def _find_file(self, named: Path) -> Path | None:
        """Return the notebook in the folder that has cells that asked under the name, and have run.

        Before a cell has run, those that asked are enough, if the named file is gone. None if the
        folder has not exactly one such notebook.
        """
        stored = self._store.notebooks_at(path_text(named))
        asked = frozenset[str]().union(*(notebook.cells for notebook in stored))
        if not asked:
            return None
        files = {resolve_path(path) for path in named.parent.glob("*.ipynb")} - {named}
        cells = {path: read_cell_ids(path) or set() for path in files}
        matching = [
            path
            for path, ids in cells.items()
            if asked & ids and (self._run_cells & ids or not self._run_cells)
        ]
        return matching[0] if len(matching) == 1 else None


def select_own(stored: Iterable[StoredNotebook], evidence: Evidence) -> tuple[StoredNotebook, ...]:
    """Return the stored notebooks that this one is.

    Several are one notebook if another kernel did not know of the first when it began the second.

    Args:
        stored: notebooks with turns of at least one cell of this one, the oldest first.
        evidence: what is known about this one.
    """
    candidates = list(stored)
    same = [n for n in candidates if n.path == path_text(evidence.path)]
    if same:
        return tuple(same)
    renamed = [n for n in candidates if _has_most(evidence, n) and _is_gone(n, evidence)]
    return tuple(renamed[-1:])


def _has_most(evidence: Evidence, notebook: StoredNotebook) -> bool:
    return 2 * len(notebook.cells & evidence.cells) > len(notebook.cells)


def _is_gone(notebook: StoredNotebook, evidence: Evidence) -> bool:
    """Return whether a notebook is not at its path any more; False where this cannot be known.

    The folder of a disk that is not connected is not there either.
    """
    path = path_from_text(notebook.path)
    if not os.path.lexists(path):
        return path.parent.is_dir()
    saved = read_cell_ids(path)
    return saved is not None and not saved & (notebook.cells | evidence.cells)
