"""Show an answer in place of an older one, as outputs of its cell: see ``answer_bar.js``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..display.base import REASONING_PART, STATUS_PART, FinalOutput, Frame
from ..display.footer import join_short_lines, small_lines, sources_markdown
from ..display.outputs import Output, frame_output
from ..display.panels import panels_html
from ..display.parts import freeze_by_size
from ..markdown.safe import join_blocks
from ..markdown.sanitize import sanitize

NOTES_PART = 1_000_000
"""The part below an answer: its sources, and the lines about it."""

Parts = Mapping[int, dict[str, Any] | None]
"""Outputs of a notebook by part; None removes the part."""


class OutputsDisplay:
    """Shows an answer by outputs that the page puts into the cell.

    Args:
        answer_id: names the answer in the notebook's file.
        send: receives the parts that have changed.
    """

    is_live = True
    can_replace = True
    sanitize = staticmethod(sanitize)
    write_panels = staticmethod(panels_html)
    should_freeze = staticmethod(freeze_by_size)

    def __init__(self, answer_id: str, send: Callable[[Parts], object]) -> None:
        self._id = answer_id
        self._send = send
        self._shown: dict[int, dict[str, Any]] = {}

    def show(self, frames: Iterable[Frame]) -> None:
        """Show frames; the status goes when anything else comes."""
        parts = {frame.part: self._output(frame, {}) for frame in frames}
        if any(part >= REASONING_PART for part in parts):
            parts = {STATUS_PART: None, **parts}
        self._change(parts)

    def restart(self) -> None:
        """Remove all parts."""
        self._change(dict.fromkeys(self._shown))

    def finish(self, final: FinalOutput) -> None:
        """Show the end, with the sources and the lines about the answer."""
        if not final.complete_frame.markdown:
            self.restart()
        else:
            *others, last = final.visible_frames(self._shown)
            outputs = {frame.part: self._output(frame, {}) for frame in others}
            outputs[last.part] = self._output(last, {**final.metadata, "of": last.part + 1})
            self._change({STATUS_PART: None, **outputs})
        notes = join_blocks(
            sources_markdown(final.sources), small_lines(join_short_lines(final.notices))
        )
        if notes:
            text = "\n".join(join_short_lines(final.notices))
            below = {"cellmage": {"below": self._id}}
            self._change({NOTES_PART: _as_saved(Output(notes, text, metadata=below))})

    def _output(self, frame: Frame, metadata: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a frame as an output; None if it shows nothing and no later one will."""
        if not frame.markdown and frame.part not in self._shown:
            return None
        return _as_saved(frame_output(frame, {"id": self._id, **metadata}))

    def _change(self, parts: Parts) -> None:
        changed = {part: new for part, new in parts.items() if new != self._shown.get(part)}
        for part, output in changed.items():
            if output is None:
                del self._shown[part]
            else:
                self._shown[part] = output
        if changed:
            self._send(changed)


def _as_saved(output: Output) -> dict[str, Any]:
    """Return an output as a notebook's file has it."""
    return {
        "output_type": "display_data",
        "data": output.bundle(),
        "metadata": dict(output.metadata),
    }
