"""The line that is shown while no text has arrived."""

from __future__ import annotations

from ..markdown.escape import escape_markdown
from ..markdown.safe import EMPTY, SafeMarkdown, fill_safe
from .base import STATUS_PART, Frame

_DELAY_SECONDS = 0.4
"""Time before the line appears: most answers begin sooner."""


class StatusLine:
    """A status, and in its absence for how long the user has been waiting.

    Args:
        started_at: the time of the request, by the caller's clock in seconds; None shows no
            waiting time.
    """

    def __init__(self, started_at: float | None) -> None:
        self.text = ""
        self._started_at = started_at
        self._published = EMPTY

    def frames_due(self, now: float) -> list[Frame]:
        """Return the frame of the line if it has changed."""
        line = escape_markdown(self.text) or self._waiting_time(now)
        if not line or line == self._published:
            return []
        self._published = line
        return [Frame(STATUS_PART, "", fill_safe("*{}*", line))]

    def _waiting_time(self, now: float) -> SafeMarkdown:
        seconds = 0.0 if self._started_at is None else now - self._started_at
        if seconds < _DELAY_SECONDS:
            return EMPTY
        return escape_markdown("thinking…" + f" {int(seconds)} s" * (seconds >= 1))
