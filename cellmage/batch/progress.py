"""How far a batch is: a bar on a page, a line in a terminal, nothing where nobody watches."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from ..display.select import is_captured, is_console, is_interactive
from ..printing import write_progress
from .row_result import Counts

_INTERVAL_SECONDS = 0.2
"""Seconds between two updates."""

_MIN_ASKED = 10
"""So many answers tell how long the others take."""

Show = Callable[[str, int, int | None], None]
"""A function of a line, the rows that are done, and all rows if their number is known."""


class Progress:
    """Shows the counts of a batch, a few times in a second.

    Args:
        show: shows a line.
        clock: returns seconds of a monotonic clock.
    """

    def __init__(self, show: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._clock = clock
        self._started_at = clock()
        self._shown_at = -math.inf

    def update(self, counts: Counts) -> None:
        """Show the counts, unless that was done just now."""
        now = self._clock()
        if now - self._shown_at >= _INTERVAL_SECONDS:
            self._shown_at = now
            parts = [counts.describe(), time_left(counts, now - self._started_at)]
            self._show(", ".join(filter(None, parts)), counts.done, counts.total)

    def finish(self, counts: Counts) -> None:
        """Show the last counts."""
        self._show(counts.describe(), counts.done, counts.total)


def time_left(counts: Counts, seconds: float) -> str:
    """Return how long the other rows will take, in words; empty if that is not known.

    Args:
        counts: how far the batch is.
        seconds: the time since its start.

    Example:
        >>> time_left(Counts(100, done=50), 60.0), time_left(Counts(100, done=1), 60.0)
        ('1 min left', '')
    """
    questions = counts.done - counts.kept
    if counts.total is None or questions < _MIN_ASKED or counts.done >= counts.total:
        return ""
    left = seconds / questions * (counts.total - counts.done)
    for size, unit in ((3600, "h"), (60, "min")):
        if left >= size:
            return f"{left / size:.0f} {unit} left"
    return f"{left:.0f} s left"


def choose_show(is_quiet: bool = False) -> Show:
    """Return the way to show a line where the running code writes."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if is_quiet:
        return _show_nothing
    if shell is None or not hasattr(shell, "kernel"):
        return TerminalLine().show if sys.stderr.isatty() else _show_nothing
    if is_captured(shell) or not is_interactive(shell):
        return _show_nothing
    return TerminalLine().show if is_console(shell) else _page_bar()


def _show_nothing(line: str, done: int, total: int | None) -> None:
    pass


class TerminalLine:
    """A line that is written over itself; the end of a longer line before it is blanked."""

    def __init__(self, output: Any = None) -> None:
        self._output = output or sys.stderr
        self._width = 0

    def show(self, line: str, done: int, total: int | None) -> None:
        """Write a line in place of the one before."""
        write_progress(line.ljust(self._width), self._output)
        self._width = len(line)


def _page_bar() -> Show:
    from ..display.progress_bar import ProgressBar  # noqa: PLC0415 - IPython, which may be absent

    return ProgressBar().show
