"""Choose the display that the running code writes to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .base import Display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MAX_CELL_ID_CHARS = 512
"""The longest cell id; a longer one is not an id of any front end."""


def choose_display(
    shell: InteractiveShell | None,
    *,
    answer_id: str = "",
    owns_cell: bool = False,
    joins_parts: bool = False,
) -> Display:
    """Return the display that the running code writes to.

    Args:
        shell: the shell that runs the cell; None in a program.
        answer_id: names the answer in the notebook's file.
        owns_cell: True if nothing but the answer writes to the cell.
        joins_parts: True if a long answer becomes one output at its end.
    """
    if shell is None or not (hasattr(shell, "kernel") or is_captured(shell)):
        from .terminal import choose_text_display  # noqa: PLC0415 - rich; a notebook needs none

        return choose_text_display(sys.stdout)
    from .console import ConsoleDisplay  # noqa: PLC0415
    from .headless import HeadlessDisplay  # noqa: PLC0415
    from .notebook import NotebookDisplay  # noqa: PLC0415 - IPython, which a program may not have

    if is_captured(shell) or not is_interactive(shell):
        return HeadlessDisplay()
    if is_console(shell):
        return ConsoleDisplay(answer_id)
    return NotebookDisplay(answer_id, owns_cell, joins_parts)


def is_captured(shell: InteractiveShell) -> bool:
    """Return whether ``%%capture`` or the like takes what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher  # noqa: PLC0415

    return isinstance(shell.display_pub, CapturingDisplayPublisher)


def is_interactive(shell: InteractiveShell) -> bool:
    """Return whether a user may be watching: nbclient, nbval, papermill and Voila send no stdin."""
    return parent_message(shell).get("content", {}).get("allow_stdin") is not False


def is_console(shell: InteractiveShell) -> bool:
    """Return whether the running cell was typed in a console, which ignores display updates.

    A front end with cells sends the id of the cell. A console sends none, and it has asked whether
    its input is complete: see `ConsoleSessions`.
    """
    message = parent_message(shell)
    if cell_id(message.get("metadata") or {}) is not None:
        return False
    return ConsoleSessions.of(shell).has_asked(message.get("header") or {})


class ConsoleSessions:
    """The sessions that have asked whether a text is complete code.

    The Jupyter protocol has this request (``is_complete_request``) for consoles, which must know
    what the Enter key does. `jupyter console` and qtconsole send it before each cell; pages send
    none. IPython passes the text to its input transformers, so this is one, which changes nothing.

    Args:
        shell: the shell of a kernel.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._sessions: set[str] = set()

    @classmethod
    def of(cls, shell: InteractiveShell) -> ConsoleSessions:
        """Return the sessions of a shell; the first call installs the transformer."""
        transformers = shell.input_transformers_cleanup
        installed = next((item for item in transformers if isinstance(item, cls)), None)
        if installed is None:
            installed = cls(shell)
            transformers.insert(0, installed)  # before those that may reject the text
        return installed

    def remove(self) -> None:
        """Remove the transformer from its shell."""
        self._shell.input_transformers_cleanup.remove(self)

    def has_asked(self, header: Mapping[str, Any]) -> bool:
        """Return whether the session of a message's header has asked."""
        return header.get("session") in self._sessions

    def __call__(self, lines: list[str]) -> list[str]:
        """Note the session if it asks now, and return the lines as they are."""
        header = parent_message(self._shell).get("header") or {}
        if header.get("msg_type") == "is_complete_request":
            self._sessions.add(header["session"])
        return lines


def cell_id(metadata: Mapping[str, Any]) -> str | None:
    """Return the id of a cell, from the metadata of its message.

    JupyterLab sends the id in the file, VS Code the URI of the cell's document, extensions that
    run cells on the server a ``cell_id``, nbclient and consoles nothing.
    """
    for value in (metadata.get("cellId"), metadata.get("cell_id")):
        if isinstance(value, str) and 0 < len(value) <= _MAX_CELL_ID_CHARS:
            return value
    return None


def parent_message(shell: InteractiveShell) -> dict[str, Any]:
    """Return the ``execute_request`` of the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}
