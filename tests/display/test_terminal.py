"""The lines of a terminal, by an emulator of one, and of a pipe."""

from __future__ import annotations

import io
import re
import unicodedata
from functools import partial

import pyte
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.markdown import Markdown

from cellmage.display import LiveMarkdown
from cellmage.display.base import Display, FinalOutput
from cellmage.display.parts import freeze_by_size
from cellmage.display.rich_console import RichConsole
from cellmage.display.terminal import PlainTextDisplay, TerminalDisplay, choose_text_display
from cellmage.markdown.plain_tokens import clean_markdown, parse_plain
from tests.display.test_live import ANSWER
from tests.markdown.test_heal import MARKDOWN
from tests.repetitions import repeat

WIDTH, HEIGHT = 60, 12


class Screen(io.StringIO):
    """A terminal: the lines on the screen, and those that scrolled off it."""

    def __init__(self) -> None:
        super().__init__()
        self._screen = pyte.HistoryScreen(WIDTH, HEIGHT, history=100_000, ratio=0.001)
        self._stream = pyte.Stream(self._screen)
        self.written = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += len(text)
        super().write(text)
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    @property
    def lines(self) -> list[str]:
        """Return all lines that are not empty."""
        above = ["".join(line[n].data for n in range(WIDTH)) for line in self._screen.history.top]
        return [line.rstrip() for line in (*above, *self._screen.display) if line.strip()]


def console(output: io.StringIO) -> RichConsole:
    return RichConsole(file=output, force_terminal=True, width=WIDTH, height=HEIGHT)


def split(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def live_markdown(display: Display) -> LiveMarkdown:
    return LiveMarkdown(
        now=0.0,
        is_live=display.is_live,
        sanitize=partial(display.sanitize, image_hosts=()),
        write_panels=display.write_panels,
        should_freeze=display.should_freeze,
    )


def play(
    display: Display, text: str, size: int, reasoning: str = "", per_second: int = 100
) -> None:
    live = live_markdown(display)
    pieces = [(live.feed_reasoning, piece) for piece in split(reasoning, size)]
    pieces += [(live.feed, piece) for piece in split(text, size)]
    for number, (feed, piece) in enumerate(pieces):
        feed(piece)
        display.show(live.frames_due(number / per_second))
    display.finish(FinalOutput(live.final_frames(), live.complete_frame(), {}, ["a notice"]))


def rich_lines(text: str) -> list[str]:
    """Return the lines that rich prints of it in one go."""
    output, markdown = io.StringIO(), Markdown("", hyperlinks=False)
    markdown.parsed = parse_plain(clean_markdown(text))
    RichConsole(file=output, width=WIDTH).print(markdown)
    return [line.rstrip() for line in output.getvalue().splitlines() if line.strip()]


def test_an_answer_longer_than_the_screen_scrolls_and_is_there_once() -> None:
    screen, text = Screen(), ANSWER[:6000]
    play(TerminalDisplay(console(screen)), text, 20)
    assert screen.lines == [*rich_lines(text), "(a notice)"]


def test_a_block_higher_than_the_screen_is_there_once() -> None:
    screen, text = Screen(), "Code:\n\n```\n" + "".join(f"line {n}\n" for n in range(50)) + "```\n"
    play(TerminalDisplay(console(screen)), text, 5)
    assert screen.lines == [*rich_lines(text), "(a notice)"]


def test_cost_grows_with_the_length() -> None:
    short, long = Screen(), Screen()
    play(TerminalDisplay(console(short)), ANSWER[:5_000], 20)
    play(TerminalDisplay(console(long)), ANSWER[:20_000], 20)
    assert long.written < 5 * short.written


def test_reasoning_is_shown_while_it_arrives_and_folds_to_a_line() -> None:
    screen = Screen()
    display = TerminalDisplay(console(screen))
    live = live_markdown(display)
    live.feed_reasoning("I weigh\nthis.")
    display.show(live.frames_due(0.1))
    assert screen.lines == ["I weigh", "this."]
    live.feed("So.\n\nNext")
    display.show(live.frames_due(0.2))
    assert screen.lines == ["(reasoning: 13 characters)", "So.", "Next▌"]


def test_waiting_line_goes() -> None:
    screen = Screen()
    display, live = TerminalDisplay(console(screen)), LiveMarkdown(now=0.0)
    display.show(live.frames_due(2.0))
    assert screen.lines == ["thinking… 2 s"]
    display.finish(FinalOutput(live.final_frames(), live.complete_frame()))
    assert screen.lines == []


def test_urls_are_shown() -> None:
    screen = Screen()
    play(TerminalDisplay(console(screen)), "[a](https://x.y) and [b][1].\n\n[1]: https://z.w\n", 9)
    assert screen.lines[:2] == ["a (https://x.y) and b (https://z.w).", "[1]: <https://z.w>"]
    assert "\x1b]8" not in screen.getvalue()


@pytest.mark.parametrize(
    "text", ["a\x1b[2Jb", "a&#27;[2Jb", "a&#x9b;2Jb", "`a\x1b[2Jb`", "a\x9b2Jb"]
)
@pytest.mark.parametrize("reasoning", ["", "\x1b[2Jx"])
def test_no_answer_moves_the_cursor(text: str, reasoning: str) -> None:
    screen = Screen()
    play(TerminalDisplay(console(screen)), f"Above.\n\n{text}\n", 1, reasoning)
    assert re.search("Above.\na.?.?2Jb", "\n".join(screen.lines))


@repeat(100)
@given(MARKDOWN)
def test_any_text_is_there_once(text: str) -> None:
    # Of characters that Unicode has not assigned, of halves of flags and of skin colours, rich and
    # pyte do not know the same widths.
    assume(not re.search("[\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]", text))
    assume(not any(unicodedata.category(char) == "Cn" for char in text))
    screen = Screen()
    play(TerminalDisplay(console(screen)), text, 7)
    assert screen.lines[-1] == "(a notice)"
    quotes = sum(line.count("▌") for line in rich_lines(text))  # rich draws them with it
    assert sum(line.count("▌") for line in screen.lines) == quotes


@given(st.text(), st.integers(1, 9))
def test_a_pipe_gets_the_received_text(text: str, size: int) -> None:
    output = io.StringIO()
    play(PlainTextDisplay(output), text, size, reasoning="not shown")
    printable = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)
    assert output.getvalue() == printable + "\n" * bool(text) + "(a notice)\n"


def test_the_display_for_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_text_display(io.StringIO()), PlainTextDisplay)
    assert isinstance(choose_text_display(Screen()), TerminalDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_text_display(Screen()), PlainTextDisplay)
    assert PlainTextDisplay.should_freeze is freeze_by_size
