"""Text in, frames out: when to paint, and what. Pure; the clock is the caller's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..markdown.definitions import References
from ..markdown.sanitize import neutralise
from .panels import Panel
from .parts import ASIDE, WAITING, Frame, Part, fill_parts

INTERVAL = 1 / 20
"""Seconds between two frames: more would not be seen, and front ends drop what comes too fast."""

RATE = 80_000
"""Characters published in a second, at most: a frame that is longer is painted less often."""

FAST = 1_000
FAST_RATE = 28_000
"""The same for a text that comes faster than so many characters a second: nobody reads along."""

_PATIENCE = 0.4

_LEAP = 0.1
"""Seconds between two frames that come before their time: the page waits for what follows them."""


class LiveMarkdown:
    """Decides when a frame is due and what it holds.

    The first text is due at once. After that at most one frame is due in an interval, and none
    without news; news that waits becomes due when the interval is over, also when nothing follows.
    Until the first text a line says that we wait, and for how long.

    Blocks that nothing to come can change are frozen: their part gets its last frame, and the text
    goes on in a new part. So the cost grows with the length of the text, not with its square. A
    long block that cannot be frozen is painted less often.

    Args:
        now: the time in seconds, by any clock; the same clock for every call.
        live: False shows no text before the end.
        interval: seconds between two frames at least.
        safe: makes markdown unable to act.
        is_full: whether what is settled of a part is enough to freeze it: see `fill_parts`.

    Example:
        >>> live = LiveMarkdown(now=0.0)
        >>> live.feed("**Hel"); [frame.markdown for frame in live.due(0.1)]
        ['**Hel▌**']
        >>> live.feed("lo**"); live.due(0.11), [frame.text for frame in live.due(0.2)]
        ([], ['**Hello**'])
        >>> live.due(0.3), live.last()[0].markdown
        ([], '**Hello**')
    """

    def __init__(
        self,
        now: float,
        *,
        live: bool = True,
        interval: float = INTERVAL,
        safe: Callable[[str], str] = neutralise,
        is_full: Callable[[int, int, int], bool] = fill_parts,
    ) -> None:
        self._began = now
        self._live = live
        self._interval = interval
        self._safe = safe
        self._is_full = is_full
        self._frozen: list[Frame] = []
        self._references = References()
        self._part = Part(0, safe)
        self._aside = Part(ASIDE, lambda text: safe(_quoted(text)))
        self._is_aside_open = True
        self._first, self._next = math.inf, -math.inf
        self._received = 0
        self._status = self._said = ""
        self._has_panels = self._leaps = False
        self._leapt = -math.inf

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        if text:
            self._part.fed.append(text)
            self._received += len(text)

    def feed_aside(self, text: str) -> None:
        """Take the next piece of what stands folded above the text, such as reasoning."""
        if text:
            self._aside.fed.append(text)
            self._received += len(text)

    def insert(self, panels: Sequence[Panel]) -> None:
        """Show panels behind the text that has come; again, in their place, until more comes."""
        self._leaps = self._leaps or len(panels) > len(self._part.open)
        self._part.insert(panels)
        self._has_panels = True

    def say(self, status: str) -> None:
        """What the line that waits says; when it is empty, that we wait, and for how long."""
        self._said = status

    def due(self, now: float) -> list[Frame]:
        """The frames to paint now, in order; none when nothing is due."""
        has_begun = bool(self._frozen or self._part.has_text)
        if not self._live or not (has_begun or self._aside.has_text):
            return self._waiting(now)
        is_first = has_begun and self._is_aside_open
        is_leap = self._leaps and now >= self._leapt + _LEAP
        if now < self._next and not (is_first or is_leap):
            return []
        frames = self._aside_frames(is_open=not has_begun)
        if self._part.fed or self._has_panels:
            frames += self._text_frames()
        self._leaps, self._leapt = False, now if is_leap else self._leapt
        if frames:
            self._next = now + max(self._interval, len(frames[-1].markdown) / self._rate(now))
        return frames

    def last(self) -> list[Frame]:
        """The last frames: of the open part, and of those that it changes.

        The text stands as it was received, without a cursor, and links find their definitions.
        """
        part, references = self._part.whole(), self._references
        references.add(part.part, part.markdown)
        changed = [frame for frame in self._frozen if references.after(frame.part, frame.markdown)]
        return [*self._folded(), *map(self._complete, [*changed, part])]

    def whole(self) -> Frame:
        """The text in one piece, for a page that shows it as one."""
        parts = [*self._frozen, self._part.whole()]
        text = "".join(frame.text for frame in parts)
        shown = "".join(frame.markdown for frame in (*self._folded(), *parts))
        return Frame(0, text, shown, is_settled=True)

    def _rate(self, now: float) -> float:
        """Characters that may be published in a second, at the speed at which the text comes."""
        self._first = min(self._first, now)
        is_fast = self._received > FAST * (now - self._first + self._interval)
        return FAST_RATE if is_fast else RATE

    def _aside_frames(self, is_open: bool) -> list[Frame]:
        """The frame of the aside, when there is news of it; it folds when the text begins."""
        is_folding = self._is_aside_open and not is_open
        self._is_aside_open = is_open
        if not self._aside.fed and not is_folding:
            return []
        if not is_open:
            return self._folded()
        frame = self._aside.so_far()
        if not frame.markdown:  # all of it is held back
            return []
        return [replace(frame, markdown=_fold(frame.markdown, is_open))]

    def _folded(self) -> list[Frame]:
        frame = self._aside.whole()
        return [replace(frame, markdown=_fold(frame.markdown, False))] if frame.text else []

    def _text_frames(self) -> list[Frame]:
        self._has_panels = False
        self._part.take()
        frames, shown = self._freeze(), self._part.so_far()
        if shown.markdown:  # all of it may be held back
            frames.append(shown)
        return list(map(self._complete, frames))

    def _freeze(self) -> list[Frame]:
        """The last frame of the part, where it is full."""
        part = self._part
        before = sum(len(frame.text) for frame in self._frozen)
        # Panels make a part long that has little text.
        size = max(len(part.text), len(part.markdown) // 2) if part.text else 0
        if not self._is_full(size, before, part.number):
            return []
        frame = part.settled()
        self._frozen.append(frame)
        self._references.add(frame.part, frame.markdown)
        self._part = Part(part.number + 1, self._safe, part.rest, open=part.open)
        return [frame]

    def _complete(self, frame: Frame) -> Frame:
        """The frame with the definitions that it needs from other parts."""
        return replace(frame, markdown=self._references.complete(frame.part, frame.markdown))

    def _waiting(self, now: float) -> list[Frame]:
        waited = now - self._began
        status = "" if waited < _PATIENCE else "thinking…" + f" {int(waited)} s" * (waited >= 1)
        status = self._safe(self._said.replace("*", "\\*")) or status
        if status == self._status or not status:
            return []
        self._status = status
        return [Frame(WAITING, "", f"*{status}*")]


def _quoted(text: str) -> str:
    """As a quote, whose end closes whatever is open in it."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def _fold(markdown: str, is_open: bool) -> str:
    """Markdown that the reader can open and close; HTML of our own, in which no part is given."""
    state, summary = (" open", "Thinking…") if is_open else ("", "Reasoning")
    head = f"<details{state}><summary>{summary}</summary>"
    return f"{head}\n\n{markdown}\n</details>\n\n"
