"""A value as a markdown table, also while it arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..markdown.escape import escape_markdown
from ..markdown.safe import EMPTY, SafeMarkdown, fill_html, join_blocks, join_safe
from ..text import truncate
from .base import Frame
from .pacer import Pacer
from .page_table import write_table
from .panels import Panel, panels_html
from .status import StatusLine

MAX_ROWS = 200
"""Rows that are shown of a long list; the value has all of them."""

MAX_NESTED_ROWS = 20
"""Rows that are shown of a list within a cell."""

_MAX_DEPTH = 3
"""Tables within tables; what is deeper is shown as JSON."""

_MAX_JSON_CHARS = 200
"""Characters of a value that is shown as JSON because it is too deep."""


def markdown_table(value: Any) -> SafeMarkdown:
    """Return a value as markdown: a row for each field, or for each record of a list.

    A list or an object in a cell is a table of its own, in HTML.

    Args:
        value: JSON data; a string or a number becomes a line of text.

    Example:
        >>> print(markdown_table({"city": "Paris", "days": 3}))
        | field | value |
        | --- | --- |
        | city | Paris |
        | days | 3 |
        >>> print(markdown_table([{"n": 1}, {"n": [2, 3], "s": "a|b"}]))
        | n | s |
        | --- | --- |
        | 1 |  |
        | <table><tr><td>2</td></tr><tr><td>3</td></tr></table> | a&#124;b |
    """
    if not is_table(value):
        return _cell(value)
    names, rows = table_rows(value, MAX_ROWS)
    names = names or (["field", "value"] if isinstance(value, Mapping) else ["value"])
    excess = len(value) - len(rows)
    end = escape_markdown(f"… and {excess} more" if excess else "")
    return join_blocks(_table(names, rows), end)


def is_table(value: Any, depth: int = 0) -> bool:
    """Return whether a value is shown as a table, with so many tables around it."""
    return isinstance(value, Mapping | list) and bool(value) and depth <= _MAX_DEPTH


def table_rows(value: Any, max_rows: int) -> tuple[list[str], list[list[Any]]]:
    """Return the first rows of a list or an object, and the names of the columns if they have any.

    Only the records of a list have columns with names.
    """
    if isinstance(value, Mapping):
        return [], [list(item) for item in value.items()][:max_rows]
    is_of_records = all(isinstance(row, Mapping) for row in value)
    names = list(dict.fromkeys(name for row in value for name in row)) if is_of_records else []
    if not names:
        return [], [[item] for item in value[:max_rows]]
    return names, [[row.get(name, "") for name in names] for row in value[:max_rows]]


def cell_text(value: Any) -> str:
    """Return a value that is not a table as text: a string as it is, others as JSON."""
    if isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return truncate(text, _MAX_JSON_CHARS) if isinstance(value, Mapping | list) else text


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> SafeMarkdown:
    return write_table([[*map(_cell, line)] for line in (names, *rows)])


def _cell(value: Any, depth: int = 1) -> SafeMarkdown:
    """Return a value on one line, as a line of a table is; markdown in it is text."""
    if not is_table(value, depth):
        return join_safe("<br>", map(escape_markdown, cell_text(value).splitlines()))
    names, rows = table_rows(value, MAX_NESTED_ROWS)
    lines = [[fill_html("<td>{}</td>", _cell(item, depth + 1)) for item in row] for row in rows]
    if names:
        lines.insert(0, [fill_html("<th>{}</th>", _cell(name)) for name in names])
    if excess := len(value) - len(rows):
        lines.append([fill_html("<td>{}</td>", escape_markdown(f"… and {excess} more"))])
    body = [fill_html("<tr>{}</tr>", join_safe("", line)) for line in lines]
    return fill_html("<table>{}</table>", join_safe("", body))


class LiveTable:
    """Make the frames of a value that fills, as `LiveMarkdown` does of a text.

    Args:
        make_parser: returns a function that takes the next piece of the text and returns the value
            so far, or None before it begins. After a complete answer it takes an empty text, and
            returns the value of the complete text, or None if there is none.
        is_live: False shows nothing before the end.
        sanitize: makes an answer harmless that is not a value.
        write_panels: returns panels as markdown.

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
        sanitize: Callable[[str], SafeMarkdown],
        write_panels: Callable[[Sequence[Panel]], SafeMarkdown] = panels_html,
    ) -> None:
        self._make_parser = make_parser
        self._parse = make_parser()
        self._is_live = is_live
        self._sanitize = sanitize
        self._write_panels = write_panels
        self._pacer = Pacer()
        self._status = StatusLine(None)
        self._pending: list[str] = []
        self._text: list[str] = []
        self._value: Any = None
        self._table = EMPTY
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
            self._pending, self._table, self._value = [], EMPTY, None
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
            self._pacer.record(now, frames)
        return frames

    def catch_up(self) -> bool:
        """Return False: a table shows all that has arrived."""
        return False

    def end(self, is_complete: bool) -> None:
        """Show the value of a complete text; one that was cut is shown as far as it arrived."""
        self._absorb()
        if is_complete:
            self._set_value(self._parse(""))

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
        self._set_value(self._parse(text))

    def _set_value(self, value: Any) -> None:
        if value is not None:
            self._value = value
            self._table = markdown_table(value) or self._table

    def _frame(self, text: str, markdown: SafeMarkdown, is_settled: bool = False) -> Frame:
        panels = [*self._panels, *self._open_panels]
        markdown = join_blocks(self._write_panels(panels), markdown)
        return Frame(0, text, markdown, is_settled, panels, value=self._value)
