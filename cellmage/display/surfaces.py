"""Where frames go: a notebook page, a terminal, or a record that nobody watches."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from .live import Frame

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Surface(Protocol):
    """Shows the frames of one answer."""

    def show(self, frame: Frame) -> None:
        """Show a frame in place of the one before."""
        ...

    def finish(
        self, frame: Frame, metadata: Mapping[str, Any], notices: Iterable[str] = ()
    ) -> None:
        """Show the last frame, and what the reader should be told about it."""
        ...


def surface_for(shell: InteractiveShell) -> Surface:
    """The surface that the running cell writes to."""
    if isinstance(shell.display_pub, CapturingDisplayPublisher) or not is_watched(shell):
        return Record()
    return Notebook() if hasattr(shell, "kernel") else Terminal()


def is_watched(shell: InteractiveShell) -> bool:
    """Whether someone may be looking: nbclient, nbval, papermill and Voila send no stdin."""
    return execute_request(shell).get("content", {}).get("allow_stdin") is not False


def execute_request(shell: InteractiveShell) -> dict[str, Any]:
    """The message that asked for the running cell; empty in a terminal."""
    return getattr(shell, "get_parent", dict)() or {}


class Record:
    """One display at the end: nothing is animated where nobody watches."""

    def show(self, frame: Frame) -> None:
        """Show nothing yet."""

    def finish(
        self, frame: Frame, metadata: Mapping[str, Any], notices: Iterable[str] = ()
    ) -> None:
        """Publish the answer, and the notices under it."""
        if frame.text:
            display(_final(frame), raw=True, metadata=dict(metadata))
        _notices(notices)


class Notebook:
    """A display handle that is updated frame by frame."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, frame: Frame) -> None:
        """Publish the frame; its id is new in every run, or earlier outputs would change."""
        self._publish({"text/markdown": frame.markdown}, {})

    def finish(
        self, frame: Frame, metadata: Mapping[str, Any], notices: Iterable[str] = ()
    ) -> None:
        """Publish the last frame, which alone holds the received text for consoles and files."""
        if frame.text or self._handle:
            self._publish(_final(frame), metadata)
        _notices(notices)

    def _publish(self, bundle: dict[str, str], metadata: Mapping[str, Any]) -> None:
        if self._handle is None:
            self._handle = display(bundle, raw=True, metadata=dict(metadata), display_id=True)
        else:
            self._handle.update(bundle, raw=True, metadata=dict(metadata))


class Terminal:
    """Text as it comes; a line that waits is written over."""

    def __init__(self) -> None:
        self._shown = 0
        self._status = ""

    def show(self, frame: Frame) -> None:
        """Write what is new."""
        if frame.status and not sys.stdout.isatty():
            return
        self._write(("\r" if self._status else "") + frame.status.ljust(len(self._status)))
        if self._status and not frame.status:
            self._write("\r")
        self._status = frame.status
        self._write(_CONTROL.sub("", frame.text[self._shown :]))
        self._shown = len(frame.text)

    def finish(
        self, frame: Frame, metadata: Mapping[str, Any], notices: Iterable[str] = ()
    ) -> None:
        """Write the rest, and end the line."""
        self.show(frame)
        self._write("\n" if frame.text else "")
        for notice in notices:
            self._write(f"({notice})\n")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()


def _final(frame: Frame) -> dict[str, str]:
    return {"text/markdown": frame.markdown, "text/plain": _CONTROL.sub("", frame.text)}


def _notices(notices: Iterable[str]) -> None:
    for notice in notices:
        display({"text/markdown": f"*{notice}*", "text/plain": f"({notice})"}, raw=True)
