"""Text in, frames out: when to paint, and what. Pure; the clock is the caller's."""

from __future__ import annotations

from dataclasses import dataclass

CURSOR = "▌"
INTERVAL = 1 / 20
"""Seconds between two frames: more would not be seen, and front ends drop what comes too fast."""

_PATIENCE = 0.4


@dataclass(frozen=True, slots=True)
class Frame:
    """What is on the page at one moment.

    Args:
        text: the text so far, as it was received.
        cursor: the mark at its end; empty in the last frame.
        status: a line to show while there is no text.
    """

    text: str
    cursor: str = ""
    status: str = ""

    @property
    def markdown(self) -> str:
        """The markdown to publish."""
        return f"*{self.status}*" if self.status else self.text + self.cursor


class LiveMarkdown:
    """Decides when a frame is due and what it holds.

    The first text is due at once. After that at most one frame is due in an interval, and none
    without news; news that waits becomes due when the interval is over, also when nothing follows.
    Until the first text a line says that we wait, and for how long.

    Args:
        now: the time in seconds, by any clock; the same clock for every call.
        live: False shows no text before the end.
        interval: seconds between two frames at least.

    Example:
        >>> live = LiveMarkdown(now=0.0)
        >>> live.feed("Hel"); live.due(0.1).markdown
        'Hel▌'
        >>> live.feed("lo"); live.due(0.11) is None, live.due(0.2).text, live.due(0.3) is None
        (True, 'Hello', True)
        >>> live.last()
        Frame(text='Hello', cursor='', status='')
    """

    def __init__(self, now: float, *, live: bool = True, interval: float = INTERVAL) -> None:
        self._began = now
        self._live = live
        self._interval = interval
        self._text: list[str] = []
        self._news = False
        self._painted = float("-inf")
        self._status = ""

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        self._text.append(text)
        self._news = True

    def due(self, now: float) -> Frame | None:
        """The frame to paint now, or None."""
        if not (self._live and self._text):
            return self._waiting(now)
        if not self._news or now - self._painted < self._interval:
            return None
        self._news, self._painted = False, now
        return Frame("".join(self._text), CURSOR)

    def last(self) -> Frame:
        """The last frame: all of the text, and no cursor."""
        return Frame("".join(self._text))

    def _waiting(self, now: float) -> Frame | None:
        waited = now - self._began
        status = "" if waited < _PATIENCE else "thinking…" + (f" {int(waited)} s" * (waited >= 1))
        if status == self._status:
            return None
        self._status = status
        return Frame("", status=status)
