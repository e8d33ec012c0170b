"""Answers of models in a terminal: readable formulas, tags and emphasis, in every frame."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.display.base import FinalOutput
from cellmage.display.columns import LiveColumns
from cellmage.display.panels import Panel
from cellmage.display.rich_console import RichConsole
from cellmage.display.terminal import TerminalDisplay
from tests.display.test_terminal import Screen, console, live_markdown, play, rich_lines, split
from tests.repetitions import FACTOR, repeat

ANSWERS = sorted((Path(__file__).parents[1] / "data/answers").glob("*.md"))
RAW = re.compile(r"\\[()\[\]]|\$\$|</?span>|&#\d+;|\\begin|\\frac|</?(?:sub|sup|b|details)>")
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)

FORMULAS = """\
Let \\(x^2 \\le \\frac{a}{b}\\), at $5.

\\[
\\sum_{i} x_i
\\]

**注意：**当 H<sub>2</sub>O
"""


@pytest.mark.parametrize("path", ANSWERS, ids=[path.stem for path in ANSWERS])
def test_an_answer_is_readable(path: Path) -> None:
    screen, text = Screen(), path.read_text()
    play(TerminalDisplay(console(screen)), text, max(40, len(text) // (25 * FACTOR)))
    assert not RAW.search("\n".join(rich_lines(CODE.sub("", text))))
    if not CODE.search(text):
        assert not RAW.search("\n".join(screen.lines))


@repeat(30)
@given(st.integers(1, 30))
def test_nothing_raw_flashes_by(size: int) -> None:
    screen = Screen()
    display = TerminalDisplay(console(screen))
    live = live_markdown(display)
    for index, piece in enumerate(split(FORMULAS, size)):
        live.feed(piece)
        display.show(live.frames_due(index))
        assert not RAW.search("\n".join(screen.lines))
    display.finish(FinalOutput(live.final_frames(), live.complete_frame()))
    assert screen.lines == [
        "Let x² ≤ a/b, at $5.", "    ∑ᵢ xᵢ", "注意：当 H₂O",
    ]  # fmt: skip


def test_columns_are_readable() -> None:
    screen = Screen()
    display = TerminalDisplay(console(screen))
    columns = LiveColumns(["a", "b"], is_live=True, sanitize=display.sanitize)
    columns.feed(0, "It is \\(x^2\\) at $5")
    columns.feed(1, "[c](https://x.y)")
    columns.set_status(1, "done *well*")
    display.finish(FinalOutput([columns.complete_frame()], columns.complete_frame()))
    text = " ".join(" ".join(screen.lines).split())
    assert "It is x² at $5" in text
    assert "c (https://x.y)" in text
    assert "done *well*" in text


def test_panels_are_printed_once_and_are_not_in_the_text() -> None:
    screen = Screen()
    display = TerminalDisplay(console(screen))
    live = live_markdown(display)
    live.feed("Before.")
    live.set_panels([Panel("f()", "<b>1</b>")])
    live.feed("After.")
    live.end(True)
    display.show(live.frames_due(0.1))
    display.finish(FinalOutput(live.final_frames(), live.complete_frame()))
    text = " ".join(screen.lines)
    assert text.count("f() → <b>1</b>") == 1
    assert "<details>" not in text
    assert "Before." in text
    assert "After." in text


def test_a_formula_that_the_encoding_lacks_is_shown_as_tex() -> None:
    written = io.BytesIO()
    output = io.TextIOWrapper(written, encoding="cp1252", errors="replace")
    play(
        TerminalDisplay(RichConsole(file=output, force_terminal=True)),
        "\\(\\beta^2\\), \\(x^2\\)",
        99,
    )
    output.flush()
    text = written.getvalue().decode("cp1252")
    assert "\\beta^2" in text
    assert "x²" in text
