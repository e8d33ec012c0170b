"""A value that fills as it arrives, as a markdown table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..markdown.escape import escape_markdown
from .live import INTERVAL
from .panels import Panel, panels_html
from .parts import WAITING, Frame

_ROWS = 200
"""Rows that are shown of a long list; the value has all of them."""


def table_of(value: Any) -> str:
    """A value as markdown: a row for each field, or for each record of a list.

    Example:
        >>> print(table_of({"city": "Paris", "days": 3}))
        | field | value |
        | --- | --- |
        | city | Paris |
        | days | 3 |
        >>> print(table_of([{"n": 1}, {"n": 2, "s": "a|b"}]))
        | n | s |
        | --- | --- |
        | 1 |  |
        | 2 | a\\|b |
    """
    if isinstance(value, Mapping):
        return _rows(("field", "value"), list(value.items()))
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        names = list(dict.fromkeys(name for each in value for name in each))
        rows = [[each.get(name, "") for name in names] for each in value[:_ROWS]]
        more = f"\n\n… and {len(value) - _ROWS} more" if len(value) > _ROWS else ""
        return _rows(names, rows) + more
    if isinstance(value, list):
        return _rows(("value",), [[each] for each in value[:_ROWS]])
    return _cell(value)


def _rows(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(each if each == "---" else _cell(each) for each in line) + " |"
        for line in lines
    )


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Markdown in a value is text, and a line of a table is one line.
    return escape_markdown(text)


class LiveTable:
    """Frames of a value that fills, in place of `LiveMarkdown`'s of a text.

    Args:
        reader: makes what gives the value so far, for the text that has come since it was last
            called; None before it begins.
        live: whether there is anyone to see it before its end.
        safe: makes markdown that cannot act.
    """

    def __init__(
        self, reader: Callable[[], Callable[[str], Any]], live: bool, safe: Callable[[str], str]
    ) -> None:
        self._reader = reader
        self._value = reader()
        self._live = live
        self._safe = safe
        self._fresh: list[str] = []
        self._text: list[str] = []
        self._shown = self._status = ""
        self._painted = 0.0
        self._panels: list[Panel] = []
        self._open: Sequence[Panel] = ()
        self._is_new = False

    def feed(self, text: str) -> None:
        """Take the next piece of the answer."""
        if text:
            self._fresh.append(text)
            self._panels += self._open
            self._open = ()

    def insert(self, panels: Sequence[Panel]) -> None:
        """Show panels above the table; again, in their place, until more of the answer comes."""
        if not self._open:
            self._text += self._fresh  # what came before a tool is not the value
            self._fresh, self._shown = [], ""
            self._value = self._reader()
        self._open = panels
        self._is_new = True

    def feed_aside(self, text: str) -> None:
        """Reasoning is not shown beside a table; the response has it."""

    def say(self, status: str) -> None:
        """Show a line while nothing has come."""
        self._status = status

    def due(self, now: float) -> list[Frame]:
        """The frame that is due now, if there is one."""
        if not self._live or (now - self._painted < INTERVAL and not self._is_new):
            return []
        markdown = self._markdown() if self._fresh else ""
        if self._is_new or (markdown and markdown != self._shown):
            self._shown, self._painted, self._is_new = markdown, now, False
            return [self._frame("", self._shown)]
        if self._status and not (self._shown or self._panels or self._open):
            line, self._status = self._status, ""
            return [Frame(WAITING, "", f"*{self._safe(line)}*")]
        return []

    def _markdown(self) -> str:
        fresh, self._fresh = "".join(self._fresh), []
        self._text.append(fresh)
        value = self._value(fresh)
        return self._shown if value is None else self._safe(table_of(value))

    def last(self) -> list[Frame]:
        """The last frame."""
        return [self.whole()]

    def whole(self) -> Frame:
        """The table at the end, with the received text; the text itself where it is no table."""
        markdown = self._markdown() or self._shown
        text = "".join(self._text)
        return self._frame(text, markdown or self._safe(text), is_settled=True)

    def _frame(self, text: str, markdown: str, is_settled: bool = False) -> Frame:
        panels = [*self._panels, *self._open]
        shown = "\n\n".join(filter(None, [panels_html(panels), markdown]))
        return Frame(0, text, shown, is_settled, panels)
