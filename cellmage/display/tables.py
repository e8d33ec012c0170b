"""A value that fills as it arrives, as a markdown table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..markdown.escape import escape_markdown
from .base import Frame
from .pacer import Pacer
from .panels import Panel, panels_html
from .status import StatusLine

_MAX_ROWS = 200
"""Rows that are shown of a long list; the value has all of them."""


def markdown_table(value: Any) -> str:
    """Return a value as markdown: a row for each field, or for each record of a list.

    Args:
        value: JSON data; a string or a number becomes a line of text.

    Example:
        >>> print(markdown_table({"city": "Paris", "days": 3}))
        | field | value |
        | --- | --- |
        | city | Paris |
        | days | 3 |
        >>> print(markdown_table([{"n": 1}, {"n": 2, "s": "a|b"}]))
        | n | s |
        | --- | --- |
        | 1 |  |
        | 2 | a\\|b |
    """
    if isinstance(value, Mapping):
        return _table(("field", "value"), list(value.items()))
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        rows = [[row.get(name, "") for name in names] for row in value[:_MAX_ROWS]]
        end = f"\n\n… and {len(value) - _MAX_ROWS} more" if len(value) > _MAX_ROWS else ""
        return _table(names, rows) + end
    if isinstance(value, list):
        return _table(("value",), [[item] for item in value[:_MAX_ROWS]])
    return _cell(value)


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [[*map(_cell, names)], ["---"] * len(names), *([*map(_cell, row)] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Markdown in a value is text, and a line of a table is one line.
    return escape_markdown(text)


class LiveTable:
    """Make the frames of a value that fills, as `LiveMarkdown` does of a text.

    Args:
        make_parser: returns a function that takes the next piece of the text and returns the value
            so far, or None before it begins.
        is_live: False shows nothing before the end.
        sanitize: makes markdown harmless.

    Example:
        >>> def make_parser():
        ...     return lambda text: {"city": text}
        >>> live = LiveTable(make_parser, is_live=True, sanitize=str)
        >>> live.feed("Paris")
        >>> [frame.markdown.splitlines()[-1] for frame in live.frames_due(0.0)]
        ['| city | Paris |']
    """

    def __init__(
        self,
        make_parser: Callable[[], Callable[[str], Any]],
        is_live: bool,
        sanitize: Callable[[str], str],
    ) -> None:
        self._make_parser = make_parser
        self._parse = make_parser()
        self._is_live = is_live
        self._sanitize = sanitize
        self._pacer = Pacer()
        self._status = StatusLine(None, sanitize)
        self._pending: list[str] = []
        self._text: list[str] = []
        self._table = ""
        self._panels: list[Panel] = []
        self._open_panels: Sequence[Panel] = ()
        self._has_new_panels = False

    def feed(self, text: str) -> None:
        """Add the next piece of the answer."""
        if text:
            self._pending.append(text)
            self._pacer.receive(len(text))
            self._panels += self._open_panels
            self._open_panels = ()

    def feed_reasoning(self, text: str) -> None:
        """Ignore the reasoning, which is not shown beside a table; the response has it."""

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Show panels above the table; later calls replace them until more text arrives."""
        if not self._open_panels:
            self._text += self._pending  # a text before a tool call is not the value
            self._pending, self._table = [], ""
            self._parse = self._make_parser()
        self._open_panels = panels
        self._has_new_panels = True

    def set_status(self, status: str) -> None:
        """Set the line that is shown while neither a value nor a panel has arrived."""
        self._status.text = status

    def frames_due(self, now: float) -> list[Frame]:
        """Return the frame to paint now; empty if none is due."""
        if not self._is_live or not self._pacer.is_due(now, is_urgent=self._has_new_panels):
            return []
        frames = self._new_frames() or self._status_frames(now)
        if frames:
            self._pacer.record(now, sum(len(frame.markdown) for frame in frames))
        return frames

    def end(self, is_complete: bool) -> None:
        """Ignore how the text ended: a value that was cut is shown as far as it arrived."""

    def final_frames(self) -> list[Frame]:
        """Return the final frame."""
        return [self.complete_frame()]

    def complete_frame(self) -> Frame:
        """Return the table with the received text; the text itself if it is not a value."""
        self._absorb()
        text = "".join(self._text)
        return self._frame(text, self._table or self._sanitize(text), is_settled=True)

    def _new_frames(self) -> list[Frame]:
        before = self._table
        self._absorb()
        if self._table == before and not self._has_new_panels:
            return []
        self._has_new_panels = False
        return [self._frame("", self._table)]

    def _status_frames(self, now: float) -> list[Frame]:
        has_content = self._table or self._panels or self._open_panels
        return [] if has_content else self._status.frames_due(now)

    def _absorb(self) -> None:
        """Parse the pending text, and keep the table of the value."""
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        self._text.append(text)
        value = self._parse(text)
        if value is not None:
            self._table = self._sanitize(markdown_table(value)) or self._table

    def _frame(self, text: str, markdown: str, is_settled: bool = False) -> Frame:
        panels = [*self._panels, *self._open_panels]
        sections = [panels_html(panels), markdown]
        return Frame(0, text, "\n\n".join(filter(None, sections)), is_settled, panels)
