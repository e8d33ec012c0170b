"""A notebook's page: display handles that are updated, and nothing else, for every front end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from IPython.display import DisplayHandle, clear_output

from ..markdown.safe import EMPTY
from ..markdown.sanitize import sanitize
from .base import STATUS_PART, FinalOutput, Frame
from .foreign_output import OutputWatch
from .late_update import call_after_cell
from .message_rate import KERNEL_MESSAGES
from .outputs import Output, frame_output, publish, publish_footer, publish_frame
from .panels import panels_html
from .parts import freeze_by_size


class NotebookDisplay:
    """A display handle for each part, updated frame by frame.

    Args:
        answer_id: names the answer in the notebook's file.
        owns_cell: True if nothing else writes to the cell, so that its outputs may be cleared.
        joins_parts: True if the end replaces all parts of a cell that is ours by one output. The
            page then loses the place of a reader.
    """

    is_live = True
    can_replace = True
    sanitize = staticmethod(sanitize)
    write_panels = staticmethod(panels_html)
    should_freeze = staticmethod(freeze_by_size)

    def __init__(self, answer_id: str, owns_cell: bool, joins_parts: bool = False) -> None:
        self._metadata = {"id": answer_id}
        self._owns_cell = owns_cell
        self._joins_parts = joins_parts
        self._handles: dict[int, DisplayHandle] = {}
        self._published: dict[int, Output] = {}
        self._watch = OutputWatch() if owns_cell else None
        self._has_panels = False
        self._first_lost: int | None = None

    def show(self, frames: Iterable[Frame]) -> None:
        """Publish frames. Each run has new display ids, or outputs of earlier runs would change."""
        if self._first_lost is not None and not KERNEL_MESSAGES.is_high():
            self._show_anew()
        for frame in frames:
            self._has_panels = self._has_panels or bool(frame.panels)
            self._publish(frame, {})

    def restart(self) -> None:
        """Remove the parts; what a tool has printed or plotted stays."""
        if self._watch is not None and not self._watch.has_output:
            with self._watch.pause():
                clear_output(wait=True)
        else:
            for part in list(self._handles):
                self._publish(Frame(part, "", EMPTY), {})
        self._handles.clear()
        self._published.clear()

    def finish(self, final: FinalOutput) -> None:
        """Publish the end: what is not settled, so that a reader keeps the place."""
        if self._watch is not None:
            self._watch.stop()
        if not final.complete_frame.markdown:
            self._clear()
        elif self._should_join():
            # With 'wait' the page keeps the old outputs until the new one arrives.
            clear_output(wait=True)
            publish_frame(final.complete_frame, {**self._metadata, **final.metadata, "of": 1})
        else:
            self._publish_final(final)
            if self._first_lost is not None:
                call_after_cell(self._show_anew)
            elif self._watch is None or self._watch.has_output:
                call_after_cell(self._publish_again)
        publish_footer(final, self._metadata["id"])

    def _should_join(self) -> bool:
        """Return whether one output replaces all others of the cell.

        Of a short answer with tools, these are also the user's answers to "Run ...? [y/N]", which
        JupyterLab makes an output each. What a tool has printed or plotted stays.
        """
        if self._watch is None or self._watch.has_output:
            return False
        return self._joins_parts if len(self._handles) > 1 else self._has_panels

    def _publish_final(self, final: FinalOutput) -> None:
        """Publish the open parts; the last one says how the answer was made, and of how many.

        That is the reasoning, if there is no text: an empty output would stay for ever.
        """
        *others, last = final.visible_frames(self._handles)
        for frame in others:
            # A block that the page has as it is stays unfolded, if the user has unfolded it.
            if frame_output(frame, self._metadata) != self._published.get(frame.part):
                self._publish(frame, {})
        self._publish(last, {**final.metadata, "of": last.part + 1})

    def _clear(self) -> None:
        """Leave nothing on the page if no text arrived, as far as the page is ours."""
        if self._owns_cell and self._handles:
            clear_output()
        elif self._handles:
            self._publish(Frame(STATUS_PART, "", EMPTY), {})

    def _publish(self, frame: Frame, metadata: Mapping[str, Any]) -> None:
        output = frame_output(frame, {**self._metadata, **metadata})
        handle = self._handles.get(frame.part) or self._handles.pop(STATUS_PART, None)
        if handle is None and self._first_lost is None and KERNEL_MESSAGES.is_high():
            self._first_lost = frame.part
        with self._watch.pause() if self._watch is not None else nullcontext():
            self._handles[frame.part] = publish(output, handle)
        self._published[frame.part] = output

    def _show_anew(self) -> None:
        """Show the parts anew whose first message the server may have dropped, and all below them.

        An update of an output that never arrived changes nothing. One that arrived becomes empty.
        """
        for part in [part for part in self._handles if part >= (self._first_lost or 0)]:
            publish(Output(EMPTY, ""), self._handles.pop(part))
            self._handles[part] = publish(self._published[part])
        self._first_lost = None

    def _publish_again(self) -> None:
        """Repeat the last update of each part: other output of the cell may have had it dropped.

        An update changes nothing where it arrives twice, or where the output was removed.
        """
        for part, handle in self._handles.items():
            publish(self._published[part], handle)
