"""Text in, frames out: the frames of one text while it arrives. Pure; the caller has the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..markdown.definitions import LinkDefinitions
from ..markdown.safe import SafeMarkdown, join_safe
from ..markdown.sanitize import sanitize
from .base import Frame
from .pacer import Pacer
from .panels import Panel, panels_html
from .parts import Part, freeze_by_size
from .reasoning import ReasoningBlock
from .status import StatusLine


class LiveMarkdown:
    """Decide when a frame is due, and what it contains.

    The first text is due at once. After that a frame is due when there is news and when the
    `Pacer` allows it; news that waits becomes due even if no text follows. Until the first text a
    status line shows for how long the user has been waiting.

    Blocks that no later text can change are frozen: their part gets its last frame, and the text
    continues in a new part. So the cost grows with the length of the text, not with its square. A
    block that cannot be frozen is painted less often, the longer it takes the page.

    Args:
        now: the time in seconds, by any clock; the same clock for every call.
        is_live: False shows no text before the end.
        sanitize: makes markdown harmless: see `cellmage.display.base.Display`.
        write_panels: returns panels as markdown.
        should_freeze: decides if a part is frozen: see `cellmage.display.parts.freeze_by_size`.

    Example:
        >>> live = LiveMarkdown(now=0.0)
        >>> live.feed("**Hel"); [frame.markdown for frame in live.frames_due(0.1)]
        ['**Hel▌**']
        >>> live.feed("lo**"); live.frames_due(0.11), [f.text for f in live.frames_due(0.2)]
        ([], ['**Hello**'])
        >>> live.frames_due(0.3), live.final_frames()[0].markdown
        ([], '**Hello**')
    """

    def __init__(
        self,
        now: float,
        *,
        is_live: bool = True,
        sanitize: Callable[[str], SafeMarkdown] = sanitize,
        write_panels: Callable[[Sequence[Panel]], SafeMarkdown] = panels_html,
        should_freeze: Callable[[float, float, int], bool] = freeze_by_size,
    ) -> None:
        self._is_live = is_live
        self._should_freeze = should_freeze
        self._pacer = Pacer()
        self._status = StatusLine(now)
        self._reasoning = ReasoningBlock(sanitize)
        self._part = Part(0, sanitize, write_panels)
        self._frozen: list[Frame] = []
        self._frozen_size = 0.0
        self._unshown: list[Frame] = []
        self._definitions = LinkDefinitions()
        self._is_urgent = False

    def feed(self, text: str) -> None:
        """Add the next piece of the text."""
        if text:
            self._part.pending.append(text)
            self._pacer.receive(len(text))

    def feed_reasoning(self, text: str) -> None:
        """Add the next piece of the reasoning, which is shown in a block above the text."""
        if text:
            self._is_urgent = self._is_urgent or not self._reasoning.has_content
            self._reasoning.feed(text)
            self._pacer.receive(len(text))

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Show panels after the text so far; later calls replace them until more text arrives."""
        # Of a new panel the page must know at once: its tool may keep the consumer's thread busy.
        self._part.absorb()
        self._is_urgent = self._is_urgent or len(panels) > len(self._part.open_panels)
        self._part.set_panels(panels)

    def set_status(self, status: str) -> None:
        """Set the line that is shown while no text has arrived; "" shows the waiting time."""
        self._status.text = status

    def frames_due(self, now: float) -> list[Frame]:
        """Return the frames to paint now, in order; empty if none is due."""
        if self._unshown:
            frames, self._unshown = self._unshown, []
            return self._record(now, list(map(self._with_definitions, frames)))
        has_text = self._is_live and self._has_text
        is_beginning = has_text and self._reasoning.is_open
        if is_beginning:
            self._pacer.reset()  # the reasoning may have cost seconds; the text does not wait
        if not self._pacer.is_due(now, self._is_urgent):
            return []
        self._is_urgent = False
        if not has_text and not (self._is_live and self._reasoning.has_content):
            return self._record(now, self._status.frames_due(now))
        if is_beginning:
            return [*self._reasoning.fold(), *self._record(now, self._text_frames())]
        return self._record(now, [*self._reasoning.frames_due(), *self._text_frames()])

    def catch_up(self) -> bool:
        """Absorb a slice of what no frame has shown; return whether more is left.

        At the end much may be left of a text that arrived faster than frames are painted. It
        becomes parts like the text before it: a page takes long for a large one.
        """
        self._part.absorb_slice()
        if self._is_live:
            self._unshown += self._freeze()
        return bool(self._part.pending or self._unshown)

    def end(self, is_complete: bool) -> None:
        """Take the text as ended; the markdown of one that was cut stays healed."""
        self._part.is_cut = not is_complete
        self._reasoning.end(is_complete or self._has_text)

    def final_frames(self) -> list[Frame]:
        """Return the final frames: of the open part, and of the parts that it changes.

        They have no cursor, and links find their definitions. The text is as it was received.
        """
        last, definitions = self._part.final_frame(), self._definitions
        definitions.add(last.part, last.markdown)
        changed = [f for f in self._frozen if definitions.find_later(f.part, f.markdown)]
        completed = map(self._with_definitions, [*changed, last])
        return [*self._reasoning.final_frames(), *completed]

    def complete_frame(self) -> Frame:
        """Return the text in one piece, for a page that shows it as one."""
        parts = [*self._frozen, self._part.final_frame()]
        text = "".join(frame.text for frame in parts)
        frames = [*self._reasoning.final_frames(), *parts]
        markdown = join_safe("", (frame.markdown for frame in frames))
        return Frame(0, text, markdown, is_settled=True)

    @property
    def _has_text(self) -> bool:
        return bool(self._frozen or self._part.has_content)

    def _record(self, now: float, frames: list[Frame]) -> list[Frame]:
        if frames:
            self._pacer.record(now, frames)
        return frames

    def _text_frames(self) -> list[Frame]:
        """Return the frames of the text if there is news of it."""
        if not self._part.has_news:
            return []
        self._part.absorb_slice()
        frames, live_frame = self._freeze(), self._part.current_frame()
        if live_frame.markdown:  # empty if `heal` holds back all of it
            frames.append(live_frame)
        return list(map(self._with_definitions, frames))

    def _freeze(self) -> list[Frame]:
        """Return the last frame of the part if it is frozen now."""
        size = self._part.size
        if not self._should_freeze(size, self._frozen_size, self._part.index):
            return []
        frame = self._part.frozen_frame()
        self._frozen_size += size
        self._frozen.append(frame)
        self._definitions.add(frame.part, frame.markdown)
        self._part = self._part.next_part()
        return [frame]

    def _with_definitions(self, frame: Frame) -> Frame:
        """Return the frame with the link definitions that it needs from other parts."""
        return replace(frame, markdown=self._definitions.attach(frame.part, frame.markdown))
