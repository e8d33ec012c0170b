"""Servers that demand back what they sent beside a tool call, and refuse a request without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellmage import Conversation, Options, ProviderState
from cellmage.conversation.store import ConversationScope, Store
from cellmage.serialization import turn_from_record, turn_to_record
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, finish, sse, tool_call

SIGNATURE = {"google": {"thought_signature": "c2lnbmF0dXJl"}}
DETAIL = {"type": "reasoning.encrypted", "data": "9f=", "index": 0}


def delta(**fields: Any) -> bytes:
    return sse({"choices": [{"index": 0, "delta": fields}]})


def signed_call(name: str) -> bytes:
    function = {"name": name, "arguments": "{}"}
    return delta(tool_calls=[{"id": "a", "function": function, "extra_content": SIGNATURE}])


FIRST_STEPS = {
    "gemini": [signed_call("weather")],
    "deepseek": [delta(reasoning_content="Look "), delta(reasoning_content="outside."),
                 tool_call("weather", "{}")],
    "openrouter": [delta(reasoning_details=[DETAIL]), tool_call("weather", "{}")],
}  # fmt: skip


def is_accepted(family: str, message: dict[str, Any]) -> bool:
    """Return whether the strict server of a family takes an assistant's message with calls."""
    match family:
        case "gemini":
            return all(call.get("extra_content") == SIGNATURE for call in message["tool_calls"])
        case "deepseek":
            return message.get("reasoning_content") == "Look outside."
    return message.get("reasoning_details") == [DETAIL]


def strict(family: str) -> Any:
    def reply(exchange: Exchange) -> Reply:
        messages = (exchange.body or {})["messages"]
        calling = [message for message in messages if message.get("tool_calls")]
        if not all(is_accepted(family, message) for message in calling):
            return Reply([json.dumps({"error": {"message": "state is missing"}}).encode()], 400)
        if messages[-1]["role"] == "user" and not calling:
            return Reply([*FIRST_STEPS[family], finish("tool_calls"), DONE])
        return Reply(answer("It rains."))

    return reply


def weather() -> str:
    """Look."""
    return "rain"


@pytest.mark.parametrize("family", FIRST_STEPS)
def test_state_goes_back(family: str, server: ScriptedServer, tmp_path: Path) -> None:
    server.play_with(strict(family))
    store, scope = Store(tmp_path / "turns.db"), ConversationScope("/notes/a.ipynb", "/notes")
    options = Options(model=f"{family}-4", base_url=server.url)
    chat = Conversation(options, journal=store.journal(scope))
    assert chat.ask("Weather?", tools=[weather], approve="always").text == "It rains."
    assert chat.ask("And now?", tools=[weather], approve="always").text == "It rains."
    resumed = Conversation(options, journal=Store(store.path).journal(scope))
    store.close()
    resumed.history.resume()
    assert resumed.turns == chat.turns
    assert resumed.ask("Again?").text == "It rains."
    turn = chat.turns[0]
    assert turn_from_record(json.loads(json.dumps(turn_to_record(turn, {}))), {}) == turn
    assert "signature" not in turn.response.text + turn.response.reasoning


@pytest.mark.parametrize("family", FIRST_STEPS)
def test_no_state_goes_to_another_model_or_server(family: str, server: ScriptedServer) -> None:
    server.play_with(strict(family))
    chat = Conversation(Options(model=f"{family}-4", base_url=server.url))
    chat.ask("Weather?", tools=[weather], approve="always")
    server.play(*answer("Hello."))
    chat.ask("And now?", model="other-1")
    sent = [message for message in (server.last.body or {})["messages"] if "tool_calls" in message]
    assert [set(message) for message in sent] == [{"role", "content", "tool_calls"}]
    assert "extra_content" not in sent[0]["tool_calls"][0]
    with ScriptedServer() as other:
        other.play(*answer("Hello."))
        chat.ask("And there?", base_url=other.url)
        assert "Look outside." not in str(other.last.body)
        assert "extra_content" not in str(other.last.body)


def test_a_state_with_a_key_stays_here(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789012345678901234")
    server.play_each([
        Reply([delta(reasoning_content="gsk_0123456789012345678901234"),
               tool_call("weather", "{}"), finish("tool_calls"), DONE]),
        Reply(answer("It rains.")),
    ])  # fmt: skip
    chat = Conversation(Options(model="deepseek-4", base_url=server.url))
    chat.ask("Weather?", tools=[weather], approve="always")
    assert "gsk_" not in str(server.last.body)
    (step,) = chat.turns[0].response.steps
    assert isinstance(step.state[0], ProviderState)
