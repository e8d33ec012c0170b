"""A notebook's page: display handles that are updated, and nothing else, for every front end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from IPython.display import clear_output, display

from .base import Ending
from .parts import WAITING, Frame, fill_parts
from .publish import mime_bundle, output_metadata, publish_frame, publish_notices, publish_sources


class Notebook:
    """A display handle for each part, updated frame by frame.

    Args:
        answer_id: names the answer in the notebook's file.
        owns_cell: nothing else is in the cell, so the parts may be put together at the end.
    """

    is_live = True
    is_full = staticmethod(fill_parts)

    def __init__(self, answer_id: str, owns_cell: bool) -> None:
        self._answer = {"id": answer_id}
        self._owns_cell = owns_cell
        self._handles: dict[int, Any] = {}

    def show(self, frames: Iterable[Frame]) -> None:
        """Publish frames; ids are new in every run, or earlier outputs would change."""
        for frame in frames:
            # What is put together at the end is not worth a second copy of its text.
            self._publish(replace(frame, is_settled=frame.is_settled and not self._owns_cell), {})

    def finish(self, ending: Ending) -> None:
        """Publish the end: one output where the cell is ours, else the parts as they are."""
        is_in_parts = len(self._handles) > 1
        if not ending.whole.markdown:
            self._leave()
        elif self._owns_cell and is_in_parts:
            # With 'wait' the page keeps the old outputs until the new one is there.
            clear_output(wait=True)
            publish_frame(ending.whole, ending.metadata)
        else:
            for frame in filter(self._is_seen, ending.last):
                self._publish(frame, ending.metadata if frame.part >= 0 else {})
        publish_sources(ending.sources)
        publish_notices(ending.notices)

    def _is_seen(self, frame: Frame) -> bool:
        return bool(frame.markdown) or frame.part in self._handles

    def _leave(self) -> None:
        """No word has come: leave nothing on the page, so far as it is ours."""
        if self._owns_cell and self._handles:
            clear_output()
        elif self._handles:
            self._publish(Frame(WAITING, "", ""), {})

    def _publish(self, frame: Frame, facts: Mapping[str, Any]) -> None:
        bundle, metadata = mime_bundle(frame), output_metadata(frame, {**self._answer, **facts})
        handle = self._handles.get(frame.part) or self._handles.pop(WAITING, None)
        if handle is None:
            handle = display(bundle, raw=True, metadata=metadata, display_id=True)
        else:
            handle.update(bundle, raw=True, metadata=metadata)
        self._handles[frame.part] = handle
