"""Several texts side by side where there is room, each as it arrives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..markdown.escape import text_of
from .live import INTERVAL, RATE
from .parts import Frame, Part, closed

Column = tuple[str, str]
"""A title, and markdown."""


def side_by_side(columns: Sequence[Column]) -> str:
    """Columns as markdown in HTML of our own, which front ends put below each other at need.

    Example:
        >>> print(side_by_side([("a", "*yes*")]))
        <div style="display:flex;flex-wrap:wrap;gap:1.5em">
        <div style="flex:1 1 18em;min-width:0">
        <BLANKLINE>
        **a**
        <BLANKLINE>
        *yes*
        <BLANKLINE>
        </div>
        </div>
    """
    cells = [
        f'<div style="flex:1 1 18em;min-width:0">\n\n**{text_of(title)}**\n\n{markdown}\n\n</div>'
        for title, markdown in columns
    ]
    return "\n".join(['<div style="display:flex;flex-wrap:wrap;gap:1.5em">', *cells, "</div>"])


class LiveColumns:
    """Frames of several texts that arrive at once, in place of `LiveMarkdown`'s of one.

    All columns are one part, which is painted less often the longer it is.

    Args:
        titles: of the columns.
        live: whether there is anyone to see a text before its end.
        safe: makes markdown that cannot act.
    """

    def __init__(self, titles: Sequence[str], live: bool, safe: Callable[[str], str]) -> None:
        self._titles = titles
        self._live = live
        self._safe = safe
        self._parts = [Part(number, safe) for number in range(len(titles))]
        self._said = ["…" for _ in titles]
        self._has_news = True
        self._next = -math.inf

    def feed(self, number: int, text: str) -> None:
        """Take the next piece of a column's text."""
        if text:
            self._parts[number].fed.append(text)
            self._has_news = True

    def say(self, number: int, status: str) -> None:
        """What stands below a column: what is done at the moment, or how it ended."""
        self._said[number] = status
        self._has_news = True

    def due(self, now: float) -> list[Frame]:
        """The frame that is due now, if there is one."""
        if not (self._live and self._has_news) or now < self._next:
            return []
        shown = [closed(part.so_far().markdown) for part in self._parts]
        frame = self._frame("", shown)
        self._has_news = False
        self._next = now + max(INTERVAL, len(frame.markdown) / RATE)
        return [frame]

    def whole(self) -> Frame:
        """All texts as they were received, without cursors."""
        ends = [part.end() for part in self._parts]
        texts = [
            f"{title}:\n\n{part.text}"
            for title, part in zip(self._titles, self._parts, strict=True)
        ]
        return self._frame("\n\n".join(texts), ends, is_settled=True)

    def _frame(self, text: str, shown: Sequence[str], is_settled: bool = False) -> Frame:
        below = [f"*{text_of(said)}*" if said else "" for said in self._said]
        texts = ["\n\n".join(filter(None, each)) for each in zip(shown, below, strict=True)]
        columns = list(zip(self._titles, texts, strict=True))
        return Frame(0, text, side_by_side(columns), is_settled, columns=columns)
