"""The list of sources below an answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cellmage.display import LiveMarkdown
from cellmage.display.base import FinalOutput
from cellmage.display.footer import Source, join_short_lines, small_lines, sources_markdown
from cellmage.display.terminal import PlainTextDisplay, TerminalDisplay
from tests.display.test_terminal import Screen, console

SMALL = '<small style="opacity:0.7">'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tides.md").write_text("# Tides\n")
    return tmp_path


def test_a_file_below_the_folder_gets_a_link(folder: Path) -> None:
    def item(title: str, address: str) -> str:
        return sources_markdown([Source(title, address)]).splitlines()[2]

    path = str(folder / "tides.md") + ":7"
    assert item("A [b]", path).startswith("1. <b>[A &#91;b&#93;](<tides.md>)</b> ")
    assert item("A", "/etc/passwd:1") == "1. <b>A</b> /etc/passwd:1"
    assert "[A](<https://a.example/b%29%3E%60>)" in item("A", "https://a.example/b)>`")
    assert item("A", "") == "1. <b>A</b>"


def test_the_list_is_folded_and_has_the_passages() -> None:
    sources = [Source("Tides", "nowhere.md:7", "High *water*\n" * 100), Source("$a$", "", "")]
    head, first, second, end = filter(None, sources_markdown(sources).splitlines())
    assert head == f"<details><summary>{SMALL}2 sources</small></summary>"
    assert first.startswith(f"1. <b>Tides</b> nowhere&#46;md:7<br>{SMALL}High &#42;water&#42; High")
    assert first.endswith("…</small>")
    assert second == "2. <b><span>&#36;</span>a<span>&#36;</span></b>"
    assert end == "</details>"


def test_short_lines_are_one_line() -> None:
    lines = join_short_lines(["one", "two", "a sentence " * 9, "", "three\x1b"])
    assert [line[:11] for line in lines] == ["one · two", "a sentence ", "three\\u001b"]
    assert small_lines(lines[:1]) == f"{SMALL}one · two</small>"
    assert small_lines(["<b> `a*` b", "a `b", "c"]) == (
        f"{SMALL}&#60;b&#62; <code>a&#42;</code> b<br>a &#96;b<br>c</small>"
    )
    assert small_lines([]) == ""


def test_a_terminal_shows_addresses() -> None:
    """A link of a terminal (OSC 8) does not show where it leads."""
    sources = ["tides.md:7", "a b\x1b.md", "nowhere.md:1", "https://a.example/\x1b]8;;b", ""]
    titled = [Source(f"T{number}", source) for number, source in enumerate(sources)]
    written, screen = io.StringIO(), Screen()
    TerminalDisplay(console(written)).finish(final_output(titled))
    screen.write(written.getvalue())
    assert "\x1b]" not in written.getvalue()
    assert "[1] T0 (tides.md:7)" in screen.lines
    assert "[2] T1 (a b\\u001b.md)" in screen.lines
    assert "[4] T3 (https://a.example/\\u001b]8;;b)" in screen.lines
    output = io.StringIO()
    PlainTextDisplay(output).finish(final_output(titled[:1]))
    assert output.getvalue() == "[1] T0 (tides.md:7)\n"


def final_output(sources: list[Source]) -> FinalOutput:
    live = LiveMarkdown(now=0.0)
    return FinalOutput(live.final_frames(), live.complete_frame(), sources=sources)
