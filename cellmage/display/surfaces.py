"""Where frames go: a notebook page, a terminal, or a record that nobody watches."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import clear_output, display

from .live import Frame

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer, as a surface shows it.

    Args:
        last: the last frames.
        whole: the text in one piece.
        metadata: what made it, for the notebook's file.
        notices: what the reader should be told about it.
    """

    last: Sequence[Frame]
    whole: Frame
    metadata: Mapping[str, Any]
    notices: Sequence[str] = ()


class Surface(Protocol):
    """Shows the frames of one answer."""

    def show(self, frames: Iterable[Frame]) -> None:
        """Show frames, each in place of the one before it of its part."""
        ...

    def finish(self, ending: Ending) -> None:
        """Show the end, and what the reader should be told about it."""
        ...


def surface_for(shell: InteractiveShell, owns_cell: bool) -> Surface:
    """The surface that the running cell writes to.

    Args:
        shell: the shell that runs the cell.
        owns_cell: whether the answer is all that the cell will ever show.
    """
    if isinstance(shell.display_pub, CapturingDisplayPublisher) or not is_watched(shell):
        return Record()
    return Notebook(owns_cell) if hasattr(shell, "kernel") else Terminal()


def is_watched(shell: InteractiveShell) -> bool:
    """Whether someone may be looking: nbclient, nbval, papermill and Voila send no stdin."""
    return execute_request(shell).get("content", {}).get("allow_stdin") is not False


def execute_request(shell: InteractiveShell) -> dict[str, Any]:
    """The message that asked for the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}


class Record:
    """One display at the end: nothing is animated where nobody watches."""

    def show(self, frames: Iterable[Frame]) -> None:
        """Show nothing yet."""

    def finish(self, ending: Ending) -> None:
        """Publish the answer, and the notices under it."""
        if ending.whole.text:
            display(_final(ending.whole), raw=True, metadata=dict(ending.metadata))
        _notices(ending.notices)


class Notebook:
    """A display handle for each part, updated frame by frame.

    Args:
        owns_cell: nothing else is in the cell, so the parts may be put together at the end.
    """

    def __init__(self, owns_cell: bool) -> None:
        self._owns_cell = owns_cell
        self._handles: dict[int, Any] = {}

    def show(self, frames: Iterable[Frame]) -> None:
        """Publish frames; ids are new in every run, or earlier outputs would change."""
        for frame in frames:
            self._publish(frame.part, {"text/markdown": frame.markdown}, {})

    def finish(self, ending: Ending) -> None:
        """Publish the end: one output where the cell is ours, else the parts as they are."""
        if self._owns_cell and self._handles and not ending.whole.text:
            clear_output()
        elif self._owns_cell and len(self._handles) > 1:
            # With 'wait' the page keeps the old outputs until the new one is there.
            clear_output(wait=True)
            display(_final(ending.whole), raw=True, metadata=dict(ending.metadata))
        elif ending.whole.text or self._handles:
            for frame in ending.last:
                self._publish(frame.part, _final(frame), ending.metadata)
        _notices(ending.notices)

    def _publish(self, part: int, bundle: dict[str, str], metadata: Mapping[str, Any]) -> None:
        if part in self._handles:
            self._handles[part].update(bundle, raw=True, metadata=dict(metadata))
        else:
            handle = display(bundle, raw=True, metadata=dict(metadata), display_id=True)
            self._handles[part] = handle


class Terminal:
    """Text as it comes; a line that waits is written over."""

    def __init__(self) -> None:
        self._shown: dict[int, int] = {}
        self._status = ""

    def show(self, frames: Iterable[Frame]) -> None:
        """Write what is new."""
        for frame in frames:
            self._line(frame.markdown.strip("*") if frame.is_status else "")
            self._write(_CONTROL.sub("", frame.text[self._shown.get(frame.part, 0) :]))
            self._shown[frame.part] = len(frame.text)

    def finish(self, ending: Ending) -> None:
        """Write the rest, and end the line."""
        self.show(ending.last)
        self._write("\n" if ending.whole.text else "")
        for notice in ending.notices:
            self._write(f"({notice})\n")

    def _line(self, status: str) -> None:
        """Write over the line that waits."""
        if sys.stdout.isatty() and (status or self._status):
            self._write("\r" + status.ljust(len(self._status)) + ("" if status else "\r"))
            self._status = status

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()


def _final(frame: Frame) -> dict[str, str]:
    return {"text/markdown": frame.markdown, "text/plain": _CONTROL.sub("", frame.text)}


def _notices(notices: Iterable[str]) -> None:
    for notice in notices:
        display({"text/markdown": f"*{notice}*", "text/plain": f"({notice})"}, raw=True)
