"""The IPython extension: loading twice, or under two names, doubles nothing."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from . import transformers as cells
from .frontend import say
from .llm import LLMMagics
from .settings import drop_unusable

__all__ = ["LLMMagics", "load", "unload"]


_NAMES = ("cellmage", "cellmage.integrations.ipython_magic")


def load(shell: InteractiveShell) -> None:
    """Add the magics and the transformers; nothing is written to disk."""
    if _loaded(shell) is None:
        for problem in drop_unusable(shell.config.get(LLMMagics.__name__, {})):
            say(f"LLMMagics.{problem}")
        magics = LLMMagics(shell)
        shell.register_magics(magics)
        shell.events.register("post_run_cell", magics.asker.after_run)
        magics.chats.greet(magics.resume)
    cells.install(shell)


def unload(shell: InteractiveShell) -> None:
    """Take them away; the conversations go with them."""
    magics = _loaded(shell)
    if magics is None:
        return
    cells.remove(shell)
    magics.chats.store.close()
    shell.events.unregister("post_run_cell", magics.asker.after_run)
    shell.configurables.remove(magics)  # type: ignore[arg-type] # IPython types the list by its first item
    shell.magics_manager.registry.pop(LLMMagics.__name__, None)
    # IPython would else take the other name for loaded still.
    if shell.extension_manager is not None:
        shell.extension_manager.loaded.difference_update(_NAMES)
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)


def _loaded(shell: InteractiveShell) -> LLMMagics | None:
    registered: list[Any] = shell.configurables
    return next((each for each in registered if isinstance(each, LLMMagics)), None)
