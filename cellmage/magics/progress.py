"""The progress of an index, as a bar or a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from ..display.select import is_captured, is_watched
from .lookup import index_of

_EVERY = 0.1
"""Seconds between two counts of files."""


def build(name: str, paths: list[Path]) -> str:
    """Index files and folders, and show how far it is; what was done, in words."""
    show = _counter(get_ipython())
    count = index_of(name).add(paths, _now_and_then(show))
    end = "\r" if show is _count_line else ""
    return f"{end}{count} files read; ask with %%llm --rag {name}"


def _counter(shell: InteractiveShell | None) -> Callable[[int, int], None]:
    """What shows the count: a bar on a page, a line in a terminal, nothing where nobody watches."""
    if shell is not None and hasattr(shell, "kernel"):
        return _Bar().show if is_watched(shell) and not is_captured(shell) else _nothing
    return _count_line if sys.stdout.isatty() else _nothing


def _now_and_then(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """The first and the last count, and ten in a second."""
    shown = -math.inf

    def progress(done: int, count: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if count and (done == count or now - shown >= _EVERY):
            shown = now
            show(done, count)

    return progress


def _nothing(done: int, count: int) -> None:
    pass


def _count_line(done: int, count: int) -> None:
    sys.stdout.write(f"\r{done} of {count} files")
    sys.stdout.flush()


class _Bar:
    """A bar on a notebook's page: one display, each time in place of itself."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, done: int, count: int) -> None:
        text = f"{done} of {count} files"
        bar = f'<progress value="{done}" max="{count}"></progress> {text}'
        bundle = {"text/html": bar, "text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
