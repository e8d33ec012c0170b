"""Rows with named columns: a table on a page, aligned text elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from ..markdown.escape import escape_markdown
from ..markdown.safe import EMPTY, SafeMarkdown, fill_safe, join_blocks
from ..text import clean_message, truncate
from .page_table import write_table
from .text_table import format_columns

Row = Mapping[str, str]

TEXT_CHARS = 60
"""Characters of a cell in plain text, and at least as many on a page; rows have the whole text."""

_LINE_CHARS = 80
"""Width of a terminal, at least: a line that is longer would break the columns."""

_MIN_EXCERPT_CHARS = 12

_SCANNED_PER_CHAR = 8
"""Characters of a cell that are read for each one that is shown."""


class Listing(Sequence[Row]):
    """What a command lists: its rows by index, and how they are shown.

    Args:
        columns: the names of the columns that are shown.
        sections: the rows by the heading above them; "" is a section without a heading.
        end: a line below the rows; may be empty.
        text_chars: characters of a cell in plain text.
        excerpts: the columns that become narrower in plain text where a line has no room.

    Example:
        >>> listing = Listing(["city", "days"], {"": [{"city": "Rio", "days": "3"}]})
        >>> listing
        city  days
        Rio   3
        >>> listing[0]["city"], len(listing)
        ('Rio', 1)
    """

    def __init__(
        self,
        columns: Sequence[str],
        sections: Mapping[str, Sequence[Row]],
        end: str = "",
        text_chars: int = TEXT_CHARS,
        excerpts: Sequence[str] = (),
    ) -> None:
        self._columns = columns
        self._sections = sections
        self._end = end
        self._text_chars = text_chars
        self._excerpts = excerpts
        self._page_chars = max(text_chars, TEXT_CHARS)
        self._rows = [row for rows in sections.values() for row in rows]

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __repr__(self) -> str:
        """Return the rows as aligned text, for a terminal and for a console."""
        rows = zip(*self._text_columns().values(), strict=True)
        names = [clean_message(name) for name in self._columns]
        head, *lines = format_columns([names, *rows]).splitlines()
        blocks = []
        for heading, section in self._sections.items():
            block, lines = lines[: len(section)], lines[len(section) :]
            blocks.append("\n".join([*filter(None, [clean_message(heading)]), *block]))
        text = "\n\n".join(filter(None, blocks))
        return "\n".join(filter(None, [head, text, clean_message(self._end)]))

    def _repr_markdown_(self) -> SafeMarkdown:
        """Return the rows as a table, in which a heading is a row of its own."""
        lines = [[*map(escape_markdown, self._columns)]]
        for heading, section in self._sections.items():
            blank = [EMPTY] * (len(self._columns) - 1)
            lines += [[fill_safe("<b>{}</b>", escape_markdown(heading)), *blank]] if heading else []
            cells = [[row.get(name, "") for name in self._columns] for row in section]
            lines += [[self._page_cell(cell) for cell in row] for row in cells]
        return join_blocks(write_table(lines), escape_markdown(self._end))

    def _page_cell(self, text: str) -> SafeMarkdown:
        return escape_markdown(_shorten(text, self._page_chars))

    def _text_cells(self, name: str, chars: int) -> list[str]:
        """Return a column in plain text."""
        return [_shorten(row.get(name, ""), chars) for row in self._rows]

    def _text_columns(self) -> dict[str, list[str]]:
        """Return the columns in plain text; excerpts share the room that the others leave."""
        columns = {name: self._text_cells(name, self._text_chars) for name in self._columns}
        other_chars = sum(
            max(map(len, [name, *cells]))
            for name, cells in columns.items()
            if name not in self._excerpts
        )
        room = _LINE_CHARS - other_chars - 2 * (len(columns) - 1)
        by_width = sorted(self._excerpts, key=lambda name: max(map(len, columns[name]), default=0))
        for count, name in zip(range(len(by_width), 0, -1), by_width, strict=True):
            chars = max(_MIN_EXCERPT_CHARS, room // count)
            columns[name] = self._text_cells(name, min(chars, self._text_chars))
            room -= max(map(len, [name, *columns[name]]))
        return columns


def _shorten(text: str, chars: int) -> str:
    """Return a text on one line; of a long one no more is read than may be shown."""
    return truncate(clean_message(text[: _SCANNED_PER_CHAR * chars]), chars)
