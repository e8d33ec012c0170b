"""Which cell started a thread: a magic that runs on it belongs to that cell, and shows there.

ipykernel knows the running cell only. Its shell can be told the cell of one thread.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from IPython.core.interactiveshell import InteractiveShell

from ..display.select import parent_message

_messages: MutableMapping[threading.Thread, dict[str, Any]] = WeakKeyDictionary()
"""The ``execute_request`` of the cell that started a thread."""

_start = threading.Thread.start


def watch_threads(shell: InteractiveShell) -> None:
    """Remember the cell of each thread that is started, in a kernel that can show output there."""
    if not hasattr(shell, "set_thread_parent"):
        return

    def start(thread: threading.Thread) -> None:
        message = _messages.get(threading.current_thread()) or parent_message(shell)
        # The threads of subshells run cells of their own.
        if message and not type(thread).__module__.startswith("ipykernel."):
            _messages[thread] = message
        _start(thread)

    start._is_cellmage = True  # type: ignore[attr-defined]
    threading.Thread.start = start  # type: ignore[assignment, method-assign]


def unwatch_threads() -> None:
    """Let threads start as before, unless another package has replaced the function since."""
    if hasattr(threading.Thread.start, "_is_cellmage"):
        threading.Thread.start = _start  # type: ignore[method-assign]


def _has_cell_of_its_own() -> bool:
    """Return whether the code runs in the context of a cell, as after `asyncio.to_thread`.

    The thread itself may be one of a pool, which another cell has started.
    """
    return any(variable.name == "parent_header" for variable in contextvars.copy_context())


@contextmanager
def in_cell(shell: InteractiveShell, message: dict[str, Any]) -> Generator[None]:
    """Let the block belong to a cell, on this thread.

    Args:
        shell: the shell of a kernel.
        message: the ``execute_request`` of the cell.
    """
    kernel_shell: Any = shell
    if not hasattr(shell, "set_thread_parent"):  # ipykernel before 7.4
        yield
        return
    tokens = kernel_shell.set_thread_parent(message)
    try:
        yield
    finally:
        kernel_shell.reset_thread_parent(tokens)


@contextmanager
def in_cell_of_thread(shell: InteractiveShell) -> Generator[None]:
    """Let the block belong to the cell that started this thread: its output, and its turns."""
    message = _messages.get(threading.current_thread())
    if message is None or _has_cell_of_its_own():
        yield
        return
    with in_cell(shell, message):
        yield
