"""The chat panel in a real kernel: what its buttons do to the conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel
from tests.kernel.notebooks import NotebookKernel, write_notebook
from tests.widgets.page import PanelPage


@pytest.fixture
def page(kernel: Kernel, server: ScriptedServer) -> PanelPage:
    """Return a panel; the model answers in capitals."""
    server.play_with(lambda exchange: Reply(answer(str(exchange.messages[-1][1]).upper())))
    return open_panel(kernel)


def open_panel(kernel: Kernel, line: str = "%llm_chat", cell: str = "panel") -> PanelPage:
    run = kernel.run(line, cell)
    assert run.ok, run.error
    assert run.printed == ""
    return PanelPage(kernel, run)


def questions(server: ScriptedServer) -> list[str]:
    return [text for role, text in server.last.messages if role == "user"]


def test_it_asks_in_the_conversation_of_the_cells(page: PanelPage, server: ScriptedServer) -> None:
    page.run_cell("%%llm\none", "c1")
    page.run_cell("number = 7")
    page.set(temperature="0.5", persona="terse", model="", effort="")
    page.ask("two {{ number }}")
    assert questions(server) == ["one", "two 7"]
    assert server.last.body["temperature"] == 0.5
    assert server.last.messages[0][0] == "system"
    page.run_cell("%%llm\nthree", "c2")
    assert questions(server) == ["one", "two 7", "three"]
    assert page.kernel.value("_llm.text") == "THREE"
    assert page.state["prompts"] == ["one", "two {{ number }}", "three"]
    assert len(page.keys) == 3  # a cell has asked
    assert any("**The model answered:**\n\nTWO 7" in saved for saved in page.saved)


def test_retry_takes_the_place_and_keeps_the_version(
    page: PanelPage, server: ScriptedServer
) -> None:
    page.ask("one")
    page.ask("two")
    first, second = page.keys
    page.send("retry", key=first)
    page.wait_for_end()
    assert questions(server) == ["one"]
    assert page.keys[0] != first
    assert page.keys[1] == second
    page.send("edit", key=second, what="question")
    page.wait_for("draft")
    assert page.custom("draft")["text"] == "two"
    assert page.state["is_editing"]
    page.ask("zwei")
    assert questions(server) == ["one", "zwei"]
    assert len(page.keys) == 2
    page.run_cell("%llm_history --restore 2.1")
    assert page.keys[1] == second


def test_an_answer_is_edited(page: PanelPage, server: ScriptedServer) -> None:
    page.ask("one")
    (key,) = page.keys
    page.send("edit", key=key, what="answer")
    page.wait_for("draft")
    assert page.custom("draft")["text"] == "ONE"
    page.send("send", prompt="Eins")
    page.until(lambda: page.keys != [key])
    page.send("copy", key=page.keys[0])
    page.wait_for("copy")
    assert page.custom("copy")["text"] == "Eins"
    page.ask("two")
    assert [text for _, text in server.last.messages] == ["one", "Eins", "two"]


def test_new_begins_another_chat_that_cells_know(page: PanelPage, server: ScriptedServer) -> None:
    page.ask("one")
    page.send("new")
    page.until(lambda: page.keys == [])
    assert page.state["title"] == "Chat chat-2"
    page.ask("two")
    assert questions(server) == ["two"]
    page.run_cell("%%llm --chat chat-2\nthree", "c3")
    assert questions(server) == ["two", "three"]


def test_a_problem_is_one_line_and_the_prompt_comes_back(
    page: PanelPage, server: ScriptedServer
) -> None:
    page.ask("one", attach=["no_such_thing"])
    assert "no_such_thing" in page.state["line"]
    assert "\n" not in page.state["line"]
    assert page.custom("draft")["text"] == "one"
    page.set(temperature="7")
    page.ask("one")
    assert page.state["line"].startswith("UsageError: ")
    page.set(temperature="hot")
    page.send("send", prompt="one")
    page.until(lambda: "number from 0 to 2" in page.state["line"])
    page.set()
    server.play_each([Reply([b'{"error": {"message": "busy"}}'], status=401)])
    page.ask("one")
    assert "AuthenticationError" in page.state["line"] or "busy" in page.state["line"]
    assert page.keys == []
    page.send("retry", key="gone")
    page.until(lambda: "not in the conversation" in page.state["line"])


def test_attachments_and_their_names(page: PanelPage, server: ScriptedServer) -> None:
    page.run_cell("panel_table = {'height': 3}")
    page.send("names", text="")
    page.wait_for("names")
    assert "panel_table" in page.custom("names")["names"]
    page.ask("How high?", attach=["panel_table"])
    assert "'height': 3" in questions(server)[0]
    page.send("retry", key=page.keys[0])
    page.wait_for_end()
    assert "'height': 3" in questions(server)[0]


def test_a_stop_keeps_what_has_arrived(page: PanelPage, server: ScriptedServer) -> None:
    server.play(*[step for n in range(500) for step in (chunk(f"word{n} "), 0.02)], finish(), DONE)
    page.send("send", prompt="Go")
    page.until(lambda: "word3" in json.dumps(page.messages[-1:]))
    page.send("send", prompt="Go on")
    page.until(lambda: "an answer arrives" in page.state["line"])
    page.send("stop")
    page.wait_for_end()
    assert page.kernel.value("_llm.incomplete_reason") == "closed"
    assert page.kernel.value("len(_llm.text) < 2000 and _llm.text.startswith('word0')")
    assert len(page.keys) == 1


def test_a_stop_refuses_the_call_that_waits(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_each([Reply([tool_call("panel_tool", "{}"), finish("tool_calls"), DONE])])
    kernel.run('panel_ran = []\ndef panel_tool():\n    """Do it."""\n    panel_ran.append(1)')
    page = open_panel(kernel, "%llm_chat --tool panel_tool")
    page.send("send", prompt="Go")
    page.wait_for("say")
    page.send("stop")
    page.wait_for_end()
    assert kernel.value("panel_ran") == []


def test_a_page_that_begins_receives_all(page: PanelPage) -> None:
    page.ask("one")
    page.send("show")
    page.wait_for("all")
    (entry,) = page.custom("all")["entries"]
    assert entry["question"] == "one"
    assert entry["parts"][0] == [0, "ONE"]
    page.until(lambda: "a click waits" in page.state["line"])  # this client makes no subshell


def test_two_panels_show_one_conversation(page: PanelPage) -> None:
    other = open_panel(page.kernel, cell="other")
    page.ask("one")
    other.send("show")
    assert len(other.wait_for("all")["entries"]) == 1
    other.send("edit", key=other.keys[0], what="answer")
    other.wait_for("draft")
    other.send("cancel")
    other.until(lambda: not other.state["is_editing"])


def test_stop_in_a_cell_stops_the_panel(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_each([Reply([tool_call("panel_tool", "{}"), finish("tool_calls"), DONE])])
    kernel.run('def panel_tool():\n    """Do it."""')
    page = open_panel(kernel, "%llm_chat --tool panel_tool")
    page.send("send", prompt="Go")
    page.wait_for("say")
    assert "Stopped 1 answer" in page.run_cell("%llm_stop").printed
    page.until(lambda: not page.state["is_busy"])
    assert kernel.value("_llm.incomplete_reason") == "closed"


def test_a_run_of_the_cell_again_replaces_the_panel(page: PanelPage) -> None:
    page.ask("one")
    again = open_panel(page.kernel)
    assert len(again.keys) == 1
    closed = {message.content["comm_id"] for message in again.run.of_type("comm_close")}
    assert page.prompt in closed


@pytest.mark.parametrize(
    "line", ["%llm_chat", "%%capture captured\n%llm_chat"], ids=["nbclient", "capture"]
)
def test_where_no_page_is_it_says_what_to_do(kernel: Kernel, line: str) -> None:
    run = kernel.run(line, allow_stdin="capture" in line)
    assert run.ok
    printed = run.printed or kernel.value("captured.stdout")
    assert "%%llm asks in the same conversation" in printed
    assert not run.of_type("comm_open")


def test_a_new_kernel_takes_the_conversation_up(tmp_path: Path, server: ScriptedServer) -> None:
    """Also where only the panel has asked: its cell is the proof whose turns they are."""
    server.play_with(lambda exchange: Reply(answer(str(exchange.messages[-1][1]).upper())))
    file = write_notebook(tmp_path / "a.ipynb", ["first", "panel"])
    environ = {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": "none",
        "JPY_SESSION_NAME": str(file),
    }
    for number in (1, 2):
        kernel = NotebookKernel(tmp_path, environ)
        try:
            kernel.run("%load_ext cellmage", "first")
            page = open_panel(kernel)
            assert len(page.keys) == number - 1
            page.ask(f"question {number}")
        finally:
            kernel.close()
    assert questions(server) == ["question 1", "question 2"]
