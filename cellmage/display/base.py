"""Frames, and the two protocols: live views make frames, displays show them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..markdown.safe import SafeMarkdown
from .footer import Source
from .panels import Panel

REASONING_PART = -1
"""The part of the page that holds the reasoning, folded, above the text."""

REASONING_ABOVE = "(the text above was the model's reasoning)"
"""The line below a text that turned out to be reasoning, where it cannot be removed."""

STATUS_PART = -2
"""The part that shows the status while no text has arrived; the first other part replaces it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The content of one part of the page at one moment.

    Args:
        part: the index of the part, from 0, or `REASONING_PART` or `STATUS_PART`; a frame replaces
            the last one of its part.
        text: the text of this part so far, as it was received.
        markdown: what to publish: healed while it arrives, and sanitized by the display.
        is_settled: True if no later text changes this part.
        panels: the panels in the markdown.
        columns: titles and markdown of the columns in it.
        value: the value that the markdown shows as a table; None if it shows none.
    """

    part: int
    text: str
    markdown: SafeMarkdown
    is_settled: bool = False
    panels: Sequence[Panel] = ()
    columns: Sequence[tuple[str, SafeMarkdown]] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class FinalOutput:
    """The end of an answer, as a display shows it.

    Args:
        frames: the final frames of the parts that are still open.
        complete_frame: the text in one piece.
        metadata: how the answer was made, for the notebook's file.
        notices: messages to the user about the answer.
        sources: the passages that were found for it.
    """

    frames: Sequence[Frame]
    complete_frame: Frame
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
    sources: Sequence[Source] = ()

    def visible_frames(self, shown: Container[int]) -> list[Frame]:
        """Return the frames that show something, or that replace what is shown.

        Args:
            shown: the parts that the page shows.
        """
        return [frame for frame in self.frames if frame.markdown or frame.part in shown]


class LiveView(Protocol):
    """Text in, frames out: `LiveMarkdown` for text, `LiveTable` for a value."""

    def feed(self, text: str) -> None:
        """Add the next piece of the text."""
        ...

    def feed_reasoning(self, text: str) -> None:
        """Add the next piece of the reasoning."""
        ...

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Show panels after the text so far; later calls replace them until more text arrives."""
        ...

    def set_status(self, status: str) -> None:
        """Set the line that is shown while no text has arrived."""
        ...

    def frames_due(self, now: float) -> list[Frame]:
        """Return the frames to paint now, in order; empty if none is due."""
        ...

    def catch_up(self) -> bool:
        """Take in a part of the text that no frame has shown; return whether more is left."""
        ...

    def end(self, is_complete: bool) -> None:
        """Take the text as ended; the markdown of one that was cut stays healed."""
        ...

    def final_frames(self) -> list[Frame]:
        """Return the final frames of the parts that are not settled."""
        ...

    def complete_frame(self) -> Frame:
        """Return the text in one piece."""
        ...


class Display(Protocol):
    """Shows the frames of one answer: on a page, in a terminal, in a pipe."""

    is_live: bool
    """False if nobody sees the text before its end."""

    can_replace: bool
    """True if the end may replace what was shown."""

    def sanitize(self, markdown: str, image_hosts: Collection[str]) -> SafeMarkdown:
        """Return the markdown of a model such that it cannot act here.

        A page and a terminal differ in what acts: HTML, or control characters.

        Args:
            markdown: what a model wrote, complete or healed.
            image_hosts: hosts from which images may be loaded.
        """
        ...

    def write_panels(self, panels: Sequence[Panel]) -> SafeMarkdown:
        """Return panels as markdown; empty where `show` prints them itself."""
        ...

    def should_freeze(self, settled: float, before: float, index: int) -> bool:
        """Return whether a part is frozen: see `cellmage.display.parts.freeze_by_size`."""
        ...

    def show(self, frames: Iterable[Frame]) -> None:
        """Show frames; each replaces the frame before it of its part."""
        ...

    def restart(self) -> None:
        """Remove what was shown, as far as it can be: the answer is shown anew."""
        ...

    def finish(self, final: FinalOutput) -> None:
        """Show the end of the answer, its sources and its notices."""
        ...
