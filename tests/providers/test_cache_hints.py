"""What is sent so that a provider reads from its cache what it has read before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cellmage import Conversation, Message, Options, Request, ToolInvocation
from cellmage.providers.endpoints import ENDPOINTS, OPENAI
from cellmage.providers.messages_api.payload import encode_messages
from cellmage.providers.responses.payload import encode_responses
from cellmage.testing import ScriptedServer, answer, sse

LONG = "word " * 1000
CALL = ToolInvocation("c1", "add", "{}", LONG)
TOOL = {"name": "add", "description": LONG, "parameters": {"type": "object", "properties": {}}}


def encode(*messages: Message, tools: tuple[Any, ...] = ()) -> dict[str, Any]:
    request = Request(messages, Options(model="claude-opus-5-5"), tools=tools)
    return encode_messages(request, ENDPOINTS["anthropic"])


def marks(payload: dict[str, Any]) -> list[str]:
    """The places of the marks."""
    blocks = {"system": payload.get("system") or [], "tools": payload.get("tools") or []}
    places = {f"message {index}": m["content"] for index, m in enumerate(payload["messages"])}
    return [
        place
        for place, items in {**blocks, **places}.items()
        for item in items
        if isinstance(item, dict) and item.get("cache_control") == {"type": "ephemeral"}
    ]


@pytest.mark.parametrize(
    ("messages", "tools", "places"),
    [
        ([Message("user", "Hi")], (), []),
        ([Message("user", LONG)], (), []),  # the next question may be another
        ([Message("system", LONG), Message("user", "Hi")], (), ["system"]),
        ([Message("system", "Brief."), Message("user", "Hi")], (TOOL,), ["system"]),
        ([Message("user", "Hi")], (TOOL,), ["tools"]),
        (
            [Message("user", LONG), Message("assistant", "Yes."), Message("user", "And?")],
            (),
            ["message 1"],
        ),
        (
            [Message("user", "1"), Message("assistant", "2"), Message("user", "3")],
            (),
            [],
        ),
        (
            [
                Message("system", LONG),
                Message("user", "Add"),
                Message("assistant", "", (CALL,)),
                Message("tool", LONG, tool_call_id="c1"),
            ],
            (TOOL,),
            ["system", "message 2"],
        ),
    ],
)
def test_marks_are_behind_what_comes_again(
    messages: list[Message], tools: tuple[Any, ...], places: list[str]
) -> None:
    assert marks(encode(*messages, tools=tools)) == places


def test_marks_change_nothing_else() -> None:
    messages = [Message("system", LONG), Message("user", LONG), Message("assistant", "Yes.")]
    payload = encode(*messages, Message("user", "And?"), tools=(TOOL,))
    assert payload["system"][0]["text"] == LONG
    texts = [block["text"] for message in payload["messages"] for block in message["content"]]
    assert texts == [LONG, "Yes.", "And?"]


def test_a_conversation_has_one_key_at_openai() -> None:
    def key(*messages: Message, system: str = "Be brief.") -> Any:
        request = Request((Message("system", system), *messages), Options(model="gpt-6-luna"))
        return encode_responses(request, OPENAI)["prompt_cache_key"]

    first = Message("user", "My name is Ada.")
    one = key(first)
    assert one == key(first, Message("assistant", "Hello."), Message("user", "And?"))
    assert len({one, key(Message("user", "Hi")), key(first, system="Other.")}) == 3
    assert "Ada" not in one
    assert len(one) == 32


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if name != "openai"])
def test_others_receive_no_key(name: str) -> None:
    request = Request((Message("user", LONG),), Options(model="m"))
    endpoint = replace(ENDPOINTS[name], base_url="http://localhost:8000/v1")
    assert "prompt_cache_key" not in encode_responses(request, endpoint)


def test_a_compatible_server_receives_nothing_of_it(server: ScriptedServer) -> None:
    server.play(*answer("Hello."))
    Conversation(Options(model="gpt-6-luna", base_url=server.url)).ask(LONG, system=LONG)
    assert "cache" not in str(server.last.body)
    delta = {"type": "response.output_text.delta", "delta": "Hello."}
    server.play(sse(delta), sse({"type": "response.completed", "response": {}}))
    options = Options(model="gpt-6-luna", base_url=server.url, api="responses")
    assert Conversation(options).ask(LONG, system=LONG).text == "Hello."
    assert "cache" not in str(server.last.body)
