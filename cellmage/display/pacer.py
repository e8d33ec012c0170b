"""The one rate law of all live views: when a frame may be painted. Pure; the caller has the clock.

A frame costs time: an interval, and longer where it has many characters, or formulas and the like,
which keep the page busy. Costs add up, and a frame is due when all frames before it are paid. An
urgent frame is due when all but the last are paid.

So in any time ``t`` at most ``MAX_CHARS_PER_SECOND * t`` characters are published, and two frames;
the page needs at most ``MAX_PAGE_SHARE * t`` for what is dear in them, and two frames; and there
are at most ``t / MIN_INTERVAL_SECONDS`` frames, and two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .base import Frame
from .page_cost import page_cost_ms

MIN_INTERVAL_SECONDS = 1 / 20
"""Time between two frames: more would not be seen, and front ends drop what arrives too fast."""

MAX_CHARS_PER_SECOND = 80_000
"""Characters that may be published in a second: a longer frame is painted less often."""

MAX_PAGE_SHARE = 0.15
"""Share of the page's time that formulas, diagrams, code and tables may take, as estimated. So a
page that is four times slower keeps up, and the last frame seldom waits for the one before it."""

FAST_TEXT_CHARS_PER_SECOND = 1_000
"""A text that arrives faster than this is fast: nobody reads along."""

FAST_MAX_CHARS_PER_SECOND = 28_000
"""Characters that may be published in a second while a fast text arrives."""


class Pacer:
    """Decide when the next frame is due.

    Args:
        interval: seconds between two frames at least.
        rate: characters that may be published in a second.

    Example:
        >>> pacer = Pacer()
        >>> pacer.is_due(0.0)
        True
        >>> pacer.record(0.0, [Frame(0, "", "x" * 8_000)])
        >>> pacer.is_due(0.09), pacer.is_due(0.09, is_urgent=True), pacer.is_due(0.1)
        (False, True, True)
    """

    def __init__(
        self, interval: float = MIN_INTERVAL_SECONDS, rate: float = MAX_CHARS_PER_SECOND
    ) -> None:
        self._interval = interval
        self._rate = rate
        self._received = 0
        self._started_at = math.inf
        self._due_at = self._urgent_due_at = -math.inf

    def receive(self, size: int) -> None:
        """Note that so many characters of text arrived: a fast text is painted less often."""
        self._received += size

    def is_due(self, now: float, is_urgent: bool = False) -> bool:
        """Return whether a frame may be painted now; the clock is the caller's, in seconds."""
        return now >= (self._urgent_due_at if is_urgent else self._due_at)

    def record(self, now: float, frames: Sequence[Frame]) -> None:
        """Note that these frames were published now."""
        self._started_at = min(self._started_at, now)
        self._urgent_due_at = max(now, self._due_at)
        self._due_at = self._urgent_due_at + max(self._interval, self._price(now, frames))

    def reset(self) -> None:
        """Let the next frame be due at once, whatever the frames before it cost."""
        self._due_at = self._urgent_due_at = -math.inf

    def _price(self, now: float, frames: Sequence[Frame]) -> float:
        """Return the seconds that frames cost by their content."""
        size = sum(len(frame.markdown) for frame in frames)
        page_seconds = sum(page_cost_ms(frame.markdown) for frame in frames) / 1000
        return size / self._current_rate(now) + page_seconds / MAX_PAGE_SHARE

    def _current_rate(self, now: float) -> float:
        """Return the characters that may be published in a second, at the speed of the text."""
        seconds = now - self._started_at + self._interval
        is_fast = self._received > FAST_TEXT_CHARS_PER_SECOND * seconds
        return min(self._rate, FAST_MAX_CHARS_PER_SECOND) if is_fast else self._rate
