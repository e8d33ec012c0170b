"""The parts of an answer on its page: the settled text, and the text that may still change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..markdown.fences import close_safe_fences
from ..markdown.heal import heal
from ..markdown.safe import EMPTY, SafeMarkdown, fill_safe, join_safe
from ..markdown.settled import find_settled_end
from ..text import CURSOR
from .base import Frame
from .page_cost import page_cost_ms
from .panels import Panel, panels_html
from .slices import find_slice_end

MIN_PART_CHARS = 4_000
"""A part is frozen when this much of it is settled, or later."""

MIN_PART_PAGE_MS = 80
"""A part is frozen earlier if its formulas and the like take the page this long, as estimated: a
shorter answer stays one output."""

LARGE_PART = 8
"""A part of this size is frozen, however long the text is: a page is busy for 0.1 s with it."""

MANY_PARTS = 36
"""After so many parts, the next ones grow with the text again."""

MAX_PARTS = 42
"""Outputs that a text may have: JupyterLab trims a cell at 50, and a cell has other outputs too."""


def freeze_by_size(settled: float, before: float, index: int) -> bool:
    """Return whether a part is frozen: for a page, where each part is an output of the cell.

    Parts grow with the text, so that there are never many, but not beyond what a page renders
    without a pause that is felt.

    Args:
        settled: the size of the settled blocks of the part: see `part_size`.
        before: the size of the parts before it.
        index: the index of the part.
    """
    limit = LARGE_PART if index < MANY_PARTS else before
    return settled >= max(1, min(before / 2, limit)) and index + 1 < MAX_PARTS


def freeze_every_block(settled: float, before: float, index: int) -> bool:
    """Return whether a part is frozen: for a terminal, which prints settled blocks once."""
    return settled > 0


def part_size(text: str, markdown: str, page_ms: float) -> float:
    """Return the size of a part by its characters and its page time; 1 is enough for a part.

    Args:
        text: the text, as received.
        markdown: the text, as published. Panels make markdown long that has little text.
        page_ms: the estimated page time in milliseconds: see `cellmage.display.page_cost`.
    """
    chars = max(len(text), len(markdown) // 2)
    return max(chars / MIN_PART_CHARS, page_ms / MIN_PART_PAGE_MS)


@dataclass(slots=True)
class Part:
    """A part of the page, which absorbs text and settles its blocks.

    Args:
        index: the index of the part, or `cellmage.display.base.REASONING_PART`.
        sanitize: makes markdown harmless for the display.
        write_panels: returns panels as markdown, for the display.
        tail: text after the settled blocks, which may still change.
        settled_text: the settled blocks, as received.
        settled_markdown: the settled blocks, as published.
        settled_page_ms: the estimated page time of the settled blocks.
        pending: pieces that arrived and are not absorbed.
        panels: the panels in the settled markdown.
        open_panels: the panels at the end, which later panels replace.
        has_new_panels: True if no frame has shown the open panels.
        is_cut: True if the text ended before its end; its last block stays healed.
    """

    index: int
    sanitize: Callable[[str], SafeMarkdown]
    write_panels: Callable[[Sequence[Panel]], SafeMarkdown] = panels_html
    tail: str = ""
    settled_text: str = ""
    settled_markdown: SafeMarkdown = EMPTY
    settled_page_ms: float = 0.0
    pending: list[str] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    open_panels: Sequence[Panel] = ()
    has_new_panels: bool = False
    is_cut: bool = False

    @property
    def has_content(self) -> bool:
        """True if any text or panel arrived."""
        is_text = self.pending or self.settled_text or self.tail
        return bool(is_text or self.panels or self.open_panels)

    @property
    def has_news(self) -> bool:
        """True if text or panels arrived that no frame has shown."""
        return bool(self.pending) or self.has_new_panels

    @property
    def size(self) -> float:
        """The size of the settled blocks, for `freeze_by_size`; 0 if no text is settled."""
        if not self.settled_text:
            return 0.0
        return part_size(self.settled_text, self.settled_markdown, self.settled_page_ms)

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Show panels after the text so far, in place of the open panels."""
        self.absorb()
        if not self.open_panels:
            self.close()
            if self.settled_text:
                self.settled_markdown = fill_safe("{}\n\n", self.settled_markdown)
        self.open_panels = panels
        self.has_new_panels = True

    def close(self) -> SafeMarkdown:
        """Settle all text, so that something else may follow it, and return the markdown."""
        self.absorb()
        self._settle(len(self.tail), self._final_tail())
        self.settled_markdown = close_safe_fences(self.settled_markdown)
        return self.settled_markdown

    def absorb(self) -> None:
        """Absorb all of the pending text."""
        self.absorb_slice()
        while self.pending:
            self.absorb_slice()

    def absorb_slice(self) -> None:
        """Add pending text to the tail, as much as one frame may, and settle complete blocks."""
        if self.pending and self.open_panels:
            panels = self.write_panels(self.open_panels)
            self.settled_markdown = fill_safe("{}{}\n\n", self.settled_markdown, panels)
            self.panels += self.open_panels
            self.open_panels = ()
        pending = "".join(self.pending)
        slice_end = find_slice_end(pending, self.tail)
        self.tail += pending[:slice_end]
        self.pending = [pending[slice_end:]] if len(pending) > slice_end else []
        end = find_settled_end(self.tail)
        self._settle(end, self.sanitize(self.tail[:end]))

    def _settle(self, end: int, markdown: SafeMarkdown) -> None:
        """Move the tail up to this offset to the settled blocks."""
        self.settled_text += self.tail[:end]
        self.settled_markdown = self._with_settled(markdown)
        self.settled_page_ms += page_cost_ms(markdown)
        self.tail = self.tail[end:]

    def next_part(self) -> Part:
        """Return the part after this one, which has what is not settled here."""
        return Part(
            self.index + 1,
            self.sanitize,
            self.write_panels,
            self.tail,
            pending=self.pending,
            open_panels=self.open_panels,
            has_new_panels=self.has_new_panels,
        )

    def live_frame(self) -> Frame:
        """Return the next frame to show while more may arrive."""
        self.absorb_slice()
        return self.current_frame()

    def current_frame(self) -> Frame:
        """Return the frame of what is absorbed, to show while more may arrive."""
        self.has_new_panels = False
        if self.open_panels:
            tail = fill_safe("{}\n\n" + CURSOR, self.write_panels(self.open_panels))
        else:
            tail = self.sanitize(heal(self.tail, CURSOR))
        panels = [*self.panels, *self.open_panels]
        text = self.settled_text + self.tail
        return Frame(self.index, text, self._with_settled(tail), panels=panels)

    def frozen_frame(self) -> Frame:
        """Return the frame of the settled blocks alone."""
        return Frame(self.index, self.settled_text, self.settled_markdown, True, self.panels)

    def final_frame(self) -> Frame:
        """Return the frame at the end, without a cursor."""
        self.absorb()
        tail = join_safe("", [self.write_panels(self.open_panels), self._final_tail()])
        panels = [*self.panels, *self.open_panels]
        text = self.settled_text + self.tail
        return Frame(self.index, text, self._with_settled(tail), True, panels)

    def _with_settled(self, markdown: SafeMarkdown) -> SafeMarkdown:
        return join_safe("", [self.settled_markdown, markdown])

    def _final_tail(self) -> SafeMarkdown:
        """Return the markdown of the tail at the end; of a cut text, as the last live frame."""
        healed = heal(self.tail) if self.is_cut else self.tail
        # A text of which `heal` shows nothing is shown as it is: an empty output has no metadata.
        return self.sanitize(healed if healed or self.settled_text else self.tail)
