"""Several texts side by side where there is room, each as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..markdown.escape import escape_markdown
from ..markdown.fences import close_safe_fences
from ..markdown.safe import EMPTY, SafeMarkdown, fill_safe, join_blocks, join_safe
from .base import Frame
from .pacer import Pacer
from .parts import Part

Column = tuple[str, SafeMarkdown]
"""A title, and markdown."""

# Flex items wrap where they would be narrower than 18em.
_ROW = '<div style="display:flex;flex-wrap:wrap;gap:1.5em">\n{}\n</div>'
# What is too wide, such as a table, scrolls in its column.
_CELL = '<div style="flex:1 1 18em;min-width:0;overflow-x:auto">\n\n**{}**\n\n{}\n\n</div>'


def columns_html(columns: Sequence[Column]) -> SafeMarkdown:
    """Return columns as markdown in HTML, which narrow pages put below each other.

    Example:
        >>> print(columns_html([("a", "*yes*")]))
        <div style="display:flex;flex-wrap:wrap;gap:1.5em">
        <div style="flex:1 1 18em;min-width:0;overflow-x:auto">
        <BLANKLINE>
        **a**
        <BLANKLINE>
        *yes*
        <BLANKLINE>
        </div>
        </div>
    """
    cells = [fill_safe(_CELL, escape_markdown(title), markdown) for title, markdown in columns]
    return fill_safe(_ROW, join_safe("\n", cells))


class LiveColumns:
    """Make the frames of several texts that arrive at once, as `LiveMarkdown` does of one.

    All columns are one part, so the longer they are, the less often they are painted.

    Args:
        titles: the titles of the columns.
        is_live: False shows no text before the end.
        sanitize: makes markdown harmless.
    """

    def __init__(
        self, titles: Sequence[str], is_live: bool, sanitize: Callable[[str], SafeMarkdown]
    ) -> None:
        self._titles = titles
        self._is_live = is_live
        self._sanitize = sanitize
        self._parts = [Part(index, sanitize) for index in range(len(titles))]
        self._statuses = ["…" for _ in titles]
        self._has_news = True
        self._pacer = Pacer()

    def feed(self, index: int, text: str) -> None:
        """Add the next piece of a column's text."""
        if text:
            self._parts[index].pending.append(text)
            self._pacer.receive(len(text))
            self._has_news = True

    def restart(self, index: int) -> None:
        """Remove the text of a column: it is shown anew."""
        self._parts[index] = Part(index, self._sanitize)
        self._has_news = True

    def set_status(self, index: int, status: str) -> None:
        """Set the line below a column: its progress, or how it ended."""
        self._statuses[index] = status
        self._has_news = True

    def frames_due(self, now: float) -> list[Frame]:
        """Return the frame to paint now; empty if none is due."""
        if not (self._is_live and self._has_news and self._pacer.is_due(now)):
            return []
        markdown = [close_safe_fences(part.live_frame().markdown) for part in self._parts]
        frame = self._frame("", markdown)
        self._has_news = any(part.pending for part in self._parts)
        self._pacer.record(now, [frame])
        return [frame]

    def end(self, index: int, is_complete: bool) -> None:
        """Take a column's text as ended; the markdown of one that was cut stays healed."""
        self._parts[index].is_cut = not is_complete

    def complete_frame(self) -> Frame:
        """Return all texts without cursors."""
        markdown = [part.close() for part in self._parts]
        texts = [
            f"{title}:\n\n{part.settled_text}"
            for title, part in zip(self._titles, self._parts, strict=True)
        ]
        return self._frame("\n\n".join(texts), markdown, is_settled=True)

    def _frame(
        self, text: str, markdown: Sequence[SafeMarkdown], is_settled: bool = False
    ) -> Frame:
        lines = map(escape_markdown, self._statuses)
        statuses = [fill_safe("*{}*", line) if line else EMPTY for line in lines]
        cells = [join_blocks(*cell) for cell in zip(markdown, statuses, strict=True)]
        columns = list(zip(self._titles, cells, strict=True))
        return Frame(0, text, columns_html(columns), is_settled, columns=columns)
