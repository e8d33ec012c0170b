"""Facts about the running cell and its front end, read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from ..display.select import cell_id, is_captured, is_interactive, parent_message
from ..printing import write_text
from .ambient import is_ambient
from .notebook_paths import working_folder
from .transformers import PROMPT_LINE


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Facts about the running cell, from the message that asked to run it.

    Args:
        is_captured: whether ``%%capture`` or the like takes the output.
        is_interactive: whether a user may be watching; nbclient and papermill say that none is.
        has_cells: whether the user runs cells of a kernel, and may run one again.
        cell_id: the id of the cell, as an opaque string; None where the front end sends none.
        run_id: differs between two runs of the same cell.
        owns_cell: whether the cell is one ``%%llm`` prompt and nothing else. It is not for several
            blocks, code above one, ``%%time`` or ``run_cell``: others write there too.
        is_in_subshell: whether the cell runs beside the main shell, which the kernel's interrupt
            does not reach.
        named_notebook: the notebook or the session that the front end names.
        is_ambient: whether ambient mode made a prompt of the cell.
    """

    is_captured: bool
    is_interactive: bool
    has_cells: bool
    cell_id: str | None
    run_id: str
    owns_cell: bool
    is_in_subshell: bool
    named_notebook: Path | None
    is_ambient: bool = False

    @classmethod
    def of(cls, shell: InteractiveShell) -> FrontEnd:
        """Read the facts about the cell that a shell runs now."""
        message = parent_message(shell)
        header = message.get("header") or {}
        code = message.get("content", {}).get("code", "")
        ambient = is_ambient(shell, code)
        return cls(
            is_captured=is_captured(shell),
            is_interactive=is_interactive(shell),
            has_cells=bool(message) and is_interactive(shell),
            cell_id=cell_id(message.get("metadata") or {}),
            run_id=str(header.get("msg_id")),
            owns_cell=bool(PROMPT_LINE.match(code.lstrip())) or bool(code and ambient),
            is_in_subshell=bool(header.get("subshell_id")),
            named_notebook=_named_file(shell),
            is_ambient=ambient,
        )

    @property
    def notebook_path(self) -> Path | None:
        """The notebook that the front end names; its file may be gone, or be another notebook."""
        path = self.named_notebook
        return path if path is not None and path.suffix == ".ipynb" else None


def _named_file(shell: InteractiveShell) -> Path | None:
    """Return the file that the front end names.

    Jupyter's server puts it into the environment of the kernel (or the name of the session,
    without a notebook), VS Code into the kernel's variables.
    """
    name = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    return working_folder() / name if isinstance(name, str) else None


_receiver: ContextVar[Callable[[str], object] | None] = ContextVar("receiver", default=None)


@contextmanager
def send_lines_to(receive: Callable[[str], object]) -> Generator[None]:
    """Let a function receive what `print_line` prints in the block, on this thread."""
    token = _receiver.set(receive)
    try:
        yield
    finally:
        _receiver.reset(token)


def print_line(text: str) -> None:
    """Print plain text and a line end under the cell, or where `send_lines_to` says."""
    receive = _receiver.get()
    if receive is None:
        write_text(f"{text}\n")
    else:
        receive(text)
