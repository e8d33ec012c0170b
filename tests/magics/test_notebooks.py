"""Any sequence of what users do with notebooks: each one has the turns that its cells asked.

After every answer and every start of a kernel, what is sent and listed is compared with what the
notebook asked itself. A copy may have the turns of its original only when that is gone from its
place, because it cannot be told from a renamed notebook then. In the end every question that was
ever asked is in some list. ``make stress`` runs ten times as many sequences.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cellmage import UsageError
from tests.magics.session import Session
from tests.repetitions import repeat

ODD_NAMES = ["odd\udcff.ipynb", r"odd\xff.ipynb"] if sys.platform == "linux" else []
NAMES = st.sampled_from(
    [
        "Untitled.ipynb",
        "Untitled.ipynb",
        "report.ipynb",
        "sub/report.ipynb",
        "é 🙂.ipynb",
        *ODD_NAMES,
    ]
)
"""The first odd name is not UTF-8; the second one is what an escape of it looks like."""

INDEXES = st.integers(0, 5)


@dataclass
class Notebook:
    """A notebook as its user sees it.

    Args:
        path: its file; None if it was deleted.
        cells: the ids of its cells, also those that are not saved.
        lineage: a number that a copy shares with its original.
        saved: the ids in its file.
        has_left: whether its file was ever renamed, moved or deleted.
        is_plain: whether nothing happened to it after which its turns cannot be found.
    """

    path: Path | None
    cells: list[str]
    lineage: int
    saved: list[str] = field(default_factory=list)
    has_left: bool = False
    is_plain: bool = True


@dataclass
class Kernel:
    notebook: Notebook
    named: Path
    session: Session


class Notebooks(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        (self.root / "sub").mkdir()
        self.old_folder = os.environ.get("XDG_DATA_HOME")
        os.environ["XDG_DATA_HOME"] = str(self.root / "data")
        self.numbers = count()
        self.notebooks: list[Notebook] = []
        self.kernels: list[Kernel] = []
        self.askers: dict[str, Notebook] = {}
        """The notebook that asked a question."""
        self.latest: dict[tuple[int, str], str] = {}
        """The last question of a cell of a notebook, by the notebook's number in the list."""
        self.paths: set[Path] = set()
        """All paths that a notebook ever had."""

    # What the user does.

    @rule(name=NAMES, is_saved=st.booleans())
    def create(self, name: str, is_saved: bool) -> None:
        """Begin a new notebook, whose first cell loads the extension."""
        path = self.root / name
        if not os.path.lexists(path):
            notebook = Notebook(path, [f"load-{next(self.numbers)}"], next(self.numbers))
            self.notebooks.append(notebook)
            self.paths.add(path)
            self.write(notebook, notebook.cells if is_saved else [])
            self.start(notebook, path)

    @rule(name=NAMES)
    def use_name_again(self, name: str) -> None:
        """Rename a notebook in use, as JupyterLab does, and begin a new one under its old name."""
        for notebook in self.notebooks:
            if notebook.path and notebook.path != self.root / name:
                old_name = str(notebook.path.relative_to(self.root))
                self.rename(self.notebooks.index(notebook), name, is_opened=False)
                self.create(old_name, is_saved=True)
                if self.kernels:
                    self.ask(len(self.kernels) - 1, 0, is_saved=True)
                break

    @rule(index=INDEXES)
    def save(self, index: int) -> None:
        if notebook := self.pick(index):
            self.write(notebook, notebook.cells)

    @rule(index=INDEXES, name=NAMES, is_opened=st.booleans())
    def rename(self, index: int, name: str, is_opened: bool) -> None:
        path, notebook = self.root / name, self.pick(index)
        if notebook and notebook.path and not os.path.lexists(path):
            notebook.is_plain &= set(notebook.saved) == set(notebook.cells)
            notebook.path = notebook.path.rename(path)
            self.paths.add(path)
            notebook.has_left = True

    @rule(index=INDEXES, name=NAMES)
    def copy(self, index: int, name: str) -> None:
        path, notebook = self.root / name, self.pick(index)
        if notebook and notebook.path and notebook.saved and not os.path.lexists(path):
            shutil.copy(notebook.path, path)
            copy = Notebook(path, [*notebook.saved], notebook.lineage, [*notebook.saved])
            notebook.is_plain = copy.is_plain = False
            self.notebooks.append(copy)
            self.paths.add(path)
            self.start(copy, path)

    @rule(index=INDEXES)
    def delete(self, index: int) -> None:
        notebook = self.pick(index)
        if notebook and notebook.path:
            notebook.path.unlink()
            notebook.path, notebook.has_left = None, True

    @rule(index=INDEXES)
    def delete_cell(self, index: int) -> None:
        notebook = self.pick(index)
        if notebook and len(notebook.cells) > 1:
            notebook.cells.pop(1)
            notebook.is_plain = False

    @rule(index=INDEXES, is_linked=st.booleans())
    def open(self, index: int, is_linked: bool) -> None:
        notebook = self.pick(index)
        if not (notebook and notebook.path):
            return
        named = notebook.path
        if is_linked:
            named = self.root / "sub" / f"link-{next(self.numbers)}.ipynb"
            named.symlink_to(notebook.path)
        self.start(notebook, named)
        if notebook.is_plain and notebook.saved:
            own = {t for (n, _), t in self.latest.items() if n == self.notebooks.index(notebook)}
            listed = {turn.prompt for chat in self.kernels[-1].session.chats for turn in chat.turns}
            assert listed == own, (listed, own)

    @precondition(lambda self: self.kernels)
    @rule(index=INDEXES)
    def restart(self, index: int) -> None:
        """Restart a kernel: it is told the name that the notebook had at the first start."""
        kernel = self.kernels[index % len(self.kernels)]
        notebook = kernel.notebook
        notebook.is_plain &= kernel.named.resolve() == notebook.path and bool(notebook.saved)
        self.close(kernel)
        self.start(notebook, kernel.named)

    @precondition(lambda self: self.kernels)
    @rule(index=INDEXES, cell=st.integers(0, 3), is_saved=st.sampled_from([True, True, False]))
    def ask(self, index: int, cell: int, is_saved: bool) -> None:
        """Ask in a cell of the notebook, or in a new one."""
        kernel = self.kernels[index % len(self.kernels)]
        notebook = kernel.notebook
        if cell + 1 >= len(notebook.cells):
            notebook.cells.append(f"cell-{next(self.numbers)}")
        cell_id = notebook.cells[min(cell + 1, len(notebook.cells) - 1)]
        if is_saved and notebook.path:
            self.write(notebook, notebook.cells)
        notebook.is_plain &= cell_id in notebook.saved and bool(notebook.path)
        text = f"question-{next(self.numbers)}"
        self.askers[text] = notebook
        sent = kernel.session.ask(cell_id, text)
        self.latest[self.notebooks.index(notebook), cell_id] = text
        self.check(kernel, sent)

    # How it is done and checked.

    def pick(self, index: int) -> Notebook | None:
        return self.notebooks[index % len(self.notebooks)] if self.notebooks else None

    def write(self, notebook: Notebook, cells: list[str]) -> None:
        if notebook.path:
            content = [{"cell_type": "code", "id": c, "source": "", "outputs": []} for c in cells]
            notebook.path.write_text(json.dumps({"cells": content}))
            notebook.saved = [*cells]

    def start(self, notebook: Notebook, named: Path) -> None:
        session = Session(named, "always", notebook.cells[0])
        self.kernels.append(Kernel(notebook, named.resolve(), session))
        self.check(self.kernels[-1], session.texts())

    def close(self, kernel: Kernel) -> None:
        self.kernels.remove(kernel)
        kernel.session.chats.store.close()

    def check(self, kernel: Kernel, texts: Iterable[str]) -> None:
        for text in texts:
            asker = self.askers[text]
            is_copy = asker.lineage == kernel.notebook.lineage
            # A kernel that is told the path of the asker, whose cells it has, is that notebook's.
            is_alike = is_copy and (asker.has_left or kernel.named == asker.path)
            assert asker is kernel.notebook or is_alike, f"{text} of another notebook"

    @invariant()
    def each_kernel_lists_its_own(self) -> None:
        for kernel in self.kernels:
            self.check(kernel, kernel.session.texts())

    def teardown(self) -> None:
        try:
            self.check_that_nothing_is_lost()
        finally:
            for kernel in [*self.kernels]:
                self.close(kernel)
            shutil.rmtree(self.root)
            del os.environ["XDG_DATA_HOME"]
            if self.old_folder is not None:
                os.environ["XDG_DATA_HOME"] = self.old_folder

    def check_that_nothing_is_lost(self) -> None:
        """Take over the turns of all paths by word: each question that was asked is there."""
        for kernel in [*self.kernels]:
            self.close(kernel)
        reader = Notebook(self.root / "reader.ipynb", ["reader"], next(self.numbers))
        self.write(reader, reader.cells)
        session = Session(reader.path, "never", "reader")
        self.kernels.append(Kernel(reader, self.root, session))
        session.chats.apply_store_setting("auto", session.front_end)
        shown = set[str]()
        for path in self.paths:
            with suppress(UsageError):
                while True:  # several notebooks had this path
                    session.chats.resume_from(path)
                    shown |= session.texts()
        assert shown == set(self.askers), set(self.askers) - shown


Notebooks.TestCase.settings = settings(repeat(60), stateful_step_count=30)
TestNotebooks = Notebooks.TestCase
