"""A terminal: settled blocks are printed once and scroll; only the open block is repainted."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from ..markdown.definitions import find_definitions
from ..markdown.long_blocks import end_of_long_block
from ..markdown.plain_tokens import clean_markdown, parse_plain
from ..once import Once
from ..printing import write_text
from ..text import strip_control_chars
from .base import REASONING_ABOVE, REASONING_PART, Display, FinalOutput, Frame
from .footer import join_short_lines, source_lines
from .panels import panel_summary, write_no_panels
from .parts import freeze_by_size, freeze_every_block
from .rich_console import RichConsole
from .terminal_modes import TerminalModes
from .terminal_tables import value_table

_REASONING_LINES = 6
"""Lines of the reasoning that are shown while it arrives."""

_MIN_COLUMN_CHARS = 32
"""Width of a column at least; columns that would be narrower are put below each other."""


def choose_text_display(output: TextIO) -> Display:
    """Return the display for an output: rendered in a terminal, else plain text."""
    console = RichConsole(file=output)
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalDisplay(console)
    return PlainTextDisplay(output)


class PlainTextDisplay:
    """The text as it was received, while it arrives: for pipes, files and simple terminals.

    Args:
        output: where to write. Notices are no part of the answer: if this is the standard output,
            they go to the standard error.
    """

    is_live = True
    can_replace = False
    sanitize = staticmethod(clean_markdown)
    write_panels = staticmethod(write_no_panels)
    should_freeze = staticmethod(freeze_by_size)

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._notices = sys.stderr if output is sys.stdout else output
        self._written: dict[int, int] = {}

    def show(self, frames: Iterable[Frame]) -> None:
        """Write the new text; the status line and the reasoning are for terminals."""
        for frame in frames:
            if frame.part >= 0:
                written = self._written.get(frame.part, 0)
                self._write(frame.text[written:])
                self._written[frame.part] = max(len(frame.text), written)

    def restart(self) -> None:
        """Write the end tag of the reasoning, which the model has written after the text so far."""
        if self._written:
            self._write("\n</think>\n\n")
        self._written.clear()

    def finish(self, final: FinalOutput) -> None:
        """Write the rest of the text, and end the line."""
        self.show(final.frames)
        self._write("\n" if final.complete_frame.text else "")
        for line in source_lines(final.sources):
            self._write(f"{line}\n")
        for line in join_short_lines(final.notices):
            write_text(f"({line})\n", self._notices)

    def _write(self, text: str) -> None:
        if text:
            write_text(text, self._output)
            self._output.flush()


class TerminalDisplay:
    """Rendered markdown, and below it the block that is still open.

    Args:
        console: where to print.
    """

    is_live = True
    can_replace = False
    sanitize = staticmethod(clean_markdown)
    write_panels = staticmethod(write_no_panels)
    should_freeze = staticmethod(freeze_every_block)

    def __init__(self, console: RichConsole) -> None:
        self._console = console
        self._printed_parts: set[int] = set()
        self._printed_panels = Once()
        self._open_block: RenderableType = ""
        self._modes = TerminalModes(console.file)
        self._live = Live(
            console=console,
            get_renderable=self._tail,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, frames: Iterable[Frame]) -> None:
        """Print the settled frames, and repaint the open one."""
        for frame in frames:
            self._start()
            if frame.is_settled:
                self._print(frame)
            else:
                self._print_panels(frame)
                self._open_block = _render_live(frame)
            if any(panel.body is None for panel in frame.panels):
                self._open_block = ""
                self._stop()  # a running tool may prompt at the keyboard
        self._refresh()

    def restart(self) -> None:
        """Remove the open block, and say that what was printed was reasoning; it stays."""
        self._open_block = ""
        if self._printed_parts:
            self._console.print(Text(REASONING_ABOVE, style="dim"))
        self._printed_parts.clear()

    def finish(self, final: FinalOutput) -> None:
        """Print the rest of the text, the sources and the notices."""
        for frame in final.frames:
            self._print(frame)
        self._stop()
        for line in source_lines(final.sources):
            self._console.print(Text(line, style="dim"))
        for line in join_short_lines(final.notices):
            self._console.print(Text(f"({line})", style="dim"))

    def _start(self) -> None:
        self._modes.prepare()
        self._live.start()

    def _stop(self) -> None:
        self._live.stop()
        self._modes.restore()

    def _print_panels(self, frame: Frame) -> None:
        """Print a line for each tool that runs, and one for its result."""
        for index, panel in enumerate(frame.panels):
            if self._printed_panels.is_new((frame.part, index, panel.body is None)):
                self._console.print(Text(f"▸ {panel_summary(panel)}", style="dim"))

    def _print(self, frame: Frame) -> None:
        """Print a part for good; a part that was printed stays as it is."""
        with self._console:  # one write: the screen is never seen without the block
            self._open_block = ""
            # Rich paints the open block again below what is printed. A block as high as the
            # screen would scroll the print away, and the next refresh leaves a blank screen.
            self._refresh()
            self._print_panels(frame)
            if frame.part in self._printed_parts or not frame.markdown.strip():
                return
            blank_line = [""] if self._printed_parts else []
            self._console.print(*blank_line, _render_settled(frame), sep="\n")
            self._printed_parts.add(frame.part)

    def _refresh(self) -> None:
        if self._live.is_started:
            self._live.refresh()

    def _tail(self) -> Segments:
        """Return the end of the open block: a terminal cannot repaint above its screen."""
        block = self._open_block
        lines = self._console.render_lines(block, pad=False) if block else []
        visible = lines[-max(1, self._console.height - 1) :]
        return Segments([segment for line in visible for segment in (*line, Segment.line())])


def _render_live(frame: Frame) -> RenderableType:
    if frame.part != REASONING_PART:
        return _render_markdown(frame)
    lines = strip_control_chars(frame.text).splitlines()[-_REASONING_LINES:]
    return Text("\n".join(lines), style="dim italic")


def _render_settled(frame: Frame) -> RenderableType:
    if frame.part != REASONING_PART:
        return _render_markdown(frame)
    return Text(f"(reasoning: {len(frame.text)} characters)", style="dim")


def _render_markdown(frame: Frame) -> RenderableType:
    """Render markdown; link definitions, which render to nothing, are shown for their URLs."""
    if frame.value is not None:
        return value_table(frame.value)
    if frame.columns:
        return _Columns(frame.columns)
    # The screen shows the end of an open block alone, and a long one would take long to render.
    content = _ModelText(frame.markdown if frame.is_settled else end_of_long_block(frame.markdown))
    definitions = "\n".join(find_definitions(frame.text).values()) if frame.is_settled else ""
    if not definitions:
        return content
    return Group(content, Text(strip_control_chars(definitions), style="dim"))


class _ModelText(Markdown):
    """Markdown of a model; what the terminal can show of a formula depends on its encoding."""

    def __init__(self, markdown: str) -> None:
        # URLs are written out: a hyperlink in a terminal does not show where it leads.
        super().__init__("", code_theme="ansi_dark", hyperlinks=False)
        self._markdown = markdown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.parsed = parse_plain(self._markdown, options.encoding)
        yield from super().__rich_console__(console, options)


class _Columns:
    """Texts side by side, or below each other in a narrow terminal."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._cells = [
            Group(Text(title, style="bold"), _ModelText(markdown), "")
            for title, markdown in columns
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _MIN_COLUMN_CHARS * len(self._cells):
            yield Group(*self._cells)
            return
        grid = Table.grid(padding=(0, 2), expand=True)
        for _ in self._cells:
            grid.add_column(ratio=1)
        grid.add_row(*self._cells)
        yield grid
