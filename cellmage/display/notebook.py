"""A notebook's page: display handles that are updated, and nothing else, for every front end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from IPython.display import clear_output, display

from ..markdown.control_chars import printable
from ..markdown.sanitize import neutralise
from .base import Ending
from .parts import ASIDE, WAITING, Frame, fill_parts
from .tables import text_of


class Record:
    """One display at the end: nothing is animated where nobody watches."""

    is_live = False
    is_full = staticmethod(fill_parts)

    def show(self, frames: Iterable[Frame]) -> None:
        """Show nothing yet."""

    def finish(self, ending: Ending) -> None:
        """Publish the answer, and the notices under it."""
        if ending.whole.markdown:
            _display(ending.whole, ending.metadata)
        _sources(ending.sources)
        _notices(ending.notices)


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
            _display(ending.whole, ending.metadata)
        else:
            for frame in filter(self._is_seen, ending.last):
                self._publish(frame, ending.metadata if frame.part >= 0 else {})
        _sources(ending.sources)
        _notices(ending.notices)

    def _is_seen(self, frame: Frame) -> bool:
        return bool(frame.markdown) or frame.part in self._handles

    def _leave(self) -> None:
        """No word has come: leave nothing on the page, so far as it is ours."""
        if self._owns_cell and self._handles:
            clear_output()
        elif self._handles:
            self._publish(Frame(WAITING, "", ""), {})

    def _publish(self, frame: Frame, facts: Mapping[str, Any]) -> None:
        bundle, metadata = _bundle(frame), _metadata(frame, {**self._answer, **facts})
        handle = self._handles.get(frame.part) or self._handles.pop(WAITING, None)
        if handle is None:
            handle = display(bundle, raw=True, metadata=metadata, display_id=True)
        else:
            handle.update(bundle, raw=True, metadata=metadata)
        self._handles[frame.part] = handle


def _bundle(frame: Frame) -> dict[str, str]:
    """A settled frame holds the received text too, for consoles and for who reads the file."""
    bundle = {"text/markdown": frame.markdown}
    return bundle | {"text/plain": printable(frame.text)} if frame.is_settled else bundle


def _metadata(frame: Frame, facts: Mapping[str, Any]) -> dict[str, Any]:
    if not frame.is_settled:
        return {}
    return {"cellmage": {**facts, "part": "reasoning" if frame.part == ASIDE else frame.part}}


def _display(frame: Frame, facts: Mapping[str, Any]) -> None:
    display(_bundle(frame), raw=True, metadata=_metadata(frame, facts))


def _notices(notices: Iterable[str]) -> None:
    """What the reader should be told; it may quote a provider, and must not act either."""
    for notice in (printable(" ".join(each.split())) for each in notices):
        markdown = neutralise(f"*{notice}*")
        display({"text/markdown": markdown, "text/plain": f"({notice})"}, raw=True)


def _sources(sources: Iterable[tuple[str, str]]) -> None:
    """Numbered, with a link where the file is below the folder that the kernel runs in."""
    links = [_link(title, place) for title, place in sources]
    if links:
        markdown = "\n".join(f"{number}. {link}" for number, link in enumerate(links, 1))
        plain = "\n".join(f"[{number}] {t} ({p})" for number, (t, p) in enumerate(sources, 1))
        display({"text/markdown": markdown, "text/plain": printable(plain)}, raw=True)


def _link(title: str, place: str) -> str:
    name = text_of(title)
    if place.startswith(("http://", "https://")):
        return neutralise(f"[{name}]({quote(place, safe=_IN_ADDRESSES)})")
    path = place.rpartition(":")[0] or place
    below = os.path.relpath(path) if path else os.pardir
    if below.startswith(os.pardir) or not os.path.exists(below):
        return f"{name} ({text_of(place)})" if place else name
    return f"[{name}](<{quote(below)}>)"


_IN_ADDRESSES = ":/?&=#%@+,;~"
