"""The parts of an answer on its page: what is settled, what may still change, what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from ..markdown.blocks import settled_end
from ..markdown.heal import heal
from .panels import Panel, panels_html

CURSOR = "▌"

PART = 4_000
"""Characters from which settled blocks leave the live part."""

PARTS = 14
"""Outputs that a text may have: JupyterLab trims a cell at 50, and others stand there too."""

ASIDE = -1
"""The part that stands folded above the others."""

WAITING = -2
"""The part that says that we wait; the first other part takes its place."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What one part of the page shows at one moment.

    Args:
        part: the number of the part, from 0, or `ASIDE` or `WAITING`; a frame takes the place of
            the last one of its part.
        text: the text of this part so far, as it was received.
        markdown: what to publish: healed while it arrives, and unable to act.
        is_settled: nothing to come changes this part.
        panels: those that stand in the markdown.
        columns: titles and markdown of what stands side by side in it.
    """

    part: int
    text: str
    markdown: str
    is_settled: bool = False
    panels: Sequence[Panel] = ()
    columns: Sequence[tuple[str, str]] = ()


def fill_parts(settled: int, before: int, number: int) -> bool:
    """Whether a part is full: for a page, where each part is an output of the cell.

    Parts grow with the text, so that there are never many.

    Args:
        settled: characters of the part that are settled.
        before: characters in the parts before it.
        number: the number of the part.
    """
    return settled >= max(PART, before / 2) and number + 1 < PARTS


def fill_blocks(settled: int, before: int, number: int) -> bool:
    """Whether a part is full: for a terminal, which keeps what is settled and scrolls."""
    return settled > 0


def closed(markdown: str) -> str:
    """Markdown whose last fence is closed: else it would swallow what follows.

    What is in a list or a quote ends with it.

    Example:
        >>> closed("~~~\\nx"), closed("- ```\\n  x")
        ('~~~\\nx\\n~~~', '- ```\\n  x')
    """
    if "```" not in markdown and "~~~" not in markdown:
        return markdown
    *_, last = [None, *_COMMONMARK.parse(markdown)]
    if last is None or last.type != "fence" or last.level or not last.map:
        return markdown
    end = markdown.splitlines()[last.map[0] + 1 : last.map[1]][-1:]
    is_closed = end and set(end[0].strip()) == {last.markup[0]} and last.markup in end[0]
    return markdown if is_closed else f"{markdown}\n{last.markup}"


_COMMONMARK = MarkdownIt("commonmark")


@dataclass(slots=True)
class Part:
    """The blocks that are settled, as received and as published, and what may still change."""

    number: int
    safe: Callable[[str], str]
    rest: str = ""
    text: str = ""
    markdown: str = ""
    fed: list[str] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    open: Sequence[Panel] = ()

    @property
    def has_text(self) -> bool:
        """Whether anything has come."""
        return bool(self.fed or self.text or self.rest or self.panels or self.open)

    def insert(self, panels: Sequence[Panel]) -> None:
        """Show panels behind what has come, in place of those that are open."""
        self.take()
        if not self.open:
            self.end()
            self.markdown += "\n\n" * bool(self.text)
        self.open = panels

    def end(self) -> str:
        """Settle all that has come, so that something else may follow, and give the markdown."""
        self.take()
        self.markdown = closed(self.markdown + self.safe(self.rest))
        self.text += self.rest
        self.rest = ""
        return self.markdown

    def take(self) -> None:
        """Take in what was fed, and settle what can be settled."""
        if self.fed and self.open:
            self.markdown += panels_html(self.open) + "\n\n"
            self.panels += self.open
            self.open = ()
        self.rest += "".join(self.fed)
        self.fed.clear()
        end = settled_end(self.rest)
        self.text += self.rest[:end]
        self.markdown += self.safe(self.rest[:end])
        self.rest = self.rest[end:]

    def so_far(self) -> Frame:
        """What to show while more may come."""
        self.take()
        last = f"{panels_html(self.open)}\n\n{CURSOR}" if self.open else heal(self.rest, CURSOR)
        shown = self.markdown + (last if self.open else self.safe(last))
        return Frame(self.number, self.text + self.rest, shown, panels=[*self.panels, *self.open])

    def settled(self) -> Frame:
        """The part without what may still change."""
        return Frame(self.number, self.text, self.markdown, True, self.panels)

    def whole(self) -> Frame:
        """All of it, as it was received, and no cursor."""
        self.take()
        shown = self.markdown + panels_html(self.open) + self.safe(self.rest)
        panels = [*self.panels, *self.open]
        return Frame(self.number, self.text + self.rest, shown, True, panels)
