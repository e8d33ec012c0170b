"""The IPython extension; it may be loaded twice, or under two names, and is active once."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..display.message_rate import KERNEL_MESSAGES
from ..display.select import ConsoleSessions
from . import ambient, code_out, completion, executed_cells, transformers
from .frontend import FrontEnd, print_line
from .llm import LLMMagics
from .settings import drop_invalid
from .store_messages import announce_stored
from .thread_cells import unwatch_threads, watch_threads

__all__ = ["LLMMagics", "load", "unload"]


_NAMES = ("cellmage", "cellmage.integrations.ipython_magic")


def load(shell: InteractiveShell) -> None:
    """Add the magics and the input transformers; nothing is written to disk."""
    magics = _find_magics(shell)
    if magics is not None:
        magics.apply_config()
    else:
        for problem in drop_invalid(shell.config.get(LLMMagics.__name__, {})):
            print_line(f"LLMMagics.{problem}")
        magics = LLMMagics(shell)
        shell.register_magics(magics)
        shell.events.register("pre_run_cell", KERNEL_MESSAGES.sample)
        shell.events.register("pre_run_cell", magics.page_check.before_cell)
        shell.events.register("post_run_cell", magics.runner.after_run)
        shell.events.register("post_run_cell", magics.notebook_cells.after_run)
        announce_stored(magics.chats, FrontEnd.of(shell), magics.resume)
    transformers.install(shell)
    executed_cells.install(shell, magics.runner.cells)
    code_out.install(shell, magics.runner.code_cells)
    ambient.install(shell)
    completion.install(shell, magics.completion_sources)
    magics.original.add()
    watch_threads(shell)
    ConsoleSessions.of(shell)


def unload(shell: InteractiveShell) -> None:
    """Remove them, and the conversations in memory; ``%reload_ext`` keeps all that the user set."""
    magics = _find_magics(shell)
    if magics is None or _is_reloading(sys._getframe()):
        return
    transformers.remove(shell)
    executed_cells.remove(shell, magics.runner.cells)
    code_out.remove(shell, magics.runner.code_cells)
    ambient.remove(shell)
    completion.remove(shell)
    magics.original.remove()
    unwatch_threads()
    ConsoleSessions.of(shell).remove()
    magics.warm_up.stop()
    magics.runner.background.close()
    magics.panels.close()
    magics.runner.bars.close()
    magics.chats.store.close()
    shell.events.unregister("pre_run_cell", KERNEL_MESSAGES.sample)
    shell.events.unregister("pre_run_cell", magics.page_check.before_cell)
    shell.events.unregister("post_run_cell", magics.runner.after_run)
    shell.events.unregister("post_run_cell", magics.notebook_cells.after_run)
    shell.configurables.remove(magics)  # type: ignore[arg-type] # IPython types the list by its first item
    shell.magics_manager.registry.pop(LLMMagics.__name__, None)
    # IPython would otherwise consider the other name as loaded.
    if shell.extension_manager is not None:
        shell.extension_manager.loaded.difference_update(_NAMES)
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)


def _is_reloading(frame: FrameType | None) -> bool:
    """Return whether IPython unloads the extension to load it again, which it does not tell."""
    while frame is not None:
        if frame.f_code.co_name == "reload_extension":
            return True
        frame = frame.f_back
    return False


def _find_magics(shell: InteractiveShell) -> LLMMagics | None:
    configurables: list[Any] = shell.configurables
    return next((item for item in configurables if isinstance(item, LLMMagics)), None)
