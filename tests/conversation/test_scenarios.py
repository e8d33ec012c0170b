"""tests/data/state_scenarios.json over real HTTP and a real store; a server checks every request.

The scenarios with tools are in test_tool_scenarios.py. Those that need a notebook, or a fault of
the store, are tests of other folders: `ELSEWHERE` names them.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from itertools import islice
from pathlib import Path

import pytest

from cellmage import CellmageError, CellRef
from cellmage.errors import UsageError
from cellmage.testing import Exchange, Reply, answer, chunk, finish
from tests.conversation.scene import Scene
from tests.defined_tests import defined_tests
from tests.message_rules import violations

DATA = json.loads((Path(__file__).parents[1] / "data/state_scenarios.json").read_text())

ELSEWHERE = {
    "interrupt_mid": "test_keeps_the_partial_answer",
    "interrupt_before_token": "test_before_the_first_word_leaves_no_turn",
    "double_interrupt": "test_twice_is_as_once",
    "kill_9_mid": "test_kill_9_in_mid_stream",
    "run_all": "test_restart_resume_run_all",
    "notebook_renamed": "test_a_renamed_notebook_goes_on",
    "notebook_copied": "test_a_copy_starts_fresh",
    "two_kernels_one_store": "test_two_kernels_at_once",
    "store_locked": "test_a_store_that_is_locked",
    "store_read_only": "test_a_folder_that_cannot_be_written",
    "disk_full": "test_a_full_disk",
    "store_newer_version": "test_a_later_release",
    "store_on_network_disk": "test_no_shared_memory",
    "two_cells_two_subshells": "test_two_subshells_at_once",
    "approval_no_stdin": "test_nobody_to_ask",
    "fork_process": "test_a_forked_child_reconnects",
}
"""The tests of the other scenarios, by name: a test may move to another file."""

# Nothing summarizes here: turns that do not fit are left out, with a notice.
NOT_BUILT = {"summary_fails"}


def test_every_scenario_has_a_test() -> None:
    """A scenario of this folder is named by its test, or by the docstring of its test."""
    folder = Path(__file__).parent
    here = "".join(path.read_text("utf-8") for path in folder.glob("test_*scenarios.py"))
    for scenario in DATA["scenarios"]:
        name = scenario["id"]
        assert name in ELSEWHERE or name in NOT_BUILT or name in here, name
    assert set(ELSEWHERE.values()) <= defined_tests()


def test_ok_and_fail_then_rerun(scene: Scene) -> None:
    assert scene.ask("u1", "C1") == ""
    assert scene.next_texts() == "u1,a1"
    scene.replies["u2"] = Reply(status=400, content_type="application/json")
    assert scene.ask("u2", "C2") == "bad_request"
    assert scene.next_texts() == "u1,a1"
    del scene.replies["u2"]
    assert scene.ask("u2", "C2") == ""
    assert scene.next_texts() == "u1,a1,u2,a2"
    assert scene.states() == [("live", "complete"), ("failed", "bad_request"), ("live", "complete")]


def test_cut_mid_and_cut_then_new_cell(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("five words and no more")], end="reset")
    assert scene.ask("u2", "C2") == "connection_lost"
    assert scene.next_texts() == "u1,a1,u2,five words and no more"
    assert scene.states()[1] == ("live", "connection_lost")
    assert scene.ask("u3", "C3") == ""
    assert scene.next_texts() == "u1,a1,u2,five words and no more,u3,a3"


def test_interrupt_during_commit(scene: Scene) -> None:
    """The turn is stored before its consumer goes on."""
    scene.ask("u1", "C1")
    stream = scene.chat.stream("u2", cell=CellRef("C2", 0))
    texts = iter(stream)
    assert "".join(islice(texts, 1)) == "a2"
    with pytest.raises(KeyboardInterrupt):
        texts.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert scene.next_texts() == "u1,a1,u2,a2"


def test_kill_9_after_answer(scene: Scene) -> None:
    scene.ask("u1", "C1")
    connection = sqlite3.connect(scene.path)  # what another process sees
    assert connection.execute("SELECT count(*) FROM turns WHERE state = 'live'").fetchone() == (1,)
    connection.close()


def test_reasoning_only_cut(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk(reasoning_content="I weigh")], end="reset")
    assert scene.ask("u2", "C2") == "connection_lost"
    assert scene.next_texts() == "u1,a1"
    assert scene.states()[1] == ("failed", "connection_lost")
    ((metadata,),) = scene.store.execute("SELECT metadata FROM turns WHERE state = 'failed'")
    assert json.loads(metadata)["reasoning"] == "I weigh"


def test_length_cut(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("so far"), finish("length")])
    assert scene.ask("u2", "C2") == ""
    assert scene.next_texts() == "u1,a1,u2,so far"
    assert scene.states()[1] == ("live", "length")
    assert "`continue_answer`" in scene.chat.turns[1].response.notices[0]


def test_refusal(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("I will not."), finish("refusal")])
    assert scene.ask("u2", "C2") == ""
    assert scene.next_texts() == "u1,a1,u2,I will not."
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
    assert scene.next_texts() == "u1,a1,u2,a2"
    assert scene.chat.turns[1].response.model == "works"
    with pytest.raises(CellmageError) as caught:
        scene.chat.ask("u3", model="first,second,third")
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["first", "second", "third"]
    assert scene.next_texts() == "u1,a1,u2,a2"


def test_no_fallback_after_token(scene: Scene) -> None:
    scene.ask("u1", "C1")
    scene.replies["u2"] = Reply([chunk("five words")], end="reset")
    assert scene.ask("u2", "C2", model="first,second") == "connection_lost"
    assert len(scene.server.exchanges) == 2
    assert scene.next_texts() == "u1,a1,u2,five words"


def test_reruns(scene: Scene) -> None:
    """same_text, edited_last, copied_cell, cell_moved, cell_deleted: only the cell's id counts."""
    scene.ask("u1", "C1")
    scene.ask("u1", "C1")
    assert scene.next_texts() == "u1,a1"
    scene.ask("u2", "C2")
    scene.ask("u2'", "C2")
    assert scene.next_texts() == "u1,a1,u2',a2'"
    scene.ask("u2'", "C2 copied")
    assert scene.next_texts() == "u1,a1,u2',a2',u2',a2'"
    scene.ask("u1 again", "C1")
    assert scene.next_texts() == "u1 again,a1 again,u2',a2',u2',a2'"
    assert [turn.state for turn in scene.chat.turns] == ["complete", "stale", "stale"]
    assert [len(turn.previous_attempts) for turn in scene.chat.turns] == [2, 1, 0]


def test_cell_in_loop(scene: Scene) -> None:
    for number in range(10):
        list(scene.chat.stream(f"u{number}", cell=CellRef("C1", number)))
    assert len(scene.chat.turns) == 10
    assert scene.next_texts().startswith("u0,a0,u1,a1")


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
    assert scene.next_texts().startswith("u1,a1,")


def test_overflow_known_limit_and_single_question(scene: Scene) -> None:
    for number in range(9):
        scene.ask(f"u{number} " + "word " * 100, f"C{number}")
    assert scene.ask("now", max_context_tokens=1000) == ""
    assert len(scene.server.last.messages) == 7
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
    assert scene.next_texts() == "u1," + "x" * 5_000_000


def test_system_prompt_changed(scene: Scene) -> None:
    for number in range(5):
        scene.ask(f"u{number}", f"C{number}", system="one")
    assert scene.ask("u5", "C5", system="two") == ""
    assert scene.server.last.messages[0] == ("system", "two")
    assert [role for role, _ in scene.server.last.messages].count("system") == 1
    assert len(scene.server.last.messages) == 12
    assert "system prompt" in scene.chat.turns[5].response.notices[0]
    assert [turn.system for turn in scene.chat.turns] == ["one"] * 5 + ["two"]
    scene.next_texts()


def test_lone_surrogate(scene: Scene) -> None:
    scene.replies["u1"] = Reply(
        [b'data: {"choices":[{"delta":{"content":"a\\ud800b"}}]}\n\n', finish()]
    )
    assert scene.ask("u1", "C1") == ""
    assert scene.chat.turns[0].response.text == "a\ufffdb"  # the JSON decoder replaces it
    assert scene.ask("u\ud800", "C2") == ""
    assert scene.chat.turns[1].prompt == "u\ufffd"
    scene.next_texts()
    assert scene.ask("u3", "C3") == ""
    assert scene.server.last.messages[2] == ("user", "u\ufffd")
