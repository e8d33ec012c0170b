"""Error bodies of every shape: the provider's own sentence, its codes, and never a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, HTTPStatusError, Options
from cellmage.providers.error_bodies import (
    error_codes,
    error_status,
    is_error_body,
    provider_message,
)
from cellmage.testing import ScriptedServer

NO_TOOLS = {"error": {"message": "tool_choice is not supported", "code": "unsupported"}}
WRAPPED = {"message": "Provider returned error", "code": 400}
NEST = {"statusCode": 400, "error": "Bad Request", "message": ["model must be a text"]}
LITELLM = "litellm.BadRequestError: AnthropicException - "


def openrouter(raw: Any) -> dict[str, Any]:
    return {"error": {**WRAPPED, "metadata": {"raw": raw, "provider_name": "Foo"}}}


SHAPES: list[tuple[Any, str]] = [
    ({"err": "no such slot"}, "no such slot"),
    ({"data": None, "info": "no such slot"}, "no such slot"),
    ({"error": {"text": "no such slot"}}, "no such slot"),
    ({"Response": {"Error": {"Code": "X", "Message": "no such slot"}}}, "no such slot"),
    ({"result": {"error": {"message": "no such slot"}}}, "no such slot"),
    ({"status": {"code": 3, "message": "no such slot"}}, "no such slot"),
    ({"title": "Validation errors occurred.", "errors": {"n": ["is too big"]}}, "n: is too big"),
    ({"request": {"text": "my own words"}, "error": True, "code": "bad_slot"}, "bad_slot"),
    ({"error": {"message": "Error code: 400 - {'error': {'message': 'bad slot'}}"}}, "bad slot"),
    ({"error": {"message": "model is loading"}}, "model is loading"),
    ([{"error": {"code": 400, "message": "API key not valid"}}], "API key not valid"),
    ({"error": "boom"}, "boom"),
    ({"message": "boom"}, "boom"),
    ({"msg": "model not exist", "code": 400, "data": None}, "model not exist"),
    ({"detail": "Not Found"}, "Not Found"),
    ({"detail": [{"loc": ["body", 0], "msg": "field required"}]}, "body.0: field required"),
    ({"detail": {"error": "no such route"}}, "no such route"),
    ({"code": 400, "details": "logprobs of 21 too many"}, "logprobs of 21 too many"),
    ({"errors": [{"code": 7003, "message": "No route"}], "success": False}, "No route"),
    ({"errors": ["one", "two", "one"]}, "one; two"),
    ({"errors": [{"message": word} for word in "abcde"]}, "a; b; c"),
    ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None},
     "insufficient balance"),
    (openrouter(json.dumps(NO_TOOLS)), "tool_choice is not supported (Foo)"),
    (openrouter(NO_TOOLS), "tool_choice is not supported (Foo)"),
    (openrouter("upstream is full"), "upstream is full (Foo)"),
    (openrouter(""), "Provider returned error"),
    ({"error": {"message": json.dumps(NO_TOOLS)}}, "tool_choice is not supported"),
    ({"error": {"message": LITELLM + json.dumps(NO_TOOLS)}}, "tool_choice is not supported"),
    (json.dumps([NO_TOOLS]), "tool_choice is not supported"),
    (NEST, "model must be a text"),
    ({"error": "invalid_request", "error_description": "no scope"}, "no scope"),
    ({"error": True, "message": "no slot"}, "no slot"),
    ({"fault": {"faultstring": "Rate exceeded", "detail": {"errorcode": "x"}}}, "Rate exceeded"),
    ({"Message": "Access denied by policy"}, "Access denied by policy"),
    ({"error": {"message": "", "code": "model_busy"}}, "model_busy"),
    ({"error": {"message": "<400> InternalError.Algo.X: 'messages' must contain 'json'"}},
     "<400> InternalError.Algo.X: 'messages' must contain 'json'"),
    ("use <b> or <think>", "use <b> or <think>"),
    ({"error": {"message": "values: [1, 2]"}}, "values: [1, 2]"),
    ("<html><head><title>502 Bad Gateway</title></head></html>",
     "a web page came back (502 Bad Gateway)"),
    ("<html><h1>Log in</h1></html>",
     "a web page came back (Log in); does the base URL end in /v1?"),
    ('<?xml version="1.0"?><Error><Code>X</Code><Message>No such key</Message></Error>',
     "No such key"),
    ({"choices": [{"error": {"code": 502, "message": "upstream is gone"}}]}, "upstream is gone"),
    ("<!DOCTYPE html><p>x", "a web page came back; does the base URL end in /v1?"),
    ("\x1b[31mred\x1b[0m\x00 \u202etext\n\tnext", "red text next"),
    (None, ""), ([], ""), ({}, ""), (5, ""), ({"error": None}, ""), ({"code": 500}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), SHAPES, ids=lambda value: str(value)[:40])
def test_the_sentence_of_every_shape(body: Any, sentence: str) -> None:
    assert provider_message(body) == sentence


@pytest.mark.parametrize("body", [body for body, _ in SHAPES if isinstance(body, dict) and body])
def test_the_user_reads_it(server: ScriptedServer, body: dict[str, Any]) -> None:
    server.play(json.dumps(body).encode(), status=422, content_type="application/json")
    with pytest.raises(HTTPStatusError) as caught:
        Conversation(Options(base_url=server.url, model="m")).ask("hi")
    assert provider_message(body) in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "message", "msg", "detail", "errors", "code", "metadata", "raw",
                         "loc", "base_resp", "status_code", "provider_name"]) | st.text(), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_any_json(body: Any) -> None:
    line = provider_message(body)
    assert len(line) <= 300
    assert line.isprintable() or not line.isascii()
    assert all(isinstance(code, str) for code in error_codes(body))
    assert error_status(body) is None or 400 <= (error_status(body) or 0) < 600
    if isinstance(body, dict):
        is_error_body(body)


def test_deep_nesting_and_long_texts() -> None:
    body: Any = "end"
    for _ in range(1000):
        body = {"error": body}
    assert provider_message(body) == ""
    assert provider_message({"message": "[" * 100_000 + "]"}).startswith("[[[")
    assert len(provider_message("x" * 10_000)) == 300


KEYS = [
    "sk-proj-TESTTESTTESTTEST0000",
    "gsk_testtesttesttesttesttest",
    "AIzaTESTTESTTESTTESTTESTTEST",
    "xai-testtesttesttesttest",
    "hf_TestTestTestTestTestTest",
    "csk-testtesttesttesttest0000",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["Incorrect API key provided: {}.", "Header was Bearer {}", "{}?"])
def test_keys_of_anybody_are_masked(key: str, form: str) -> None:
    line = provider_message({"error": {"message": form.format(key)}})
    assert key not in line
    assert "…" in line


@pytest.mark.parametrize(
    "text", ["Incorrect API key provided: my-own-key-123.", "Bearer 0123456789abcdef0123"]
)
def test_what_an_error_calls_a_key_is_masked(text: str) -> None:
    assert text.rsplit(maxsplit=1)[-1].rstrip(".") not in provider_message(text)


@pytest.mark.parametrize(
    "text",
    ["Your API key is invalid", "Bearer authentication is required", "token: unexpected end",
     "The API key provided was wrong"],
)  # fmt: skip
def test_words_are_not_masked(text: str) -> None:
    assert provider_message(text) == text


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"error": {"message": "x"}}, True),
        ({"error": None, "choices": []}, False),
        ({"choices": [{"delta": {}}], "error": {"code": 502}}, True),
        ({"code": 400, "msg": "model not exist"}, True),
        ({"object": "error", "message": "x"}, True),
        ({"base_resp": {"status_code": 1008, "status_msg": "no balance"}, "choices": None}, True),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}, "choices": []}, False),
        ({"message": {"content": "Hel"}, "done": False}, False),
        ({"type": "ping"}, False),
        ({"code": 0, "msg": "ok"}, False),
        ({"code": 200, "message": "success"}, False),
        ({"errcode": 40001, "errmsg": "no"}, True),
        ({"success": False}, True),
        ("text", False),
        ({"type": "error"}, True),
        ({"status": 500, "data": None}, True),
        ({"choices": [{"error": {"code": 502}, "finish_reason": "error"}]}, True),
        ({"choices": [], "usage": {}}, False),
        ({}, False),
    ],
)
def test_is_error_body(body: dict[str, Any], is_error: bool) -> None:
    assert is_error_body(body) is is_error


def test_codes_and_status_of_inner_bodies() -> None:
    body = openrouter('{"error": {"code": "context_length_exceeded", "status": 400}}')
    assert list(error_codes(body))[:1] == ["context_length_exceeded"]
    assert error_status({"error": {"code": 429}}) == 429
    assert error_status({"error": {"code": "429"}}) == 429
    assert error_status({"code": 200}) is None
