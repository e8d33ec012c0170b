"""Choose the display that the running code writes to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .base import Display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def choose_display(
    shell: InteractiveShell | None, *, answer_id: str = "", owns_cell: bool = False
) -> Display:
    """Return the display that the running code writes to.

    Args:
        shell: the shell that runs the cell; None in a program.
        answer_id: names the answer in the notebook's file.
        owns_cell: True if nothing but the answer writes to the cell.
    """
    if shell is None or not (hasattr(shell, "kernel") or is_captured(shell)):
        from .terminal import choose_text_display  # noqa: PLC0415 - rich; a notebook needs none

        return choose_text_display(sys.stdout)
    from .headless import HeadlessDisplay  # noqa: PLC0415
    from .notebook import NotebookDisplay  # noqa: PLC0415 - IPython, which a program may not have

    if is_captured(shell) or not is_interactive(shell):
        return HeadlessDisplay()
    return NotebookDisplay(answer_id, owns_cell)


def is_captured(shell: InteractiveShell) -> bool:
    """Return whether ``%%capture`` or the like takes what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher  # noqa: PLC0415

    return isinstance(shell.display_pub, CapturingDisplayPublisher)


def is_interactive(shell: InteractiveShell) -> bool:
    """Return whether a user may be watching: nbclient, nbval, papermill and Voila send no stdin."""
    return parent_message(shell).get("content", {}).get("allow_stdin") is not False


def parent_message(shell: InteractiveShell) -> dict[str, Any]:
    """Return the ``execute_request`` of the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}
