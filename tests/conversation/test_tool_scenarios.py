"""The scenarios of tests/data/state_scenarios.json in which the model calls a tool."""

from __future__ import annotations

import signal

import pytest

from cellmage.testing import DONE, Reply, answer, chunk, finish, tool_call
from tests.conversation.scene import Scene
from tests.message_rules import violations


def call_t1(scene: Scene, text: str = "") -> None:
    """Have the next question answered with a call of t1, and the result of the tool with a1."""
    first = Reply(
        [*([chunk(text)] if text else []), tool_call("t1", "{}"), finish("tool_calls"), DONE]
    )
    scene.server.play_with(
        lambda exchange: (
            first if exchange.body["messages"][-1]["role"] == "user" else Reply(answer("a1"))
        )
    )


def test_tool_ok(scene: Scene) -> None:
    def t1() -> str:
        return "r1"

    call_t1(scene, "see: ")
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    assert scene.next_messages() == [
        ("user", "u1"), ("assistant", "see: "), ("tool", "r1"), ("assistant", "a1"),
    ]  # fmt: skip
    assert scene.chat.turns[0].response.text == "see: a1"
    assert scene.states() == [("live", "complete")]
    assert violations(scene.server.last) == []


def test_cut_after_call(scene: Scene) -> None:
    def t1() -> None:
        signal.raise_signal(signal.SIGINT)

    call_t1(scene)
    with pytest.raises(KeyboardInterrupt):
        scene.ask("u1", "C1", tools=[t1], approve="always")
    cancelled = "cancelled: it was not run to its end"
    assert scene.next_messages() == [("user", "u1"), ("assistant", ""), ("tool", cancelled)]
    assert scene.states() == [("live", "interrupted")]
    scene.server.play(*answer("a2"))
    scene.ask("u2", "C2")
    assert violations(scene.server.last) == []


def test_tool_raises(scene: Scene) -> None:
    def t1() -> str:
        secret = "a local value"
        raise FileNotFoundError(2, f"Not here\nnor there{secret and ''}", "/home/ada/notes.txt")

    call_t1(scene)
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    result = "error: FileNotFoundError: [Errno 2] Not here nor there: 'notes.txt'"
    assert scene.next_texts() == f"u1,,{result},a1"
    assert scene.states() == [("live", "complete")]


def test_tool_result_huge(scene: Scene) -> None:
    def t1() -> str:
        return "x" * 50_000_000

    call_t1(scene)
    assert scene.ask("u1", "C1", tools=[t1], approve="always") == ""
    result = scene.server.last.body["messages"][-1]["content"]
    assert result == "x" * 20_000 + "\n[cut here: these are 20000 of 50000000 characters]"
    assert result in scene.next_texts()
