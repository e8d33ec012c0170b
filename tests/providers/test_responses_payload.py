"""The payload of the Responses API: what goes back, and at its place."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from cellmage import Options, Request
from cellmage.events import ProviderState, Token, ToolCall
from cellmage.messages import Message, ToolInvocation
from cellmage.providers.endpoints import OPENAI
from cellmage.providers.responses.payload import encode_responses
from tests.providers.responses_streams import (
    Item,
    call,
    decode,
    message,
    reasoning,
    response,
    stream_of,
)

ADD = ToolInvocation("c1", "add", '{"x": 1}', "2")
FIND = ToolInvocation("c2", "find", "{}", "nothing")
TOOL = {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {}}}


def state(**item: Any) -> ProviderState:
    return ProviderState("responses", json.dumps({"type": "reasoning", "summary": []} | item))


def encode(*messages: Message, **options: Any) -> dict[str, Any]:
    return encode_responses(Request(messages, Options(model="m", **options)), OPENAI)


def inputs(*messages: Message) -> list[Item]:
    items: list[Item] = encode(*messages)["input"]
    return items


def names(items: list[Item]) -> list[str]:
    """Return what each item is: its ciphertext, the name of its call, or else its role or type."""
    fields = ("encrypted_content", "name", "role", "type")
    return [next(item[field] for field in fields if field in item) for item in items]


def test_what_is_always_sent() -> None:
    assert encode(Message("user", "Hi")) == {
        "model": "m",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
        "prompt_cache_key": ANY,
    }


def test_options() -> None:
    payload = encode(
        Message("system", "Be brief."),
        Message("user", "Hi"),
        effort="high",
        temperature=0,
        max_tokens=9,
        extra_body={"top_p": 1},
    )
    assert payload["instructions"] == "Be brief."
    assert payload["input"] == [{"role": "user", "content": "Hi"}]
    assert payload["reasoning"] == {"effort": "high", "summary": "auto"}
    assert (payload["temperature"], payload["max_output_tokens"]) == (0, 9)
    assert payload["extra_body"] == {"top_p": 1}


def test_tools_have_the_flat_form_and_optional_arguments() -> None:
    request = Request((Message("user", "Hi"),), Options(model="m"), tools=(TOOL,))
    tools = encode_responses(request, OPENAI)["tools"]
    assert tools == [{"type": "function", "strict": False, **TOOL}]


def test_a_step_with_tools() -> None:
    items = inputs(
        Message("user", "Go"),
        Message("assistant", "Well.", (ADD, FIND)),
        Message("tool", "2", tool_call_id="c1"),
        Message("tool", "nothing", tool_call_id="c2"),
    )
    assert items[1:] == [
        {"role": "assistant", "content": "Well."},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"x": 1}'},
        {"type": "function_call", "call_id": "c2", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
        {"type": "function_call_output", "call_id": "c2", "output": "nothing"},
    ]


def test_names_and_arguments_that_the_model_invented() -> None:
    broken = ToolInvocation("c1", "add two!", '{"x"')
    item = inputs(Message("assistant", "", (broken,)))[0]
    assert (item["name"], item["arguments"]) == ("add_two_", "{}")


@pytest.mark.parametrize(
    ("text", "calls", "places", "order"),
    [
        ("Hi", (), [0], ["a", "assistant"]),
        ("", (ADD, FIND), [0], ["a", "add", "find"]),
        ("Hi", (ADD,), [0, 1], ["a", "assistant", "b", "add"]),
        ("", (ADD, FIND), [0, 1], ["a", "add", "b", "find"]),
        ("Hi", (ADD, FIND), [0, 0, 2], ["a", "b", "assistant", "add", "c", "find"]),
        ("", (ADD,), [1], ["a", "add"]),  # its text is gone
        ("", (), [0], []),  # nothing would follow it
    ],
)
def test_reasoning_goes_back_at_its_place(
    text: str, calls: tuple[ToolInvocation, ...], places: list[int], order: list[str]
) -> None:
    states = [
        state(encrypted_content=word, after=place)
        for word, place in zip("abc", places, strict=False)
    ]
    assert names(inputs(Message("assistant", text, calls, state=tuple(states)))) == order


def test_what_of_a_state_goes_back() -> None:
    states = (
        state(id="rs_1", encrypted_content="a", status=None, content=[{"text": "hm"}], after=0),
        state(id="rs_2", encrypted_content=None),
        state(type="message", phase="commentary"),
        ProviderState("chat", '{"reasoning_content": "hm"}'),
        ProviderState("responses", "[1]"),
        ProviderState("responses", "{broken"),
    )
    assert inputs(Message("assistant", "Hi", state=states)) == [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "a"},
        {"role": "assistant", "content": "Hi", "phase": "commentary"},
    ]


# There and back: what the decoder keeps is what the next request has.

ENCRYPTED = st.sampled_from("abcdef").map(lambda word: reasoning(encrypted_content=word))
PARTS = st.lists(ENCRYPTED | st.just(call("add", {"x": 1})), max_size=6)
OUTPUTS = st.tuples(st.lists(ENCRYPTED, max_size=2), st.booleans(), PARTS).map(
    lambda parts: [*parts[0], *[message("Hi")] * parts[1], *parts[2]]
)


@given(OUTPUTS)
def test_an_answer_goes_back_in_its_order(output: list[Item]) -> None:
    events = decode([stream_of(response(*output))])
    calls = [ToolInvocation("c", "add", "{}") for event in events if isinstance(event, ToolCall)]
    states = [event for event in events if isinstance(event, ProviderState)]
    text = "".join(event.text for event in events if isinstance(event, Token))
    items = inputs(Message("assistant", text, tuple(calls), state=tuple(states)))
    while output and output[-1]["type"] == "reasoning":
        output.pop()
    assert names(items) == names(output)


TEXTS = st.text(max_size=5)
INVOCATIONS = st.builds(ToolInvocation, TEXTS, TEXTS, TEXTS, TEXTS)
STATES = st.builds(ProviderState, st.sampled_from(["chat", "responses"]), TEXTS) | st.builds(
    state, id=st.just("rs_1"), encrypted_content=TEXTS, after=st.integers(0, 3)
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    TEXTS,
    st.lists(INVOCATIONS, max_size=2).map(tuple),
    TEXTS,
    st.lists(STATES, max_size=2).map(tuple),
)
PAYLOAD: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsStreaming)


@given(st.lists(MESSAGES, min_size=1, max_size=4))
def test_any_messages_fit_the_types_of_the_sdk(messages: list[Message]) -> None:
    payload = encode(*messages, effort="low", max_tokens=9)
    PAYLOAD.validate_json(json.dumps(payload))
