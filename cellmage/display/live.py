"""Text in, frames out: when to paint, and what. Pure; the clock is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .blocks import settled_end
from .healing import heal
from .neutralising import neutralise

CURSOR = "▌"
INTERVAL = 1 / 20
"""Seconds between two frames: more would not be seen, and front ends drop what comes too fast."""

RATE = 40_000
"""Characters published in a second, at most: a frame that is longer is painted less often."""

PART = 4_000
"""Characters from which settled blocks leave the live part."""

PARTS = 15
"""Outputs that an answer may have: JupyterLab trims a cell at 50, and others stand there too."""

_PATIENCE = 0.4


@dataclass(frozen=True, slots=True)
class Frame:
    """What one part of the page shows at one moment.

    Args:
        part: the number of the part, from 0; a frame takes the place of the last one of its part.
        text: the text of this part so far, as it was received.
        markdown: what to publish: healed while it arrives, and unable to act.
        is_status: a line that stands there until there is text.
    """

    part: int
    text: str
    markdown: str
    is_status: bool = False


@dataclass(slots=True)
class _Part:
    """The blocks that are settled, as received and as published, and what may still change."""

    number: int
    text: str = ""
    markdown: str = ""
    rest: str = ""


class LiveMarkdown:
    """Decides when a frame is due and what it holds.

    The first text is due at once. After that at most one frame is due in an interval, and none
    without news; news that waits becomes due when the interval is over, also when nothing follows.
    Until the first text a line says that we wait, and for how long.

    Blocks that nothing to come can change are frozen: their part gets its last frame, and the text
    goes on in a new part. So the cost grows with the length of the text, not with its square. The
    parts grow with the text, so that there are never many. A long block that cannot be frozen is
    painted less often.

    Args:
        now: the time in seconds, by any clock; the same clock for every call.
        live: False shows no text before the end.
        interval: seconds between two frames at least.
        safe: makes markdown unable to act.

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
    ) -> None:
        self._began = now
        self._live = live
        self._interval = interval
        self._safe = safe
        self._fed: list[str] = []
        self._frozen: list[Frame] = []
        self._part = _Part(0)
        self._next = float("-inf")
        self._status = ""

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        if text:
            self._fed.append(text)

    def due(self, now: float) -> list[Frame]:
        """The frames to paint now, in order; none when nothing is due."""
        if not self._live or not (self._fed or self._has_text()):
            return self._waiting(now)
        if not self._fed or now < self._next:
            return []
        frames = self._freeze()
        part = self._part
        markdown = part.markdown + self._safe(heal(part.rest, CURSOR))
        self._next = now + max(self._interval, len(markdown) / RATE)
        if markdown:  # all of it may be held back
            frames.append(Frame(part.number, part.text + part.rest, markdown))
        return frames

    def last(self) -> list[Frame]:
        """The last frame of the open part: its text as it was received, and no cursor."""
        self._take()
        part = self._part
        return [Frame(part.number, part.text + part.rest, part.markdown + self._safe(part.rest))]

    def whole(self) -> Frame:
        """The text in one piece, for a page that shows it as one."""
        parts = [*self._frozen, *self.last()]
        text, markdown = "".join(p.text for p in parts), "".join(p.markdown for p in parts)
        return Frame(0, text, markdown)

    def _has_text(self) -> bool:
        return bool(self._frozen or self._part.text or self._part.rest)

    def _take(self) -> None:
        """Take in what was fed, and settle what can be settled."""
        part = self._part
        part.rest += "".join(self._fed)
        self._fed.clear()
        end = settled_end(part.rest)
        part.text += part.rest[:end]
        part.markdown += self._safe(part.rest[:end])
        part.rest = part.rest[end:]

    def _freeze(self) -> list[Frame]:
        """Take in what was fed; the last frame of the part where that completes it."""
        self._take()
        part = self._part
        frozen = sum(len(frame.text) for frame in self._frozen)
        if len(part.text) < max(PART, frozen / 2) or part.number + 1 >= PARTS:
            return []
        frame = Frame(part.number, part.text, part.markdown)
        self._frozen.append(frame)
        self._part = _Part(part.number + 1, rest=part.rest)
        return [frame]

    def _waiting(self, now: float) -> list[Frame]:
        waited = now - self._began
        status = "" if waited < _PATIENCE else "thinking…" + f" {int(waited)} s" * (waited >= 1)
        if status == self._status:
            return []
        self._status = status
        return [Frame(0, "", f"*{status}*", is_status=True)]
