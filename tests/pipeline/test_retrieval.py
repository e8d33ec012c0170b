"""A search before the answer: by an index, and by any function."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage import Conversation, Document, Retriever
from cellmage.testing import ScriptedServer, answer
from tests.kernel.client import Kernel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "docs"
    path.mkdir()
    (path / "tides.md").write_text("# Tides\n\nThe moon pulls the sea, twice a day.\n")
    (path / "bread.md").write_text("# Bread\n\nFlour, water and a day of patience.\n")
    (path / "code.py").write_text('"""How to read a tide table."""\n\ndef read(): ...\n')
    return path


def test_an_index_in_a_cell(kernel: Kernel, server: ScriptedServer, folder: Path) -> None:
    server.play(0.3, *answer("The **moon** does [1].", 4))
    index = f"%llm_index --name 'my docs' {str(folder)!r}"
    assert kernel.run(index).printed == "Read 3 files. Ask about them with %%llm --rag my docs\n"
    assert kernel.run(index).printed.startswith("Nothing has changed: 3 files.")
    run = kernel.run("%%llm --rag 'my docs' --stats\nWhat pulls the sea?", "c1")
    statuses = [frame.markdown for frame in run.frames]
    assert any("Writing" in status or "Searching" in status for status in statuses)
    assert run.texts[0] == "The **moon** does [1]."
    assert run.texts[1].startswith(f"[1] Tides ({folder / 'tides.md'}:1)")
    (_, sent) = server.last.messages[-1]
    assert sent.startswith("What pulls the sea?\n\nPassages")
    assert "twice a day" in sent
    assert kernel.run("%llm And now?", "c2").ok
    assert server.last.messages[0] == ("user", "What pulls the sea?")


def test_any_callable(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer("ok"))
    kernel.run(
        "class Result:\n    page_content = 'from a chain'; metadata = {'title': '<b>T</b>'}\n"
        "async def search(query): return [Result(), 'plain text', query]"
    )
    run = kernel.run("%%llm --rag search\nGo")
    assert run.ok, run.error
    assert "from a chain" in server.last.messages[-1][1]
    assert "\n1. <b>&#60;b&#62;T" in run.outputs[1]["data"]["text/markdown"]
    kernel.run("def broken(query): raise KeyError('gone')")
    run = kernel.run("%%llm --rag broken\nGo")
    assert run.error == "ProviderError: the search in broken failed: KeyError: 'gone'"
    assert "there is no function and no index" in kernel.run("%llm --rag nowhere hi").error


def test_the_events(connected: ScriptedServer) -> None:
    connected.play(*answer("ok"))
    stream = Conversation().stream(
        "hi",
        retriever=Retriever("docs", lambda query: [Document("T", "text", "/home/ada/s.md")]),
    )
    types = [event.type for event in stream.events]
    assert types == [
        "start", "status", "document", "status", "status", "token", "complete",
    ]  # fmt: skip
    assert stream.response.provider == f"127.0.0.1:{connected.port}"
    assert "[1] T (s.md)\ntext" in connected.last.messages[0][1], "without the folders"


def test_a_search_without_a_result_is_said_below_the_answer(connected: ScriptedServer) -> None:
    connected.play(*answer("ok"))
    stream = Conversation().stream("hi", retriever=Retriever("docs", lambda query: []))
    (notice,) = [event for event in stream.events if event.type == "notice"]
    assert notice.kind == "retrieval"
    assert notice.text == "Nothing was found in docs for this question."


def test_an_index_without_a_match(kernel: Kernel, server: ScriptedServer, folder: Path) -> None:
    server.play(*answer("ok"))
    kernel.run(f"%llm_index --name empty {str(folder)!r}")
    run = kernel.run("%%llm --rag empty\nzzzyx qqqwv")
    assert run.ok, run.error
    assert "Nothing was found in empty for this question." in run.texts[-1]
