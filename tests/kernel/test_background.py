"""``%%llm --background`` in a real kernel: every output belongs to the cell that asked."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import pytest

from cellmage.testing import Exchange, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.repetitions import IS_STRESS

pytestmark = pytest.mark.usefixtures("server")

COUNT = 1_000 if IS_STRESS else 30


class Page:
    """A front end that keeps the messages of all cells, those that come after the end, too."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.runs: dict[str, Run] = defaultdict(Run)

    def read(self, seconds: float) -> bool:
        """Take one message, and return whether there was one."""
        try:
            raw = self.kernel.client.get_iopub_msg(timeout=seconds)
        except Empty:
            return False
        parent = raw["parent_header"].get("msg_id", "")
        self.runs[parent].messages.append(self.kernel.message(raw))
        return True

    def run(self, code: str, cell_id: str) -> Run:
        """Run a cell, and return its messages at its end; later ones are added to them."""
        return self.finish(self.kernel.start(code, cell_id))

    def finish(self, msg_id: str) -> Run:
        """Take the messages of a cell until it has ended."""
        run = self.runs[msg_id]
        while not _is_idle(run):
            assert self.read(60)
        while True:
            reply = self.kernel.client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                run.reply = reply["content"]
                return run

    def read_until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            self.read(0.2)


def _is_idle(run: Run) -> bool:
    statuses = [message.content["execution_state"] for message in run.of_type("status")]
    return "idle" in statuses


@pytest.fixture
def page(kernel: Kernel) -> Iterator[Page]:
    page = Page(kernel)
    yield page
    page.run("%llm_jobs --stop all", "end")


@contextmanager
def held(server: ScriptedServer) -> Iterator[threading.Event]:
    """Let the server hold its answers until the gate is set; each repeats its question."""
    gate = threading.Event()

    def reply(exchange: Exchange) -> Reply:
        question = exchange.messages[-1][1]
        if "now" not in question:
            gate.wait(30)
        return Reply(answer(f"Answer to {question}.", 4))

    server.play_with(reply)
    try:
        yield gate
    finally:
        gate.set()


def text_of(run: Run) -> str:
    """Return all that a cell shows in the end."""
    plain = [output["data"].get("text/plain", "") for output in run.outputs]
    return " ".join([*plain, run.printed])


def test_a_cell_ends_at_once_and_its_answer_comes_below_it(
    page: Page, server: ScriptedServer
) -> None:
    with held(server) as gate:
        asked = page.run("%%llm --background\nbg one", "bg1")
        assert "job 1 in the background" in str(asked.outputs)
        other = page.run("print('other', _llm.state)", "bg2")
        assert other.printed.startswith("other ")
        gate.set()
        page.read_until(lambda: "Answer to bg one." in text_of(asked))
    assert asked.texts == ["Answer to bg one."]
    assert not other.frames
    assert "bg one" in page.run("%llm_history", "bg3").printed


def test_turns_are_in_the_order_of_asking_and_sent_when_settled(
    page: Page, server: ScriptedServer
) -> None:
    with held(server) as gate:
        page.run("%%llm --background\nbg slow", "bg1")
        second = page.run("%%llm\nnow", "bg2")
        assert second.texts[0] == "Answer to now."
        assert "1 answer is still under way in this conversation" in second.texts[1]
        assert [text for _, text in server.last.messages] == ["now"]
        gate.set()
        page.run("%llm --background now three", "bg3")
        page.run("_llm.result()", "bg4")
    page.read_until(lambda: not page.kernel.client.iopub_channel.msg_ready())
    printed = page.run("%llm_history", "bg5").printed
    assert printed.index("bg slow") < printed.index("now")


def test_await_and_result_give_the_response(page: Page, server: ScriptedServer) -> None:
    with held(server) as gate:
        page.run("%%llm --background --out bg_text\nbg q", "bg1")
        threading.Timer(0.3, gate.set).start()
        assert "Answer to bg q." in page.run("print((await _llm).text)", "bg2").printed
    line = "bg_job = %llm --background now\nprint(bg_job.result().text, _llm is bg_job, bg_text)"
    assert page.run(line, "bg3").printed.endswith("Answer to now. True Answer to bg q.\n")


def test_jobs_are_listed_shown_and_stopped(page: Page, server: ScriptedServer) -> None:
    server.play_with(lambda _: Reply([chunk("half ")], end="hang"))
    asked = [page.run(f"%%llm --background\nbg {n}", f"bg{n}") for n in range(10)]
    page.read_until(lambda: all("half" in str(run.outputs) for run in asked[:8]))
    (listing,) = page.run("%llm_jobs", "bgl").listings
    assert listing["text/plain"].count("answering") == 8
    assert listing["text/plain"].count("waiting") == 2
    assert "half" in page.run("%llm_jobs --show 1", "bgl").texts[0]
    assert "Stopped job 2." in page.run("%llm_jobs --stop 2", "bgl").printed
    page.read_until(lambda: "half" in str(asked[8].outputs))
    assert "Job 2 has ended already" in page.run("%llm_jobs --stop 2", "bgl").printed
    assert "there is no job 99" in page.run("%llm_jobs --stop 99", "bgl").error
    assert "the number of a job, or all" in page.run("%llm_jobs --stop x", "bgl").error
    assert "Stopped 9 answers." in page.run("%llm_stop", "bgl").printed
    stop = "%llm_jobs --stop all"
    page.read_until(lambda: "No answer is under way." in page.run(stop, "bgl").printed)
    assert page.run("%llm_history", "bgl").printed.count("partial") == 9


def test_a_cell_that_is_run_again_stops_its_earlier_answer(
    page: Page, server: ScriptedServer
) -> None:
    server.play_with(lambda _: Reply([chunk("half ")], end="hang"))
    first = page.run("%%llm --background\nbg q", "bg1")
    page.read_until(lambda: "half" in str(first.outputs))
    server.play_with(lambda _: Reply(answer("whole", 1)))
    page.run("%%llm --background\nbg q again", "bg1")
    page.run("_llm.result()", "bg2")
    printed = page.run("%llm_history", "bg3").printed
    assert "bg q again" in printed
    assert printed.count("bg q") == 1


def test_an_error_is_one_line_of_the_job(page: Page, server: ScriptedServer) -> None:
    server.play_with(lambda _: Reply(status=400, content_type="application/json"))
    asked = page.run("%%llm --background\nbg q", "bg1")
    assert asked.ok
    page.read_until(lambda: "Job 1 failed" in asked.printed)
    (line,) = asked.printed.splitlines()
    assert line.startswith("Job 1 failed: HTTPStatusError: ")
    (listing,) = page.run("%llm_jobs", "bg2").listings
    assert "failed" in listing["text/plain"]
    assert "HTTPStatusError" in page.run("_llm.result()", "bg3").error


def test_an_interrupt_of_another_cell_stops_no_job(page: Page, server: ScriptedServer) -> None:
    with held(server) as gate:
        asked = page.run("%%llm --background\nbg q", "bg1")
        timer = threading.Timer(0.5, page.kernel.interrupt)
        timer.start()
        assert "KeyboardInterrupt" in page.run("import time; time.sleep(20)", "bg2").error
        gate.set()
        page.read_until(lambda: "Answer to bg q." in text_of(asked))


def test_code_goes_into_the_cell_below_the_one_that_shows_it(
    page: Page, server: ScriptedServer
) -> None:
    server.play_with(lambda _: Reply(answer("```python\nbg_x = 1\n```\n", 1)))
    asked = page.run("%%llm --background --code\nbg q", "bg1")
    page.read_until(lambda: "%llm_jobs --show 1 puts the code" in asked.printed)
    assert not asked.reply["payload"]
    (payload,) = page.run("%llm_jobs --show 1", "bg2").reply["payload"]
    assert payload["text"] == "bg_x = 1"


def test_compare_and_schema_and_keep(page: Page, server: ScriptedServer) -> None:
    server.play_with(lambda exchange: Reply(answer(f"by {exchange.body['model']}", 1)))
    asked = page.run("%%llm --background --compare bg-a,bg-b\nbg q", "bg1")
    page.read_until(lambda: "by bg-a" in text_of(asked) and "by bg-b" in text_of(asked))
    server.play_with(lambda _: Reply(answer('{"city": "Oslo"}', 1)))
    page.run("bg_schema = {'type': 'object', 'properties': {'city': {'type': 'string'}}}", "bg2")
    page.run("%%llm --background --schema bg_schema --out bg_value --keep\nbg s", "bg3")
    page.run("_llm.result()", "bg4")
    page.run("%%llm --background --schema bg_schema --out bg_value --keep\nbg s", "bg3")
    page.run("_llm.result()", "bg4")
    assert page.kernel.value("bg_value") == {"city": "Oslo"}
    assert len(server.exchanges) == 3


def reply_with_tool(exchange: Exchange) -> Reply:
    if exchange.body["messages"][-1]["role"] == "tool":
        return Reply(answer(exchange.body["messages"][-1]["content"], 1))
    return Reply([tool_call("bg_tool", '{"n": 20}'), finish("tool_calls")])


def test_a_tool_without_buttons_is_asked_about_by_llm_jobs(
    page: Page, server: ScriptedServer
) -> None:
    server.play_with(reply_with_tool)
    page.run(
        "def bg_tool(n: int) -> int:\n    'Double.'\n    print('ran')\n    return 2 * n", "bg0"
    )
    asked = page.run("%%llm --background --tool bg_tool\nbg q", "bg1")
    page.read_until(lambda: "Job 1 waits for you: run %llm_jobs" in asked.printed)
    msg_id = page.kernel.start("%llm_jobs", "bg2")
    question = page.kernel.client.get_stdin_msg(timeout=20)
    assert "Run bg_tool(n=20)?" in question["content"]["prompt"]
    page.kernel.client.input("y")
    page.finish(msg_id)
    page.run("_llm.result()", "bg3")
    page.read_until(lambda: "ran" in asked.printed and "40" in asked.texts)


def test_a_job_that_waits_for_the_user_can_be_stopped(page: Page, server: ScriptedServer) -> None:
    server.play_with(reply_with_tool)
    page.run("def bg_tool(n: int) -> int:\n    'Double.'\n    return 2 * n", "bg0")
    asked = page.run("%%llm --background --tool bg_tool\nbg q", "bg1")
    page.read_until(lambda: "Job 1 waits for you" in asked.printed)
    assert "Stopped job 1." in page.run("%llm_jobs --stop 1", "bg2").printed
    assert page.kernel.value("(len(_llm.text), _llm.state)") == (0, "partial")


@pytest.mark.parametrize("line", ["", "%%capture bg_captured\n"])
def test_where_nobody_watches_the_answer_is_in_the_foreground(
    page: Page, server: ScriptedServer, line: str
) -> None:
    with held(server):
        run = page.kernel.run(
            f"{line}%%llm --background\nnow", "bg1", **({} if line else {"allow_stdin": False})
        )
        printed = page.kernel.value("str(bg_captured)") if line else run.printed
        assert "answered in the foreground" in printed
        assert page.kernel.value("_llm.text") == "Answer to now."


def test_unloading_settles_the_jobs(page: Page, server: ScriptedServer) -> None:
    server.play_with(lambda _: Reply([chunk("half ")], end="hang"))
    asked = page.run("%%llm --background\nbg q", "bg1")
    page.read_until(lambda: "half" in str(asked.outputs))
    page.run("%unload_ext cellmage", "bg2")
    assert page.kernel.value("(_llm.state, _llm.text)") == ("partial", "half ")
    page.run("%load_ext cellmage", "bg2")


def test_no_character_is_in_the_wrong_cell(page: Page, server: ScriptedServer) -> None:
    """Many answers, eight at a time, among cells that print; each text names its cell."""

    def reply(exchange: Exchange) -> Reply:
        name = exchange.messages[-1][1].split()[-1]
        steps = [step for _ in range(5) for step in (chunk(f"<{name}> "), 0.002)]
        return Reply([*steps, finish()])

    server.play_with(reply)
    asked: dict[str, Run] = {}
    others: dict[str, Run] = {}
    for n in range(COUNT):
        asked[f"b{n:04}"] = page.run(
            f"%%llm --background --no-history --stats\nbg b{n:04}", f"bgb{n}"
        )
        others[f"c{n:04}"] = page.run(
            f"for turn in range(3): print('<c{n:04}> ', end='', flush=True)", f"bgc{n}"
        )
    page.run(
        "for bg_job in [*get_ipython().magics_manager.registry['LLMMagics']"
        ".runner.background.queue.under_way]: bg_job.result()",
        "bgend",
    )
    page.read_until(lambda: all("<" in text_of(run) for run in asked.values()))
    page.read_until(lambda: not page.read(0.5))
    for name, run in asked.items():
        text = text_of(run)
        assert text.count(f"<{name}>") == 5
        assert text.count("<") == 5
        assert "<b" not in run.printed
    for name, run in others.items():
        assert run.printed == f"<{name}> " * 3
        assert not run.frames


def test_the_numbers_of_jobs_are_completed(page: Page, server: ScriptedServer) -> None:
    with held(server):
        page.run("%%llm --background\nbg q", "bg1")
        kernel = page.kernel
        line = "get_ipython().Completer.complete('%llm_jobs --stop ')[1]"
        assert {"1", "all"} <= set(kernel.value(line))
