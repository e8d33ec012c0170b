"""The reasoning of a model, in a block above the text that the user can fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..markdown.safe import SafeMarkdown, fill_safe
from .base import REASONING_PART, Frame
from .parts import Part

_OPEN = "<details open><summary>Thinking…</summary>\n\n{}\n</details>\n\n"
_FOLDED = "<details><summary>Reasoning</summary>\n\n{}\n</details>\n\n"


class ReasoningBlock:
    """One part of the page: unfolded while the model reasons, folded when the text begins.

    Args:
        sanitize: makes markdown harmless.
    """

    def __init__(self, sanitize: Callable[[str], SafeMarkdown]) -> None:
        self.is_open = True
        self._part = Part(REASONING_PART, lambda text: sanitize(_quote(text)))

    @property
    def has_content(self) -> bool:
        """True if any reasoning arrived."""
        return self._part.has_content

    def feed(self, text: str) -> None:
        """Add the next piece of the reasoning."""
        self._part.pending.append(text)

    def end(self, is_complete: bool) -> None:
        """Take the reasoning as ended; the markdown of one that was cut stays healed."""
        self._part.is_cut = not is_complete

    def frames_due(self) -> list[Frame]:
        """Return the frame of the block if there is news of it."""
        if not self._part.pending:
            return []
        if not self.is_open:
            return self.final_frames()
        frame = self._part.live_frame()
        # The markdown is empty if `heal` holds back all of it.
        return [_wrap(frame, is_open=True)] if frame.markdown else []

    def fold(self) -> list[Frame]:
        """Fold the block, and return its frame if the block has content."""
        self.is_open = False
        return self.final_frames()

    def final_frames(self) -> list[Frame]:
        """Return the frame of the folded block if the block has content."""
        frame = self._part.final_frame()
        return [_wrap(frame, is_open=False)] if frame.text else []


def _quote(text: str) -> str:
    """Return markdown as a block quote, whose end closes whatever is open in it."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def _wrap(frame: Frame, is_open: bool) -> Frame:
    """Wrap markdown in `<details>`; the HTML is constant, no text of the model goes into it."""
    return replace(frame, markdown=fill_safe(_OPEN if is_open else _FOLDED, frame.markdown))
