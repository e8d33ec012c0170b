"""Requests to our endpoint: what is refused, and what is sent on."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.server.fields import CHAT_FIELDS as FIELDS
from cellmage.testing import ScriptedServer, answer
from tests.repetitions import repeat
from tests.server.test_tools import OSLO, TOOLS, call_message

HI = {"role": "user", "content": "hi"}
CALL = {"role": "assistant", "content": None, "tool_calls": [call_message("weather", OSLO, "a")]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "rain"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"messages": []}', b'{"messages": [{"role": "user"}]}',
     b'{"messages": [{"role": "user", "content": "hi"}], "temperature": 9}',
     b'{"messages": [{"role": "assistant", "content": "hi"}]}', b'{"messages": [5]}',
     b'{"messages": 5}', b'{"messages": {"role": "user"}}', b"[" * 100_000, b"\xff",
     b'{"messages": [{"role": "user", "content": "hi"}], "tools": [{"x": NaN}]}',
     b'{"messages": [{"role": "user", "content": "hi"}], "tools": [{"x": 1e999}]}',
     b'{"messages": [{"role": "user", "content": [{"text": 5}]}]}',
     b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
     b'{"messages": [{"role": [], "content": "hi"}]}'],
)  # fmt: skip
def test_bad_requests(address: str, body: bytes) -> None:
    assert_refused(address, body)


@pytest.mark.parametrize(
    "body",
    [{"tools": 5}, {"tools": [5]}, {"tools": [{}]}, {"tools": [{"function": {"name": 5}}]},
     {"tools": [{"type": "function", "function": {"name": "a b("}}]},
     {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
     {"messages": [HI, CALL]}, {"messages": [HI, CALL, HI]}, {"messages": [RESULT]},
     {"messages": [CALL, RESULT]}, {"max_tokens": "two\nlines"}, {"temperature": "two\nlines"},
     {"messages": [HI, CALL, RESULT, RESULT]},
     {"messages": [HI, CALL, {**RESULT, "tool_call_id": 5}]},
     {"messages": [HI, CALL, {"role": "tool", "content": "rain"}]},
     {"messages": [HI, CALL, {**RESULT, "content": None}]},
     {"messages": [HI, {**CALL, "tool_calls": 5}, RESULT]},
     {"messages": [HI, {**CALL, "tool_calls": [5]}, RESULT]},
     {"messages": [HI, {**CALL, "tool_calls": [{"id": "a", "function": {}}]}, RESULT]}],
    ids=str,
)  # fmt: skip
def test_bad_requests_with_tools(address: str, body: dict[str, Any]) -> None:
    complete = {"model": "offline/tools", "messages": [HI], "tools": TOOLS} | body
    assert_refused(address, json.dumps(complete).encode())


def assert_refused(address: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    reply = httpx2.post(f"{address}/chat/completions", content=body, headers=headers)
    assert reply.status_code == 400
    message = reply.json()["error"]["message"]
    assert message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"content": None}, ""),
        ({}, ""),
        ({"content": None, "tool_calls": []}, ""),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        ({"content": [{"type": "text", "text": "a"}]}, "a"),
    ],
)
def test_an_answer_without_text(
    client: openai.OpenAI, connected: ScriptedServer, fields: dict[str, Any], content: str
) -> None:
    messages: Any = [HI, {"role": "assistant", **fields}, HI]
    client.chat.completions.create(model="default", messages=messages)
    assert connected.last.messages[1] == ("assistant", content)


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/json; charset=utf-8", "APPLICATION/JSON ;x=y"]
)
def test_the_content_type_in_any_case(address: str, content_type: str) -> None:
    body = json.dumps({"model": "offline/echo", "messages": [HI]})
    headers = {"content-type": content_type}
    reply = httpx2.post(f"{address}/chat/completions", content=body, headers=headers)
    assert reply.status_code == 200


def test_one_model(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"default", "m", "offline/echo"} <= set(names)
    assert [client.models.retrieve(name).id for name in names] == names


@pytest.mark.parametrize("path", ["models/no/such", "models/", "embeddings", "v1/chat/completions"])
def test_what_does_not_exist_is_an_error_in_json(address: str, path: str) -> None:
    reply = httpx2.get(f"{address}/{path}")
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "not_found"
    reply = httpx2.get(f"{address}/chat/completions")
    assert (reply.status_code, "error" in reply.json()) == (405, True)


@pytest.mark.parametrize("text", ["\ud83d", "\U0001f600"])
def test_half_a_character(address: str, text: str) -> None:
    body = {"model": "offline/echo", "messages": [{"role": "user", "content": text}]}
    reply = httpx2.post(
        f"{address}/chat/completions",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
    )
    echoed = reply.json()["choices"][0]["message"]["content"]
    assert echoed == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_web_pages_are_refused(address: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}]})
    without_type = httpx2.post(f"{address}/chat/completions", content=body)
    assert without_type.status_code == 400
    headers = {"host": "evil.example", "content-type": "application/json"}
    rebound = httpx2.post(f"{address}/chat/completions", content=body, headers=headers)
    assert (rebound.status_code, "the host is not" in rebound.json()["error"]["message"]) == (
        400,
        True,
    )


def test_parameters_go_on(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("{}"))
    client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "hi"}],
        response_format={"type": "json_object"},
        stop=["END"],
        top_p=0.5,
        seed=3,
    )
    sent = connected.last.body
    assert sent["response_format"] == {"type": "json_object"}
    assert (sent["stop"], sent["top_p"], sent["seed"]) == (["END"], 0.5, 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("model", 5), ("model", ["m"]), ("messages", "hi"), ("stream", "yes"), ("stream_options", 1),
     ("n", 2), ("temperature", "hot"), ("max_tokens", 1.5), ("max_completion_tokens", "x"),
     ("response_format", "json"), ("stop", [1]), ("seed", "s"), ("seed", 10**300), ("top_p", 2),
     ("presence_penalty", []), ("logit_bias", [1]), ("reasoning_effort", 1), ("tools", {}),
     ("tool_choice", 1), ("parallel_tool_calls", "no")],
)  # fmt: skip
def test_a_field_of_the_wrong_type(address: str, field: str, value: object) -> None:
    body = {"model": "offline/echo", "messages": [HI], field: value}
    reply = httpx2.post(f"{address}/chat/completions", json=body)
    error = reply.json()["error"]
    assert (reply.status_code, error["param"]) == (400, field)
    assert field in error["message"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=9), values),
    max_leaves=6,
)
names = st.sampled_from([*FIELDS, "temperature", "user", "role", "content", "tool_calls"])


@repeat(20)
@given(st.dictionaries(names, json_values, max_size=3), st.dictionaries(names, json_values))
def test_any_fields(address: str, fields: dict[str, Any], message: dict[str, Any]) -> None:
    body = {"model": "offline/echo", "messages": [HI, HI | message, HI], **fields}
    reply = httpx2.post(f"{address}/chat/completions", json=body)
    assert reply.status_code in (200, 400, 404)
    if reply.status_code != 200:
        assert len(reply.json()["error"]["message"].splitlines()) == 1
