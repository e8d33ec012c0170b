"""A terminal: settled blocks are printed once and scroll; only the open one is painted again."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..markdown.control_chars import strip_control_chars
from ..markdown.definitions import find_definitions
from .base import Ending, Surface
from .panels import summary
from .parts import ASIDE, Frame, fill_blocks, fill_parts

_ASIDE_LINES = 6
_NARROW = 32
"""Characters that a column has at least."""


def terminal(output: TextIO) -> Surface:
    """What suits this output: a terminal that can be painted on, or plain text."""
    console = Console(file=output)
    if console.is_terminal and not console.is_dumb_terminal:
        return Terminal(console)
    return Plain(output)


class Plain:
    """The text as it was received, as it comes: for pipes, files and simple terminals.

    Args:
        output: where to write; what the reader should be told of the answer goes to the standard
            error where this is the standard output, since it is no part of the answer.
    """

    is_live = True
    is_full = staticmethod(fill_parts)

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._aside = sys.stderr if output is sys.stdout else output
        self._shown: dict[int, int] = {}

    def show(self, frames: Iterable[Frame]) -> None:
        """Write what is new; the line that waits and what is folded are for those who watch."""
        for frame in frames:
            if frame.part >= 0:
                self._write(frame.text[self._shown.get(frame.part, 0) :])
                self._shown[frame.part] = max(len(frame.text), self._shown.get(frame.part, 0))

    def finish(self, ending: Ending) -> None:
        """Write the rest, and end the line."""
        self.show(ending.last)
        self._write("\n" if ending.whole.text else "")
        for said in _numbered(ending.sources):
            self._write(f"{said}\n")
        for notice in ending.notices:
            self._aside.write(f"({strip_control_chars(notice)})\n")

    def _write(self, text: str) -> None:
        if text:
            self._output.write(strip_control_chars(text))
            self._output.flush()


class Terminal:
    """Rendered markdown, and below it the block that is being written.

    Args:
        console: where to print.
    """

    is_live = True
    is_full = staticmethod(fill_blocks)

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept: set[int] = set()
        self._told: set[tuple[int, int, bool]] = set()
        self._open: RenderableType = ""
        self._live = Live(
            console=console,
            get_renderable=self._tail,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, frames: Iterable[Frame]) -> None:
        """Print what is settled, and paint what is not."""
        for frame in frames:
            self._live.start()
            if frame.is_settled:
                self._keep(frame)
            else:
                self._tell(frame)
                self._open = _aside(frame) if frame.part == ASIDE else _markdown(frame)
            if any(panel.body is None for panel in frame.panels):
                self._open = ""
                self._live.stop()  # what runs now may ask at the keyboard
        if self._live.is_started:
            self._live.refresh()

    def finish(self, ending: Ending) -> None:
        """Print the rest, and what the reader should be told."""
        for frame in ending.last:
            self._keep(frame)
        self._live.stop()
        for (_, place), said in zip(ending.sources, _numbered(ending.sources), strict=True):
            self._console.print(Text(said, Style(dim=True, link=_target(place))))
        for notice in ending.notices:
            self._console.print(Text(strip_control_chars(f"({notice})"), style="dim"))

    def _tell(self, frame: Frame) -> None:
        """Print a line for each tool that runs, and one for what it gave."""
        for number, panel in enumerate(frame.panels):
            told = (frame.part, number, panel.body is None)
            if told not in self._told:
                self._told.add(told)
                self._console.print(Text(strip_control_chars(f"▸ {summary(panel)}"), style="dim"))

    def _keep(self, frame: Frame) -> None:
        """Print a part for good; what is printed stays as it is."""
        self._open = ""
        self._tell(frame)
        if frame.part in self._kept or not frame.markdown.strip():
            return
        content = _folded(frame) if frame.part == ASIDE else _markdown(frame)
        self._console.print(*([""] if self._kept else []), content, sep="\n")
        self._kept.add(frame.part)

    def _tail(self) -> Segments:
        """The end of the open block: what is painted again cannot be higher than the screen."""
        lines = self._console.render_lines(self._open, pad=False) if self._open else []
        shown = lines[-max(1, self._console.height - 1) :]
        return Segments([segment for line in shown for segment in (*line, Segment.line())])


def _markdown(frame: Frame) -> RenderableType:
    """The markdown; a definition, which renders to nothing, is shown for its address."""
    if frame.columns:
        return _Columns(frame.columns)
    # Addresses are written out: behind a hyperlink the reader would not see where it leads.
    content = Markdown(strip_control_chars(frame.markdown), code_theme="ansi_dark", hyperlinks=False)
    defined = "\n".join(find_definitions(frame.text).values()) if frame.is_settled else ""
    return Group(content, Text(strip_control_chars(defined), style="dim")) if defined else content


class _Columns:
    """Texts side by side, or below each other where there is no room."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._cells = [
            Group(Text(title, style="bold"), Markdown(strip_control_chars(markdown)), "")
            for title, markdown in columns
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _NARROW * len(self._cells):
            yield Group(*self._cells)
            return
        grid = Table.grid(padding=(0, 2), expand=True)
        for _ in self._cells:
            grid.add_column(ratio=1)
        grid.add_row(*self._cells)
        yield grid


def _aside(frame: Frame) -> RenderableType:
    text = strip_control_chars(frame.text).splitlines()[-_ASIDE_LINES:]
    return Text("\n".join(text), style="dim italic")


def _folded(frame: Frame) -> RenderableType:
    return Text(f"(reasoning: {len(frame.text)} characters)", style="dim")


def _numbered(sources: Sequence[tuple[str, str]]) -> list[str]:
    facts = enumerate(sources, 1)
    return [strip_control_chars(f"[{number}] {title} ({place})") for number, (title, place) in facts]


def _target(place: str) -> str | None:
    """Where a source leads: its address, or its file where there is one, with or without a line."""
    if place.startswith(("http://", "https://")):
        return quote(place, safe=":/?&=#%@+,;~", errors="replace")
    files = filter(os.path.isfile, (place, place.rpartition(":")[0]))
    return next((Path(file).absolute().as_uri() for file in files), None)
