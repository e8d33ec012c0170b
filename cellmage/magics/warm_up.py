"""Prepare the first question while the user reads or types, where a user is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from .. import display as displays
from ..display.select import is_interactive
from ..providers.warm_up import start_warm_up


class WarmUp:
    """The warm-up of one shell: it begins after a cell that a user ran, and waits while one runs.

    Args:
        shell: the shell whose cells are waited for.
        steps: functions to call early.
    """

    def __init__(self, shell: InteractiveShell, *steps: Callable[[], object]) -> None:
        self._shell = shell
        self._steps = steps
        self._future: Future[None] | None = None
        self._idle_since: float | None = None
        shell.events.register("pre_run_cell", self._on_start)
        shell.events.register("post_run_cell", self._on_end)

    def stop(self) -> None:
        """End the warm-up; what is imported stays."""
        self._shell.events.unregister("pre_run_cell", self._on_start)
        self._shell.events.unregister("post_run_cell", self._on_end)
        if self._future is not None:
            self._future.cancel()

    def _on_start(self, info: Any) -> None:
        self._idle_since = None

    def _on_end(self, result: Any) -> None:
        self._idle_since = time.monotonic()
        if self._future is None and _is_watched(self._shell):
            display = "notebook" if hasattr(self._shell, "kernel") else "terminal"
            modules = [f"{displays.__name__}.{display}", f"{__package__}.prompt_content"]
            self._future = start_warm_up(self._idle_seconds, modules, self._steps)

    def _idle_seconds(self) -> float:
        since = self._idle_since
        return 0.0 if since is None else time.monotonic() - since


def _is_watched(shell: InteractiveShell) -> bool:
    return is_interactive(shell) if hasattr(shell, "kernel") else sys.stdin.isatty()
