"""What stands in a terminal, by an emulator of one, and in a pipe."""

from __future__ import annotations

import io
import re
import unicodedata

import pyte
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.markdown import Markdown

from cellmage.display import LiveMarkdown, sanitize
from cellmage.display.base import Ending, Surface
from cellmage.display.parts import fill_parts
from cellmage.display.terminal import Plain, Terminal, terminal
from cellmage.markdown.control_chars import strip_control_chars
from tests.display.test_live import ANSWER
from tests.markdown.test_heal import MARKDOWN

WIDTH, HEIGHT = 60, 12


class Screen(io.StringIO):
    """A terminal: what is on the screen, and what has scrolled off it."""

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
        """All lines, without those that are empty."""
        above = ["".join(line[n].data for n in range(WIDTH)) for line in self._screen.history.top]
        return [line.rstrip() for line in (*above, *self._screen.display) if line.strip()]


def console(output: io.StringIO) -> Console:
    return Console(file=output, force_terminal=True, width=WIDTH, height=HEIGHT)


def play(surface: Surface, text: str, size: int, aside: str = "", per_second: int = 100) -> None:
    live = LiveMarkdown(now=0.0, live=surface.is_live, is_full=surface.is_full)
    pieces = [(live.feed_aside, aside[i : i + size]) for i in range(0, len(aside), size)]
    pieces += [(live.feed, text[i : i + size]) for i in range(0, len(text), size)]
    for number, (feed, piece) in enumerate(pieces):
        feed(piece)
        surface.show(live.due(number / per_second))
    surface.finish(Ending(live.last(), live.whole(), {}, ["a notice"]))


def printed(markdown: str) -> list[str]:
    """What rich prints of it in one go."""
    output = io.StringIO()
    Console(file=output, width=WIDTH).print(Markdown(markdown, hyperlinks=False))
    return [line.rstrip() for line in output.getvalue().splitlines() if line.strip()]


def test_an_answer_longer_than_the_screen_scrolls_and_stands_there_once() -> None:
    screen, text = Screen(), ANSWER[:6000]
    play(Terminal(console(screen)), text, 20)
    assert screen.lines == [*printed(sanitize(text)), "(a notice)"]


def test_a_block_higher_than_the_screen_stands_there_once() -> None:
    screen, text = Screen(), "Code:\n\n```\n" + "".join(f"line {n}\n" for n in range(50)) + "```\n"
    play(Terminal(console(screen)), text, 5)
    assert screen.lines == [*printed(text), "(a notice)"]


def test_cost_grows_with_the_length() -> None:
    short, long = Screen(), Screen()
    play(Terminal(console(short)), ANSWER[:5_000], 20)
    play(Terminal(console(long)), ANSWER[:20_000], 20)
    assert long.written < 5 * short.written


def test_reasoning_is_seen_while_it_comes_and_folds_to_a_line() -> None:
    screen = Screen()
    surface = Terminal(console(screen))
    live = LiveMarkdown(now=0.0, is_full=surface.is_full)
    live.feed_aside("I weigh\nthis.")
    surface.show(live.due(0.1))
    assert screen.lines == ["I weigh", "this."]
    live.feed("So.\n\nNext")
    surface.show(live.due(0.2))
    assert screen.lines == ["(reasoning: 13 characters)", "So.", "Next▌"]


def test_waiting_line_goes() -> None:
    screen = Screen()
    surface, live = Terminal(console(screen)), LiveMarkdown(now=0.0)
    surface.show(live.due(2.0))
    assert screen.lines == ["thinking… 2 s"]
    surface.finish(Ending(live.last(), live.whole()))
    assert screen.lines == []


def test_addresses_are_seen() -> None:
    screen = Screen()
    play(Terminal(console(screen)), "[a](https://x.y) and [b][1].\n\n[1]: https://z.w\n", 9)
    assert screen.lines[:2] == ["a (https://x.y) and b (https://z.w).", "[1]: <https://z.w>"]
    assert "\x1b]8" not in screen.getvalue()


@pytest.mark.parametrize(
    "text", ["a\x1b[2Jb", "a&#27;[2Jb", "a&#x9b;2Jb", "`a\x1b[2Jb`", "a\x9b2Jb"]
)
@pytest.mark.parametrize("aside", ["", "\x1b[2Jx"])
def test_no_answer_moves_the_cursor(text: str, aside: str) -> None:
    screen = Screen()
    play(Terminal(console(screen)), f"Above.\n\n{text}\n", 1, aside)
    shown = "\n".join(screen.lines)
    assert re.search("Above.\na.?.?2Jb", shown)


@settings(max_examples=100)
@given(MARKDOWN)
def test_any_text_stands_there_once(text: str) -> None:
    # Of characters that Unicode has not assigned, rich and pyte do not know the same widths.
    assume(not any(unicodedata.category(char) == "Cn" for char in text))
    screen = Screen()
    play(Terminal(console(screen)), text, 7)
    assert screen.lines[-1] == "(a notice)"
    quotes = sum(
        line.count("▌") for line in printed(strip_control_chars(sanitize(text)))
    )  # rich draws them with it
    assert sum(line.count("▌") for line in screen.lines) == quotes


@given(st.text(), st.integers(1, 9))
def test_a_pipe_gets_the_received_text(text: str, size: int) -> None:
    output = io.StringIO()
    play(Plain(output), text, size, aside="not shown")
    shown = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)
    assert output.getvalue() == shown + "\n" * bool(text) + "(a notice)\n"


def test_what_suits_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(terminal(io.StringIO()), Plain)
    assert isinstance(terminal(Screen()), Terminal)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(terminal(Screen()), Plain)
    assert Plain.is_full is fill_parts
