"""tests/data/state_scenarios.json over real HTTP and a real store; a server checks every request.

Those that need a notebook are in tests/kernel and tests/magics, and those of the store's faults in test_store.py:
`ELSEWHERE` says where.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from cellmage import CellmageError, CellRef, Conversation, Options
from cellmage.conversation.store import Home, Store
from cellmage.errors import UsageError
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.message_rules import violations

DATA = json.loads((Path(__file__).parents[1] / "data/state_scenarios.json").read_text())
HOME = Home("/notes/a.ipynb", "/notes")

ELSEWHERE = {
    "interrupt_mid": "kernel/test_walk.py::TestInterrupt::test_keeps_the_partial_answer",
    "interrupt_before_token":
        "kernel/test_walk.py::TestInterrupt::test_before_the_first_word_leaves_no_turn",
    "double_interrupt": "kernel/test_walk.py::TestInterrupt::test_twice_is_as_once",
    "kill_9_mid": "kernel/test_memory.py::test_kill_9_in_mid_stream",
    "run_all": "kernel/test_memory.py::test_restart_resume_run_all",
    "notebook_renamed": "kernel/test_memory.py::test_a_renamed_notebook_goes_on",
    "notebook_copied": "magics/test_conversations.py::test_a_copy_starts_fresh",
    "two_kernels_one_store": "conversation/store/test_store.py::test_two_kernels_at_once",
    "store_locked": "magics/test_conversations.py::test_a_store_that_is_held_costs_a_line",
    "store_read_only": "conversation/store/test_store.py::test_a_folder_that_cannot_be_written",
    "disk_full": "conversation/store/test_store.py::test_a_full_disk",
    "store_newer_version": "conversation/store/test_store.py::test_a_later_release",
    "store_on_network_disk": "conversation/store/test_store.py::test_no_shared_memory",
    "approval_no_stdin": "kernel/test_tools.py::test_nobody_to_ask",
    "fork_process": "conversation/store/test_store.py::test_a_forked_child_reconnects",
}  # fmt: skip
# Nothing summarises here: what is left out is left out, and said.
NOT_BUILT = {"summary_fails"}


class Scene:
    """A conversation in a store, with a strict server; each question says what is to happen."""

    def __init__(self, server: ScriptedServer, path: Path) -> None:
        self.server = server
        self.path = path
        self.store = Store(path)
        self.chat = self.open()
        self.replies: dict[str, Reply] = {}
        server.play_with(self._reply)

    def open(self, home: Home = HOME) -> Conversation:
        options = Options(model="m", base_url=self.server.url)
        return Conversation(options, journal=Store(self.path).journal(home))

    def _reply(self, exchange: Exchange) -> Reply:
        wrong = violations(exchange)
        assert not wrong, wrong
        question = exchange.messages[-1][1]
        return self.replies.get(question) or Reply(answer(question.replace("u", "a"), 2))

    def ask(self, prompt: str, cell: str | None = None, **more: object) -> str:
        """The kind of the failure, or nothing."""
        key = None if cell is None else CellRef(cell, 0)
        stream = self.chat.stream(prompt, cell=key, **more)  # type: ignore[arg-type]
        try:
            for _ in stream:
                pass
        except CellmageError as error:
            return error.kind
        return ""

    def sent(self) -> str:
        """What would be sent with a next question, and what the store would give back."""
        request = self.chat.request("next")
        fresh = self.open()
        fresh.history.resume()
        assert fresh.turns == self.chat.turns
        assert fresh.request("next").messages == request.messages
        return ",".join(message.content for message in request.messages[:-1])

    def states(self) -> list[tuple[str, str]]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT state, facts FROM turns ORDER BY at").fetchall()
        return [
            (state, json.loads(facts).get("incomplete_reason") or "whole") for state, facts in rows
        ]


@pytest.fixture
def scene(server: ScriptedServer, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(server, tmp_path / "turns.db")
    yield made
    made.store.close()


def cut(text: str, **how: str) -> Reply:
    return Reply([chunk(text)], **how)  # type: ignore[arg-type]


def test_ok_and_fail_then_rerun(scene: Scene) -> None:
    assert scene.ask("u1", "C1") == ""
    assert scene.sent() == "u1,a1"
    scene.replies["u2"] = Reply(status=400, content_type="application/json")
    assert scene.ask("u2", "C2") == "bad_request"
    assert scene.sent() == "u1,a1"
    del scene.replies["u2"]
    assert scene.ask("u2", "C2") == ""
    assert scene.sent() == "u1,a1,u2,a2"
    assert scene.states() == [("live", "whole"), ("failed", "bad_request"), ("live", "whole")]


def test_cut_mid_and_cut_then_new_cell(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = cut("five words and no more", end="reset")
    assert scene.ask("u2", "C2") == "connection_lost"
    assert scene.sent() == "u1,a1,u2,five words and no more"
    assert scene.states()[1] == ("live", "connection_lost")
    assert scene.ask("u3", "C3") == ""
    assert scene.sent() == "u1,a1,u2,five words and no more,u3,a3"


def test_interrupt_during_commit(scene: Scene) -> None:
    """What comes after the last byte finds the turn stored: it is, before the reader goes on."""
    scene.ask("u1", "C1")
    stream = scene.chat.stream("u2", cell=CellRef("C2", 0))
    texts = iter(stream)
    assert "".join(islice(texts, 1)) == "a2"
    with pytest.raises(KeyboardInterrupt):
        texts.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert scene.sent() == "u1,a1,u2,a2"


def test_kill_9_after_answer(scene: Scene) -> None:
    scene.ask("u1", "C1")
    connection = sqlite3.connect(scene.path)
    assert connection.execute("SELECT count(*) FROM turns WHERE state = 'live'").fetchone() == (1,)
    connection.close()


def test_reasoning_only_cut(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk(reasoning_content="I weigh")], end="reset")
    assert scene.ask("u2", "C2") == "connection_lost"
    assert scene.sent() == "u1,a1"
    assert scene.states()[1] == ("failed", "connection_lost")
    with sqlite3.connect(scene.path) as connection:
        (facts,) = connection.execute("SELECT facts FROM turns WHERE state = 'failed'").fetchone()
    assert json.loads(facts)["reasoning"] == "I weigh"


def test_length_cut(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("so far"), finish("length")])
    assert scene.ask("u2", "C2") == ""
    assert scene.sent() == "u1,a1,u2,so far"
    assert scene.states()[1] == ("live", "length")
    assert "`continue_answer`" in scene.chat.turns[1].response.notices[0]


def test_refusal(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("I will not."), finish("refusal")])
    assert scene.ask("u2", "C2") == ""
    assert scene.sent() == "u1,a1,u2,I will not."
    assert scene.chat.turns[1].response.notices == ("The model declined to answer.",)


def test_fallback_before_token_and_all_providers_down(scene: Scene) -> None:
    scene.ask("u1", "C1")
    down = {"x-should-retry": "false"}

    def reply(exchange: Exchange) -> Reply:
        status = {"first": 503, "second": 404, "third": 401}.get(exchange.body["model"])
        if status:
            return Reply(status=status, content_type="application/json", headers=down)
        return Reply(answer("a2"))

    scene.server.play_with(reply)
    assert scene.ask("u2", "C2", model="first,works") == ""
    assert scene.sent() == "u1,a1,u2,a2"
    assert scene.chat.turns[1].response.model == "works"
    with pytest.raises(CellmageError) as caught:
        scene.chat.ask("u3", model="first,second,third")
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["first", "second", "third"]
    assert scene.sent() == "u1,a1,u2,a2"


def test_no_fallback_after_token(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = cut("five words", end="reset")
    assert scene.ask("u2", "C2", model="first,second") == "connection_lost"
    assert len(scene.server.exchanges) == 2
    assert scene.sent() == "u1,a1,u2,five words"


def test_reruns(scene: Scene) -> None:
    """same_text, edited_last, copied_cell, cell_moved, cell_deleted: the id of the cell counts."""
    scene.ask("u1", "C1")
    scene.ask("u1", "C1")
    assert scene.sent() == "u1,a1"
    scene.ask("u2", "C2")
    scene.ask("u2'", "C2")
    assert scene.sent() == "u1,a1,u2',a2'"
    scene.ask("u2'", "C2 copied")
    assert scene.sent() == "u1,a1,u2',a2',u2',a2'"
    scene.ask("u1 again", "C1")
    assert scene.sent() == "u1 again,a1 again,u2',a2',u2',a2'"
    assert [turn.state for turn in scene.chat.turns] == ["complete", "stale", "stale"]
    assert [len(turn.previous_attempts) for turn in scene.chat.turns] == [2, 1, 0]


def test_cell_in_loop(scene: Scene) -> None:
    for number in range(10):
        list(scene.chat.stream(f"u{number}", cell=CellRef("C1", number)))
    assert len(scene.chat.turns) == 10
    assert scene.sent().startswith("u0,a0,u1,a1")


def test_two_cells_at_once_and_async_tasks(scene: Scene) -> None:
    scene.ask("u1", "C1")

    async def ask(prompt: str) -> None:
        async for _ in scene.chat.astream(prompt):
            pass

    async def all_at_once() -> None:
        await asyncio.gather(*(ask(f"u{number}") for number in range(2, 7)))

    asyncio.run(all_at_once())
    pairs = [(turn.prompt, turn.response.text) for turn in scene.chat.turns]
    assert sorted(pairs) == [(f"u{number}", f"a{number}") for number in range(1, 7)]
    assert scene.sent().startswith("u1,a1,")


def test_overflow_known_limit_and_single_question(scene: Scene) -> None:
    for number in range(9):
        scene.ask(f"u{number} " + "word " * 100, f"C{number}")
    assert scene.ask("now", max_context_tokens=1000) == ""
    sent = len(scene.server.last.messages)
    assert sent == 7
    assert scene.chat.turns[-1].response.notices[0].startswith("6 older turns were left out")
    assert len(scene.chat.turns) == 10
    # overflow_single_question
    with pytest.raises(UsageError, match="too long by about"):
        scene.chat.ask("word " * 2000, max_context_tokens=1000)


def test_overflow_unknown_limit(scene: Scene) -> None:
    for number in range(8):
        scene.ask(f"u{number}", f"C{number}")

    def reply(exchange: Exchange) -> Reply:
        assert not violations(exchange)
        if len(exchange.messages) > 9:
            body = b'{"error": {"code": "context_length_exceeded", "message": "too long"}}'
            return Reply([body], status=400, content_type="application/json")
        return Reply(answer("a8"))

    scene.server.play_with(reply)
    assert scene.ask("u8", "C8") == ""
    assert len(scene.chat.turns) == 9
    assert "left out" in scene.chat.turns[8].response.notices[0]


def test_huge_answer(scene: Scene) -> None:
    scene.replies["u1"] = Reply([*[chunk("x" * 50_000)] * 100, finish()])
    assert scene.ask("u1", "C1") == ""
    assert scene.sent() == "u1," + "x" * 5_000_000


def test_system_prompt_changed(scene: Scene) -> None:
    for number in range(5):
        scene.ask(f"u{number}", f"C{number}", system="one")
    assert scene.ask("u5", "C5", system="two") == ""
    assert scene.server.last.messages[0] == ("system", "two")
    assert [role for role, _ in scene.server.last.messages].count("system") == 1
    assert len(scene.server.last.messages) == 12
    assert "system prompt" in scene.chat.turns[5].response.notices[0]
    assert [turn.system for turn in scene.chat.turns] == ["one"] * 5 + ["two"]
    scene.sent()


def test_lone_surrogate(scene: Scene) -> None:
    scene.replies["u1"] = Reply(
        [b'data: {"choices":[{"delta":{"content":"a\\ud800b"}}]}\n\n', finish()]
    )
    assert scene.ask("u1", "C1") == ""
    assert scene.chat.turns[0].response.text == "a\ufffdb"  # the JSON decoder replaces it
    assert scene.ask("u\ud800", "C2") == ""
    assert scene.chat.turns[1].prompt == "u\ud800"
    scene.sent()
    assert scene.ask("u3", "C3") == ""
    assert scene.server.last.messages[2] == ("user", "u\ufffd")


def calls_t1(scene: Scene, text: str = "") -> None:
    """The next question is answered with a call of t1, and its result with a1."""
    first = Reply(
        [*([chunk(text)] if text else []), tool_call("t1", "{}"), finish("tool_calls"), DONE]
    )
    scene.server.play_with(
        lambda exchange: (
            first if exchange.body["messages"][-1]["role"] == "user" else Reply(answer("a1"))
        )
    )


def roles(scene: Scene) -> list[str]:
    scene.sent()
    return [message.role for message in scene.chat.request("next").messages[:-1]]


def test_tool_ok(scene: Scene) -> None:
    def t1() -> str:
        return "r1"

    calls_t1(scene, "see: ")
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    assert scene.sent() == "u1,see: ,r1,a1"
    assert roles(scene) == ["user", "assistant", "tool", "assistant"]
    assert scene.chat.turns[0].response.text == "see: a1"
    assert scene.states() == [("live", "whole")]
    assert violations(scene.server.last) == []


def test_cut_after_call(scene: Scene) -> None:
    def t1() -> None:
        signal.raise_signal(signal.SIGINT)

    calls_t1(scene)
    with pytest.raises(KeyboardInterrupt):
        scene.ask("u1", "C1", tools=[t1], approve="always")
    assert scene.sent() == "u1,,cancelled: it was not run to its end"
    assert roles(scene) == ["user", "assistant", "tool"]
    assert scene.states() == [("live", "interrupted")]
    scene.server.play(*answer("a2"))
    scene.ask("u2", "C2")
    assert violations(scene.server.last) == []


def test_tool_raises(scene: Scene) -> None:
    def t1() -> str:
        secret = "a local value"
        raise FileNotFoundError(2, f"Not here\nnor there{secret and ''}", "/home/ada/notes.txt")

    calls_t1(scene)
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    told = "error: FileNotFoundError: [Errno 2] Not here nor there: 'notes.txt'"
    assert scene.sent() == f"u1,,{told},a1"
    assert scene.states() == [("live", "whole")]


def test_tool_result_huge(scene: Scene) -> None:
    def t1() -> str:
        return "x" * 50_000_000

    calls_t1(scene)
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    result = scene.server.last.body["messages"][-1]["content"]
    assert result == "x" * 20_000 + "\n[cut here: these are 20000 of 50000000 characters]"
    assert result in scene.sent()


def test_every_scenario_is_somewhere() -> None:
    here = Path(__file__).read_text()
    for each in DATA["scenarios"]:
        name = each["id"]
        somewhere = name in ELSEWHERE or name in NOT_BUILT
        assert somewhere or name in here or name in ("two_cells_two_subshells",), name
    for path in ELSEWHERE.values():
        file, *_, test = path.split("::")
        assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text()
