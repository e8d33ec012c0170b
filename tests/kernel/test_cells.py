"""A question belongs to a cell: to that which started its thread, and to one of two with one id."""

from __future__ import annotations

import pytest
from ipykernel.zmqshell import ZMQInteractiveShell

from cellmage.testing import Reply, ScriptedServer, answer, chunk
from tests.kernel.client import Kernel, Message, Run
from tests.kernel.notebooks import Start

ASK_LATER = """
import threading, time
go = threading.Event()
def ask():
    go.wait(20)
    %llm from the thread
{start}
"""
STARTS = {
    "thread": "thread = threading.Thread(target=ask); thread.start()",
    "pool": "import concurrent.futures as f\n_ = f.ThreadPoolExecutor(1).submit(ask)",
    "nested": "def outer(): t = threading.Thread(target=ask); t.start(); t.join()\n"
    "threading.Thread(target=outer).start()",
    "task": "import asyncio\ntask = asyncio.create_task(asyncio.to_thread(ask))",
}


def frames_by_cell(kernel: Kernel, until: str) -> dict[str, list[Message]]:
    """Return the messages with frames by the request that they belong to."""
    frames: dict[str, list[Message]] = {}
    while True:
        raw = kernel.client.get_iopub_msg(timeout=20)
        message = kernel.message(raw)
        if message.type in ("display_data", "update_display_data"):
            frames.setdefault(raw["parent_header"]["msg_id"], []).append(message)
            if message.content["metadata"] and until in str(message.content["data"]):
                return frames


@pytest.mark.skipif(
    not hasattr(ZMQInteractiveShell, "set_thread_parent"),
    reason="ipykernel before 7.4 shows the output of a thread in the running cell",
)
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_thread_answers_in_the_cell_that_started_it(
    kernel: Kernel, server: ScriptedServer, start: str
) -> None:
    server.play_with(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))
    kernel.run("import asyncio\nawait asyncio.to_thread(id, 0)")  # starts a thread of the pool
    kernel.run("%llm earlier", "a")
    first = kernel.start(ASK_LATER.format(start=start), "a")
    kernel.finish(first)
    kernel.run("%llm in between", "b")
    second = kernel.start("%llm now\ngo.set()\nimport time; time.sleep(0.5)", "c")
    frames = frames_by_cell(kernel, until="FROM THE THREAD")
    kernel.finish(second)
    assert all("THREAD" not in str(frame.content) for frame in frames.get(second, []))
    assert "FROM THE THREAD" in frames[first][-1].markdown
    kernel.run("%llm after", "d")
    questions = [text for role, text in server.last.messages if role == "user"]
    assert questions == ["from the thread", "in between", "now", "after"]


def test_a_thread_of_a_subshell_is_not_taken_for_one_of_a_cell(
    kernel: Kernel, server: ScriptedServer
) -> None:
    kernel.run("n = 1", "a")
    shell = kernel.control("create_subshell_request")["subshell_id"]
    server.play(chunk("one"), *answer(" two"))
    msg_id, run = kernel.start("%%llm\nGo", "fresh", subshell=shell), Run()
    kernel.collect(msg_id, run)
    assert run.texts[-1] == "one two"
    kernel.client.get_shell_msg(timeout=20)


class TestOneIdTwice:
    def test_the_second_cell_says_what_it_replaces(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("%%llm\nfirst question", "twin")
        run = kernel.run("%%llm\nsecond question", "twin")
        assert "took the place of 'first question'" in run.texts[-1]
        assert "--append keeps both" in run.texts[-1]
        assert kernel.run("%llm_history --restore 1.1").ok
        run = kernel.run("%%llm --append\nsecond question", "twin")
        assert "took the place" not in "".join(run.texts)
        assert kernel.run("%llm_history").printed.count("complete") == 2

    @pytest.mark.parametrize(
        "edited",
        ["first question", "first question, please", "firts question", "the first question of all"],
    )
    def test_an_edited_question_needs_no_words(
        self, kernel: Kernel, server: ScriptedServer, edited: str
    ) -> None:
        kernel.run("%%llm\nfirst question", "edited")
        assert "took the place" not in "".join(kernel.run(f"%%llm\n{edited}", "edited").texts)


def test_a_line_says_once_that_later_turns_become_stale(kernel: Kernel) -> None:
    for cell in "abc":
        assert kernel.run(f"%%llm\n{cell}", cell).printed == ""
    assert "2 later turns become stale" in kernel.run("%%llm\na", "a").printed
    for cell in "bac":
        assert kernel.run(f"%%llm\n{cell}", cell).printed == ""


def test_without_ids_a_line_says_once_that_turns_are_added(start: Start) -> None:
    kernel = start()
    runs = [kernel.run("%%llm\nHello") for _ in range(3)]
    said = ["sends no ids of cells" in run.printed for run in runs]
    assert said == [True, False, False]
    unwatched = [kernel.run("%%llm\nAgain", allow_stdin=False) for _ in range(2)]
    assert not any("sends no ids" in run.printed for run in unwatched)
