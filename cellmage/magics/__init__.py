"""The IPython extension: loading twice, or under two names, doubles nothing."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from . import cells
from .llm import LLMMagics

__all__ = ["LLMMagics", "load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Add the magics and the transformers; nothing is written to disk."""
    if _loaded(shell) is None:
        magics = LLMMagics(shell)
        shell.register_magics(magics)
        shell.events.register("post_run_cell", magics.after_run)
    cells.install(shell)


def unload(shell: InteractiveShell) -> None:
    """Take them away; the conversations go with them."""
    magics = _loaded(shell)
    if magics is None:
        return
    cells.remove(shell)
    shell.events.unregister("post_run_cell", magics.after_run)
    shell.configurables.remove(magics)  # type: ignore[arg-type] # IPython types the list by its first item
    shell.magics_manager.registry.pop(LLMMagics.__name__, None)
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)


def _loaded(shell: InteractiveShell) -> LLMMagics | None:
    registered: list[Any] = shell.configurables
    return next((each for each in registered if isinstance(each, LLMMagics)), None)
