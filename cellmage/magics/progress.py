"""Build an index, and show the progress as a bar or a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from ..display.progress_bar import ProgressBar
from ..display.select import is_console
from ..printing import write_progress
from ..retrieval import Index
from ..retrieval.files import describe_left_out, describe_skipped
from .frontend import FrontEnd
from .lookup import open_index

_INTERVAL_SECONDS = 0.1
"""Seconds between two counts of files."""

Progress = Callable[[int, int], None]
"""A function of the number of files (or of what else is counted) that are done, and of all."""


def build_index(shell: InteractiveShell, name: str, paths: list[Path]) -> str:
    """Index files and folders while the progress is shown, and return a line about the result."""
    show, index = choose_progress(shell), open_index(name)
    count = index.add(paths, throttle(show))
    end_progress(show)
    result = f"{_describe(index, count)} Ask about them with %%llm --rag {name}"
    left_out = [describe_left_out(index.left_out), describe_skipped(index.skipped)]
    return "\n".join(filter(None, [result, *left_out]))


def _describe(index: Index, count: int) -> str:
    """Return a sentence about the files that were read, or that nothing has changed."""
    dropped = f" {_files(index.dropped)} left the index." if index.dropped else ""
    if count or dropped or not index.unchanged:
        return f"Read {_files(count)}.{dropped}"
    return f"Nothing has changed: {_files(index.unchanged)}."


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def choose_progress(shell: InteractiveShell, what: str = "files") -> Progress:
    """Return a bar for a page, a line for a console, and nothing where no user is watching.

    Args:
        shell: where the progress is shown.
        what: what is counted.
    """
    line = partial(_print_count, what)
    if not hasattr(shell, "kernel"):
        return line if sys.stdout.isatty() else _show_nothing
    front_end = FrontEnd.of(shell)
    if front_end.is_captured or not front_end.is_interactive:
        return _show_nothing
    if is_console(shell):
        return line
    bar = ProgressBar()
    return lambda done, total: bar.show(_count(what, done, total), done, total)


def end_progress(show: Progress) -> None:
    """End the line of a console."""
    if isinstance(show, partial):
        write_progress("")


def throttle(show: Progress) -> Progress:
    """Return a function that shows the first and the last count, and ten in a second."""
    shown_at = -math.inf

    def progress(done: int, total: int) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if total and (done == total or now - shown_at >= _INTERVAL_SECONDS):
            shown_at = now
            show(done, total)

    return progress


def _show_nothing(done: int, total: int) -> None:
    pass


def _print_count(what: str, done: int, total: int) -> None:
    write_progress(_count(what, done, total))


def _count(what: str, done: int, total: int) -> str:
    return f"{done} of {total} {what}"
