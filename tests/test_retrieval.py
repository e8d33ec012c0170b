"""The index of documents: real files, a real SQLite file."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, Document, Retriever, UsageError
from cellmage.display import LiveMarkdown
from cellmage.display.base import FinalOutput
from cellmage.display.publish import _link
from cellmage.display.terminal import PlainTextDisplay, TerminalDisplay
from cellmage.retrieval import PASSAGE, Index, passages
from cellmage.testing import ScriptedServer, answer
from tests.display.test_terminal import Screen, console
from tests.kernel.client import Kernel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    (made / "tides.md").write_text("# Tides\n\nThe moon pulls the sea, twice a day.\n")
    (made / "bread.md").write_text("# Bread\n\nFlour, water and a day of patience.\n")
    (made / "code.py").write_text('"""How to read a tide table."""\n\ndef read(): ...\n')
    return made


def titles(index: Index, query: str) -> list[str]:
    return [found.title for found in index.search(query)]


def test_build_search_and_again(folder: Path, tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    seen: list[tuple[int, int]] = []
    assert index.add([folder], lambda *each: seen.append(each)) == 3
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert titles(index, "What does the moon pull?")[0] == "Tides"
    assert "Bread" not in titles(index, "What does the moon pull?")
    assert index.add([folder]) == 0
    (folder / "bread.md").write_text("# Loaves\n\nNow of the moon.\n")
    (folder / "tides.md").unlink()
    assert index.add([folder]) == 1
    assert titles(index, "moon") == ["Loaves"]


def test_where_it_was_found(folder: Path, tmp_path: Path) -> None:
    (folder / "long.txt").write_text("filler words\n\n" * 300 + "the needle is here\n")
    index = Index(tmp_path / "index.db")
    index.add([folder])
    (found, *_) = index.search("needle")
    assert found.source == str(folder / "long.txt")
    lines = (folder / "long.txt").read_text().splitlines()
    assert "the needle is here" in lines[found.line - 1 :]
    assert "needle" in found.text


@pytest.mark.parametrize(
    "query", ["", "?!", "the", '" OR 1=1 --', "NEAR(moon", "a" * 10_000, "moon\0"]
)
def test_no_query_is_an_error(folder: Path, tmp_path: Path, query: str) -> None:
    index = Index(tmp_path / "index.db")
    index.add([folder])
    index.search(query)


def test_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / ".hidden.md").write_text("secret moon")
    (folder / "image.png").write_bytes(b"moon")
    (tmp_path / "outside.md").write_text("moon outside")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    (folder / "latin.txt").write_bytes(b"caf\xe9 moon")
    os.mkfifo(folder / "pipe.md")
    index = Index(tmp_path / "index.db")
    assert index.add([folder]) == 4
    assert set(titles(index, "moon")) == {"Tides", "latin"}


def test_one_line_errors(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    with pytest.raises(UsageError, match="nothing is indexed"):
        index.search("moon")
    with pytest.raises(UsageError, match="no file or folder"):
        index.add([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file here can be read"):
        index.add([tmp_path / "empty"])
    assert not index.path.exists()


def test_common_words_alone_find_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is ranked than the limit says, and a rare word brings what holds it."""
    monkeypatch.setattr("cellmage.retrieval.RANKED", 5)
    monkeypatch.setattr("cellmage.retrieval._MANY", 40)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(50):
        (docs / f"{number}.txt").write_text(f"salt water {number}")
    (docs / "moon.txt").write_text("the moon over salt water")
    index = Index(tmp_path / "index.db")
    index.add([docs])
    assert titles(index, "salt moon water")[0] == "moon"
    assert len(titles(index, "salt moon water")) == 5
    assert len(titles(index, "water and salt")) == 5
    assert len(titles(index, "salt in deserts")) == 5
    assert titles(index, "deserts") == []


def test_a_copy_is_found_once(folder: Path, tmp_path: Path) -> None:
    (folder / "copy.md").write_text((folder / "tides.md").read_text())
    index = Index(tmp_path / "index.db")
    index.add([folder])
    assert titles(index, "moon") == ["Tides"]


@given(st.text("ab \n#", max_size=200).map(lambda text: text * 40))
def test_any_text_in_passages(text: str) -> None:
    """Nothing is lost but white space, no passage is too long, and the lines are right."""
    found = list(passages(text))
    assert "".join("".join(p for p, _ in found).split()) == "".join(text.split())
    assert all(0 < len(passage) <= PASSAGE for passage, _ in found)
    lines = text.split("\n")
    for passage, line in found:
        assert lines[line - 1].strip().endswith(passage.split("\n")[0].strip()) or passage


class TestAsking:
    def test_in_a_cell(self, kernel: Kernel, server: ScriptedServer, folder: Path) -> None:
        server.play(0.3, *answer("The **moon** does [1].", 4))
        run = kernel.run(f"%llm_index --name 'my docs' {str(folder)!r}")
        assert run.printed == "Read 3 files. Ask about them with %%llm --rag my docs\n"
        assert kernel.run(f"%llm_index --name 'my docs' {str(folder)!r}").printed.startswith("0 ")
        run = kernel.run("%%llm --rag 'my docs' --stats\nWhat pulls the sea?", "c1")
        statuses = [frame.markdown for frame in run.frames]
        assert any("Writing" in each or "Searching" in each for each in statuses)
        assert run.shown[0] == "The **moon** does [1]."
        assert run.shown[1].startswith(f"[1] Tides ({folder / 'tides.md'}:1)")
        (_, sent) = server.last.messages[-1]
        assert sent.startswith("What pulls the sea?\n\nPassages")
        assert "twice a day" in sent
        assert kernel.run("%llm And now?", "c2").ok
        assert server.last.messages[0] == ("user", "What pulls the sea?")

    def test_any_callable(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*answer("ok"))
        kernel.run(
            "class Found:\n    page_content = 'from a chain'; metadata = {'title': '<b>T</b>'}\n"
            "async def search(query): return [Found(), 'plain text', query]"
        )
        run = kernel.run("%%llm --rag search\nGo")
        assert run.ok, run.error
        assert "from a chain" in server.last.messages[-1][1]
        assert run.outputs[1]["data"]["text/markdown"].startswith("1. \\<b\\>T")
        kernel.run("def broken(query): raise KeyError('gone')")
        run = kernel.run("%%llm --rag broken\nGo")
        assert run.error == "ProviderError: the search in broken failed: KeyError: 'gone'"
        assert "there is no function and no index" in kernel.run("%llm --rag nowhere hi").error

    def test_the_events(self, connected: ScriptedServer) -> None:
        connected.play(*answer("ok"))
        stream = Conversation().stream(
            "hi",
            retriever=Retriever("docs", lambda query: [Document("T", "text", "/home/ada/s.md")]),
        )
        kinds = [event.type for event in stream.events]
        assert kinds == [
            "start", "status", "document", "status", "status", "token", "complete",
        ]  # fmt: skip
        assert stream.response.provider == f"127.0.0.1:{connected.port}"
        assert "[1] T (s.md)\ntext" in connected.last.messages[0][1], "without the folders"

    def test_a_file_gets_a_link(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        assert _link("A [b]", str(folder / "tides.md") + ":7") == "[A \\[b\\]](<tides.md>)"
        assert _link("A", "/etc/passwd:1") == "A (/etc/passwd:1)"
        assert _link("A", "https://a.example/b") == "[A](https://a.example/b)"

    def test_a_terminal_has_links(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        (folder / "a b\x1b.md").write_text("moon")
        places = ["tides.md:7", "a b\x1b.md", "nowhere.md:1", "https://a.example/\x1b]8;;b", ""]
        sources = [(f"T{number}", place) for number, place in enumerate(places)]
        written, screen = io.StringIO(), Screen()
        TerminalDisplay(console(written)).finish(ending(sources))
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
        PlainTextDisplay(output).finish(ending(sources[:1]))
        assert output.getvalue() == "[1] T0 (tides.md:7)\n"


def ending(sources: list[tuple[str, str]]) -> FinalOutput:
    live = LiveMarkdown(now=0.0)
    return FinalOutput(live.final_frames(), live.complete_frame(), sources=sources)
