"""The payload of the Messages API: roles that alternate, and what goes back at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Options, Request
from cellmage.events import ProviderState, Token, ToolCall
from cellmage.messages import Message, Response, ToolInvocation, ToolStep
from cellmage.providers.endpoints import OPENAI
from cellmage.providers.messages_api.payload import encode_messages
from cellmage.turns import Turn
from tests.providers.messages_streams import (
    Item,
    call,
    decode,
    message,
    redacted,
    stream_of,
    text,
    thinking,
)

ADD = ToolInvocation("c1", "add", '{"x": 1}', "2")
FIND = ToolInvocation("c2", "find", "{broken", "")


def encode(*messages: Message, **options: Any) -> dict[str, Any]:
    return encode_messages(Request(messages, Options(model="m", **options)), OPENAI)


def user(*blocks: Item) -> Item:
    return {"role": "user", "content": list(blocks)}


def said(content: str) -> Item:
    return {"type": "text", "text": content}


def test_what_is_always_sent() -> None:
    assert encode(Message("user", "Hi")) == {
        "model": "m",
        "messages": [user(said("Hi"))],
        "max_tokens": 8192,
        "stream": True,
    }


def test_options() -> None:
    extra = {"top_k": 5, "output_config": {"format": 1}}
    payload = encode(
        Message("system", "Be brief."),
        Message("user", "Hi"),
        effort="minimal",
        temperature=0,
        max_tokens=9,
        extra_body=extra,
    )
    assert (payload["system"], payload["messages"]) == ("Be brief.", [user(said("Hi"))])
    assert (payload["temperature"], payload["max_tokens"], payload["top_k"]) == (0, 9, 5)
    assert payload["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert payload["output_config"] == {"effort": "low", "format": 1}


def test_no_effort() -> None:
    payload = encode(Message("user", "Hi"), effort="none")
    assert payload["thinking"] == {"type": "disabled"}
    assert "output_config" not in payload


def test_tools() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tools = ({"name": "add", "description": "Add.", "parameters": schema},)
    request = Request((Message("user", "Hi"),), Options(model="m"), tools=tools)
    assert encode_messages(request, OPENAI)["tools"] == [
        {"name": "add", "description": "Add.", "input_schema": schema}
    ]


def test_a_step_with_tools() -> None:
    step = ToolStep("Well.", (ADD, FIND)).messages()
    payload = encode(Message("user", "Go"), *step, Message("user", "Stop"))
    assert payload["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                said("Well."),
                {"type": "tool_use", "id": "c1", "name": "add", "input": {"x": 1}},
                {"type": "tool_use", "id": "c2", "name": "find", "input": {}},
            ],
        },
        user(
            {"type": "tool_result", "tool_use_id": "c1", "content": "2"},
            {"type": "tool_result", "tool_use_id": "c2"},
            said("Stop"),
        ),
    ]


def test_state_of_other_apis_and_what_cannot_be_read_stay_here() -> None:
    states = (
        ProviderState("chat", json.dumps(thinking("no"))),
        ProviderState("messages", "{broken"),
        ProviderState("messages", '{"type": ["a"]}'),
        ProviderState("messages", json.dumps(thinking("hm"))),
    )
    answer = Message("assistant", "Hi", state=states)
    messages = encode(Message("user", "Go"), answer)["messages"]
    assert messages[1]["content"] == [thinking("hm"), said("Hi")]


@pytest.mark.parametrize("messages", [(), (Message("assistant", "Hi"),), (Message("user", " "),)])
def test_the_first_message_is_the_users(messages: tuple[Message, ...]) -> None:
    assert encode(*messages)["messages"][0] == user(said("(no text)"))


# There and back: what the decoder keeps is what the next request has.

THOUGHTS = st.sampled_from("abc").map(thinking) | st.sampled_from("abc").map(redacted)
PARTS = st.lists(THOUGHTS | st.just(call("add", {"x": 1})), max_size=6)


@given(st.lists(THOUGHTS, max_size=2), st.booleans(), PARTS)
def test_an_answer_goes_back_in_its_order(
    before: list[Item], has_text: bool, after: list[Item]
) -> None:
    content = [*before, *[text("Hi")] * has_text, *after]
    while content and not _is_part(content[-1]):
        content.pop()
    events = decode([stream_of(message(*content))])
    calls = [ToolInvocation("c", "add", "{}") for event in events if isinstance(event, ToolCall)]
    states = [event for event in events if isinstance(event, ProviderState)]
    answer = "".join(event.text for event in events if isinstance(event, Token))
    step = Message("assistant", answer, tuple(calls), state=tuple(states))
    blocks = [
        block
        for sent in encode(Message("user", "Go"), step)["messages"][1:]
        for block in sent["content"]
    ]
    assert list(map(essence, blocks)) == list(map(essence, content))


def essence(block: Item) -> Item:
    """Return a block of reasoning whole, and the type of any other."""
    return {"type": block["type"]} if _is_part(block) else block


def _is_part(block: Item) -> bool:
    return block["type"] in ("text", "tool_use")


TEXTS = st.text(max_size=5)
STATES = st.builds(
    ProviderState,
    st.sampled_from(["chat", "messages"]),
    TEXTS | st.builds(lambda block, n: json.dumps({**block, "after": n}), THOUGHTS, st.integers()),
)
SOME_STATES = st.lists(STATES, max_size=2).map(tuple)
NUMBERS = iter(range(10**9))
INVOCATIONS = st.builds(
    lambda name, arguments, answer: ToolInvocation(f"c{next(NUMBERS)}", name, arguments, answer),
    *[TEXTS] * 3,
)
STEPS = st.builds(
    ToolStep, TEXTS, st.lists(INVOCATIONS, min_size=1, max_size=2).map(tuple), SOME_STATES
)
RESPONSES = st.builds(
    lambda steps, final, state: Response(
        "".join(step.text for step in steps) + final, steps=tuple(steps), state=state
    ),
    st.lists(STEPS, max_size=2),
    TEXTS,
    SOME_STATES,
)
TURNS = st.builds(Turn, TEXTS, RESPONSES)


@given(st.lists(TURNS, max_size=3), TEXTS)
def test_any_conversation_keeps_the_rules(turns: list[Turn], question: str) -> None:
    messages = [message for turn in turns for message in turn.messages()]
    payload = encode(Message("system", "Be brief."), *messages, Message("user", question))
    json.dumps(payload).encode()
    roles = [message["role"] for message in payload["messages"]]
    assert roles == [("user", "assistant")[i % 2] for i in range(len(roles))]
    assert roles[-1] == "user"
    pending: list[str] = []
    for encoded in payload["messages"]:
        blocks = encoded["content"]
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert results == pending
        assert all(block["type"] == "tool_result" for block in blocks[: len(results)])
        pending = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert encoded["role"] == "user" or _is_part(blocks[-1])
