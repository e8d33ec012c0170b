"""Which display the running code writes to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .base import Surface

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def surface_for(
    shell: InteractiveShell | None, *, answer_id: str = "", owns_cell: bool = False
) -> Surface:
    """The surface that the running code writes to.

    Args:
        shell: the shell that runs the cell; None in a program.
        answer_id: names the answer in the notebook's file.
        owns_cell: whether the answer is all that the cell will ever show.
    """
    if shell is None or not (hasattr(shell, "kernel") or is_captured(shell)):
        from .terminal import terminal  # noqa: PLC0415 - rich, which a notebook does not need

        return terminal(sys.stdout)
    from .headless import Record  # noqa: PLC0415
    from .notebook import Notebook  # noqa: PLC0415 - IPython, which a program may not have

    if is_captured(shell) or not is_watched(shell):
        return Record()
    return Notebook(answer_id, owns_cell)


def is_captured(shell: InteractiveShell) -> bool:
    """Whether ``%%capture`` or the like takes what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher  # noqa: PLC0415

    return isinstance(shell.display_pub, CapturingDisplayPublisher)


def is_watched(shell: InteractiveShell) -> bool:
    """Whether someone may be looking: nbclient, nbval, papermill and Voila send no stdin."""
    return execute_request(shell).get("content", {}).get("allow_stdin") is not False


def execute_request(shell: InteractiveShell) -> dict[str, Any]:
    """The message that asked for the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}
