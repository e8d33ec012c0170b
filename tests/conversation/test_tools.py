"""Turns in which the model called tools, in the requests after them."""

from __future__ import annotations

import json

import pytest

from cellmage import (
    Conversation,
    Endpoint,
    Options,
    Response,
    ToolInvocation,
    ToolStep,
    Turn,
)
from cellmage.context_window import turn_tokens
from cellmage.providers.openai import OpenAIProvider
from cellmage.serialization import turn_from_record, turn_to_record
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call, usage
from tests.message_rules import violations
from tests.tool_scripts import play_calls, read, thread_name


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    return Conversation(Options(model="m", base_url=server.url))


def test_in_the_next_question(chat: Conversation, server: ScriptedServer) -> None:
    play_calls(server, ("thread_name", "{}"))
    read(chat, thread_name)
    turn = chat.turns[0]
    assert turn_from_record(json.loads(json.dumps(turn_to_record(turn, {}))), {}) == turn
    server.play(*answer("Later."))
    assert chat.ask("And now?").text == "Later."
    assert violations(server.last) == []
    assert [role for role, _ in server.last.messages] == [
        "user", "assistant", "tool", "assistant", "user"
    ]  # fmt: skip


def test_the_context_window_counts_results(chat: Conversation, server: ScriptedServer) -> None:
    def long() -> str:
        return "word " * 4_000

    first = Reply([tool_call("long", "{}"), finish("tool_calls"), usage(10, 2), DONE])
    server.play_each([first, Reply([chunk("ok"), finish(), usage(10, 2), DONE])])
    read(chat, long)
    assert turn_tokens(chat.turns)[0] > 4_000
    assert len(chat.request("Next", max_context_tokens=300).messages) == 1


@pytest.mark.parametrize("is_required", [False, True])
def test_a_server_that_requires_an_assistant_after_a_tool(
    server: ScriptedServer, is_required: bool
) -> None:
    """As Mistral's; there is none in a turn that was stopped while its tools ran."""
    step = ToolStep("", (ToolInvocation("a", "thread_name", "{}"),))
    turn = Turn("Go", Response("", steps=(step,), incomplete_reason="interrupted"))
    endpoint = Endpoint(server.url, requires_assistant_after_tool=is_required)
    Conversation(provider=OpenAIProvider(endpoint), turns=[turn]).ask("Next", model="m")
    roles = [message["role"] for message in server.last.body["messages"]]
    assert roles == ["user", "assistant", "tool", *["assistant"] * is_required, "user"]
    assert violations(server.last) == []
