"""The bars of answers in a real kernel: what their buttons do to the conversation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from queue import Empty
from typing import Any

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.kernel.client import Kernel, Message


class BarPage:
    """The page of the bars in a few lines: it sends what its JavaScript and the buttons send.

    Args:
        kernel: the kernel; cellmage is loaded.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.bars: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.comm = ""
        self.number = 0
        self.is_known = self.is_deaf = False
        self.subshell: str = kernel.control("create_subshell_request")["subshell_id"]

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            state = message.content.get("data", {}).get("state", {})
            if message.type in ("display_data", "update_display_data"):
                self.texts.append(message.markdown)
            if "PageLink" in state.get("_anywidget_id", ""):
                self.comm = str(message.content["comm_id"])
            elif message.type == "comm_msg" and message.content["comm_id"] == self.comm:
                self._take_message(message.content["data"].get("content", {}))

    def _take_message(self, content: dict[str, Any]) -> None:
        if self.is_deaf:  # as if Jupyter Server had dropped it
            return
        self.messages.append(content)
        if content["type"] == "known":
            self.is_known, self.number = True, content["number"]
        elif content["number"] > self.number + (content["type"] != "number"):
            self.send("have", number=self.number)
        elif content["type"] != "number":
            self.number = content["number"]
        for bar in content.get("bars", ()):
            self.bars[bar["cell"]] = bar
        removed = self.bars.keys() - content.get("cells", self.bars)
        for cell in [*removed, *content.get("removed", ())]:
            self.bars.pop(cell, None)

    def run(self, code: str, cell: str | None = None) -> None:
        self.take(self.kernel.run(code, cell).messages)

    def send(self, kind: str, cell: str = "", beside: bool = True, **content: Any) -> None:
        """Send a message of the page, beside the cells or not."""
        session = self.kernel.client.session
        data = {"method": "custom", "content": {"type": kind, "cell": cell, **content}}
        message = session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        if beside:
            message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)

    def connect(self) -> None:
        """Be a page that has loaded the JavaScript."""
        self.find_link()
        self.is_known = False
        self.send("here")
        self.until(lambda: self.is_known and self.bars != {})

    def find_link(self) -> None:
        """Find the hidden widget as a page does that is loaded later: it asks for all states.

        The kernel may have opened it before: a moment after a cell that loaded the extension.
        """
        session, channel = self.kernel.client.session, self.kernel.client.shell_channel
        content = {"target_name": "jupyter.widget"}
        self.comm = ""
        deadline = time.monotonic() + 20
        while not self.comm:
            assert time.monotonic() < deadline
            request = session.msg("comm_info_request", content)
            channel.send(request)
            reply = self.kernel.client.get_shell_msg(timeout=20)
            if reply["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            for comm in reply["content"]["comms"]:
                data = {"method": "request_state"}
                channel.send(session.msg("comm_msg", {"comm_id": comm, "data": data}))
            with suppress(Empty):
                self.until(lambda: self.comm != "", 1)

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Take messages until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            raw = self.kernel.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            self.take([self.kernel.message(raw)])

    def shown(self, cell: str) -> str:
        """Return the text of the parts that were sent last for a cell."""
        parts: dict[int, str] = {}
        for message in self.messages:
            if message["type"] == "parts" and message["cell"] == cell:
                parts = {} if message["drop"] and message["id"] not in message["drop"] else parts
                for part, output in message["parts"]:
                    parts[part] = output["data"].get("text/plain", "") if output else ""
        return "".join(parts[part] for part in sorted(parts))

    def kernel_turns(self) -> list[str]:
        """Return the answers in the conversation, without a look at the messages."""
        turns = "get_ipython().magics_manager.registry['LLMMagics'].chats.get(None).turns"
        answers: list[str] = self.kernel.value(f"[turn.response.text for turn in {turns}]")
        return answers

    def press(self, kind: str, cell: str, **content: Any) -> None:
        """Press a button that asks again, and wait for the end of the answer."""
        before = len(self.messages)
        self.send(kind, cell, **content)
        self.until(lambda: self.has_ended(cell, before))

    def has_ended(self, cell: str, before: int) -> bool:
        bars = [bar for message in self.messages[before:] for bar in message.get("bars", ())]
        states = [bar["live"] for bar in bars if bar["cell"] == cell]
        return True in states and not states[-1]


@pytest.fixture
def page(kernel: Kernel, server: ScriptedServer) -> Iterator[BarPage]:
    """Return a page with two answers; the model numbers what it answers."""
    numbers = count(1)
    server.play_with(lambda exchange: Reply(answer(f"No. {next(numbers)}")))
    bars = BarPage(kernel)
    bars.run("%%llm\none", "c1")
    bars.connect()
    bars.run("%%llm\ntwo", "c2")
    bars.until(lambda: "c2" in bars.bars and not bars.bars["c2"]["live"])
    yield bars
    kernel.delete_subshells()


def sent(server: ScriptedServer) -> list[str]:
    return [str(text) for _, text in server.last.messages]


def test_retry_makes_a_version_and_the_later_answer_stale(
    page: BarPage, server: ScriptedServer
) -> None:
    assert page.bars["c2"]["line"] == ""
    page.press("retry", "c1")
    assert page.shown("c1") == "No. 3"
    assert (page.bars["c1"]["version"], page.bars["c1"]["versions"]) == (2, 2)
    assert page.bars["c2"]["line"].startswith("stale: ")
    page.run("%%llm\nthree", "c3")
    assert sent(server)[-5:] == ["one", "No. 3", "two", "No. 2", "three"]


def test_the_version_that_is_shown_is_sent(page: BarPage, server: ScriptedServer) -> None:
    page.press("retry", "c1")
    page.press("retry", "c1")
    page.send("version", "c1", version=1)
    page.until(lambda: page.bars["c1"]["version"] == 1)
    assert page.shown("c1") == "No. 1"
    assert page.bars["c1"]["versions"] == 3
    page.send("version", "c1", version=2)
    page.until(lambda: page.bars["c1"]["version"] == 2)
    page.send("version", "c1", version=9)  # no such version
    page.run("%%llm\nthree", "c3")
    assert sent(server)[-5:] == ["one", "No. 3", "two", "No. 2", "three"]
    page.run("%llm_history --restore 1.1", "c4")
    page.until(lambda: page.bars["c1"]["versions"] == 1 or page.bars["c1"]["version"] == 1)


def test_the_rest_is_shown_in_place_of_what_a_page_has(page: BarPage) -> None:
    page.send("rest", "c1")
    page.until(lambda: page.shown("c1") == "No. 1")
    (parts,) = [message for message in page.messages if message["type"] == "parts"]
    assert parts["drop"] == [page.bars["c1"]["key"]], "half of it goes"
    ((_, output),) = parts["parts"]
    assert output["metadata"]["cellmage"]["of"] == 1, "the page knows that it is whole"


def test_a_fork_ends_with_the_answer(page: BarPage, server: ScriptedServer) -> None:
    page.send("fork", "c1")
    page.until(lambda: "fork-1" in page.bars["c1"]["line"])
    page.run("%%llm --chat fork-1\nhere", "c3")
    assert sent(server)[-3:] == ["one", "No. 1", "here"]


def test_markdown_a_failure_and_an_answer_that_is_gone(
    page: BarPage, server: ScriptedServer
) -> None:
    page.send("markdown", "c1")
    page.until(lambda: page.messages[-1].get("text") == "No. 1")
    server.play_each([Reply(status=400)])
    page.press("retry", "c1")
    assert "Error" in page.bars["c1"]["line"]
    assert page.shown("c1") in ("", "No. 1")
    assert page.bars["c1"]["versions"] == 1
    page.run("%llm_history --drop 1")
    page.send("fork", "c1")
    page.until(lambda: "not in the conversation" in page.bars["c1"]["line"])
    page.send("nonsense", "c1")
    page.send("retry", "no-such-cell")


def test_stop_and_continue(page: BarPage, server: ScriptedServer) -> None:
    server.play_each([Reply([chunk("Half of"), 30])])
    msg_id = page.kernel.start("%%llm\nlong", "c3")
    page.until(lambda: page.bars.get("c3", {}).get("live", False))
    page.until(lambda: bool(page.texts) and "Half of" in page.texts[-1])
    page.send("stop", "c3")
    page.until(lambda: not page.bars["c3"]["live"])
    assert page.kernel.finish(msg_id).ok
    assert page.bars["c3"]["cut"]
    server.play_each([Reply(answer(" it."))])
    page.press("continue", "c3")
    assert page.shown("c3").startswith("Half of it.")
    assert not page.bars["c3"]["cut"]
    assert page.kernel.value("len(_llm.text) > 0")


def test_off_removes_the_bars(page: BarPage, kernel: Kernel) -> None:
    page.run("%llm_config --bar False")
    page.until(lambda: page.bars == {})
    page.run("%%llm\nthree", "c3")
    assert page.bars == {}
    page.run("%llm_config --reset")


def test_messages_that_wait_for_a_cell_do_not_count(page: BarPage) -> None:
    """A page without a subshell of its own: its messages come when no cell runs."""
    page.run("%unload_ext cellmage")
    page.run("%load_ext cellmage")
    before = page.comm
    page.run("%%llm\nfour", "c5")
    page.find_link()
    assert page.comm != before
    page.messages.clear()
    page.send("here", beside=False)
    page.run("%%llm\nfive", "c6")
    assert page.messages == []
    page.connect()
    assert set(page.bars) >= {"c5", "c6"}


def test_a_page_that_lost_messages_gets_the_true_state(
    page: BarPage, server: ScriptedServer
) -> None:
    """The number after the cell tells a page what it lacks; an answer that was asked again, too."""
    page.is_deaf = True
    page.run("%%llm\nthree", "c3")
    page.run("%llm_history --drop 2")
    page.is_deaf = False
    assert "c3" not in page.bars
    page.until(lambda: "c3" in page.bars and not page.bars["c3"]["live"])
    assert not page.bars["c2"]["turn"]
    page.is_deaf = True
    page.send("retry", "c3")
    while page.kernel_turns()[-1] != "No. 4":
        time.sleep(0.05)
    page.is_deaf = False
    page.send("have", number=page.number)
    page.until(lambda: page.shown("c3") == "No. 4" and not page.bars["c3"]["live"])

    def has_all() -> bool:
        page.messages.clear()
        page.send("have", number=page.number)
        page.send("markdown", "c3")
        page.until(lambda: bool(page.messages) and page.messages[-1]["type"] == "copy")
        return len(page.messages) == 1

    assert any(has_all() for _ in range(5)), "a page that lacks nothing gets nothing"


def test_no_widget_is_opened_after_the_end(kernel: Kernel) -> None:
    """A page would find two, and could take the one that nobody answers."""
    buttons = "get_ipython().magics_manager.registry['LLMMagics'].runner.approval.buttons"
    kernel.run(f"old = {buttons}\n%unload_ext cellmage\nold.start()\nold.stop()")
    assert kernel.value("old._link is None")
    kernel.run("%load_ext cellmage")


def test_follow_is_off_unless_it_is_asked_for(page: BarPage, kernel: Kernel) -> None:
    page.run("%%llm --follow\nthree", "c3")
    page.run("%llm_config --follow True\n%llm four", "c4")
    page.run("%%llm --no-follow\nfive", "c5")
    page.until(lambda: "c5" in page.bars and not page.bars["c5"]["live"])
    followed = {cell for cell, bar in page.bars.items() if bar["follow"]}
    assert followed == {"c3", "c4"}


def test_follow_says_where_it_has_no_effect(kernel: Kernel) -> None:
    line = "--follow has no effect here"
    assert line in kernel.run("%%llm --follow\none").printed, "cells have no ids"
    assert line in kernel.run("%%llm --follow\none", "vscode-notebook-cell:1").printed
    assert line in kernel.run("%%llm --follow\none", "c1").printed, "no page answers"
    assert line not in kernel.run("%llm_config --follow True\n%llm one").printed
    assert kernel.run("%llm_config --reset\n%llm one").printed == ""


def test_the_answer_of_a_background_cell_has_its_bar(page: BarPage, server: ScriptedServer) -> None:
    server.play_each([Reply([chunk("Half of"), 30]), Reply(answer("beside"))])
    page.run("%%llm --background\nlong", "c3")
    page.until(lambda: page.bars.get("c3", {}).get("live", False))
    page.until(lambda: bool(page.texts) and "Half of" in page.texts[-1])
    page.run("%%llm\nnext", "c4")
    assert page.bars["c3"]["live"], "another cell changes nothing"
    page.send("stop", "c3")
    page.until(lambda: not page.bars["c3"]["live"])
    page.until(lambda: bool(page.bars["c3"]["turn"]))
