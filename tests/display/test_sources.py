"""The list of sources below an answer."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from cellmage.display import LiveMarkdown
from cellmage.display.base import FinalOutput
from cellmage.display.outputs import source_link
from cellmage.display.terminal import PlainTextDisplay, TerminalDisplay
from tests.display.test_terminal import Screen, console


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tides.md").write_text("# Tides\n")
    return tmp_path


def test_a_file_below_the_folder_gets_a_link(folder: Path) -> None:
    assert source_link("A [b]", str(folder / "tides.md") + ":7") == "[A \\[b\\]](<tides.md>)"
    assert source_link("A", "/etc/passwd:1") == "A (/etc/passwd:1)"
    assert source_link("A", "https://a.example/b") == "[A](https://a.example/b)"


def test_a_terminal_has_links(folder: Path) -> None:
    (folder / "a b\x1b.md").write_text("moon")
    sources = ["tides.md:7", "a b\x1b.md", "nowhere.md:1", "https://a.example/\x1b]8;;b", ""]
    titled = [(f"T{number}", source) for number, source in enumerate(sources)]
    written, screen = io.StringIO(), Screen()
    TerminalDisplay(console(written)).finish(final_output(titled))
    screen.write(written.getvalue())
    links = re.findall(r"\x1b]8;id=\d+;([^\x1b]+)\x1b\\", written.getvalue())
    assert links == [
        (folder / "tides.md").as_uri(),
        f"{folder.as_uri()}/a%20b%1B.md",
        "https://a.example/%1B%5D8;;b",
    ]
    assert "[1] T0 (tides.md:7)" in screen.lines
    assert "[3] T2 (nowhere.md:1)" in screen.lines
    assert "[4] T3 (https://a.example/]8;;b)" in screen.lines
    output = io.StringIO()
    PlainTextDisplay(output).finish(final_output(titled[:1]))
    assert output.getvalue() == "[1] T0 (tides.md:7)\n"


def final_output(sources: list[tuple[str, str]]) -> FinalOutput:
    live = LiveMarkdown(now=0.0)
    return FinalOutput(live.final_frames(), live.complete_frame(), sources=sources)
