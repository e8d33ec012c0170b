"""A console, such as `jupyter console`: what is printed stays, and updates are ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..markdown.sanitize import sanitize
from ..once import Once
from .base import REASONING_ABOVE, REASONING_PART, FinalOutput, Frame
from .outputs import publish_footer, publish_frame, publish_line
from .panels import panel_summary, panels_html
from .parts import freeze_every_block


class ConsoleDisplay:
    """Publish each settled part once, and the last one at the end.

    A console shows the ``text/plain`` of an output, and a line end after it.

    Args:
        answer_id: names the answer in the output's metadata.
    """

    is_live = True
    can_replace = False
    sanitize = staticmethod(sanitize)
    write_panels = staticmethod(panels_html)
    should_freeze = staticmethod(freeze_every_block)

    def __init__(self, answer_id: str) -> None:
        self._metadata = {"id": answer_id}
        self._published_parts: set[int] = set()
        self._published_panels = Once()

    def show(self, frames: Iterable[Frame]) -> None:
        """Publish the settled frames, and a line for each tool call and for its result."""
        for frame in frames:
            self._publish_panels(frame)
            if frame.is_settled:
                self._publish(frame, {})

    def restart(self) -> None:
        """Say that what was published was reasoning; it stays."""
        if self._published_parts:
            publish_line(REASONING_ABOVE)
        self._published_parts.clear()

    def finish(self, final: FinalOutput) -> None:
        """Publish the rest of the text, the sources and the notices."""
        for frame in final.frames:
            self._publish_panels(frame)
            self._publish(frame, final.metadata if frame.part >= 0 else {})
        publish_footer(final)

    def _publish(self, frame: Frame, metadata: Mapping[str, Any]) -> None:
        """Publish a part; a part that was published stays as it is."""
        if frame.part in self._published_parts or not frame.text.strip():
            return
        self._published_parts.add(frame.part)
        is_reasoning = frame.part == REASONING_PART
        count = f"(reasoning: {len(frame.text)} characters)"
        text = count if is_reasoning else frame.text.removesuffix("\n")
        publish_frame(replace(frame, text=text), {**self._metadata, **metadata})

    def _publish_panels(self, frame: Frame) -> None:
        for index, panel in enumerate(frame.panels):
            if self._published_panels.is_new((frame.part, index, panel.body is None)):
                publish_line(f"▸ {panel_summary(panel)}")
