"""What a server reports, by HTTP status or inside a stream, becomes an error of the right kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cellmage import Conversation, HTTPStatusError, Options, ProviderError, Response, Turn
from cellmage.errors import IncompleteResponseError, ProtocolError
from cellmage.providers.error_translation import stream_error
from cellmage.testing import Exchange, Reply, ScriptedServer, answer, chunk, speed_up_retries, sse
from tests.providers.test_overflow import sentences

KEY = "sk-test-00000000000000000000"

IN_STREAM: list[tuple[Any, str]] = [
    ({"error": {"message": "no slot available"}}, "provider_error"),
    ({"error": {"message": "logprobs of 21 too many", "code": 400}}, "provider_error"),
    ({"error": {"message": "upstream is gone", "code": 502}}, "provider_error"),
    ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, "provider_error"),
    ({"error": {"message": "slow down", "code": 429}}, "rate_limited"),
    ({"error": {"message": "slow down", "code": "429"}}, "rate_limited"),
    ({"error": {"message": "slow down", "type": "rate_limit_error"}}, "rate_limited"),
    ({"error": {"message": "Rate limit reached for m"}}, "rate_limited"),
    ({"error": {"message": f"Incorrect API key provided: {KEY}"}}, "auth"),
    ({"error": {"message": "no", "code": "invalid_api_key"}}, "auth"),
    ({"error": {"message": "no", "code": 401}}, "auth"),
    ({"error": {"message": "Insufficient Balance"}}, "quota"),
    ({"error": {"message": "no", "code": "insufficient_quota"}}, "quota"),
    ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "quota"),
    ({"error": {"message": "no", "code": 403}}, "permission"),
    ({"code": 400, "msg": "model not exist"}, "not_found"),
    ({"error": {"message": "no", "code": "content_filter"}}, "content_filter"),
    ({"error": {"message": "no", "code": "context_length_exceeded"}}, "context_overflow"),
    ({"error": {"message": "prompt is too long: 9 > 8", "code": 400}}, "context_overflow"),
    ({"error": {"message": "too long", "code": "1261"}}, "context_overflow"),
    ("error: the request exceeds the available context size", "context_overflow"),
]


@pytest.mark.parametrize(("body", "kind"), IN_STREAM, ids=lambda value: str(value)[:50])
def test_kinds_in_a_stream(body: Any, kind: str) -> None:
    error = stream_error(body)
    assert error.kind == kind
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "bad key", "code": "invalid_api_key"}}, "provider_error"),
        ([{"error": {"code": 400, "message": "API key not valid"}}], "provider_error"),
        ({"error": {"message": "slow down", "code": 429}}, "rate_limited"),
        ({"error": {"message": "prompt is too long"}}, "context_overflow"),
    ],
)
def test_a_whole_body_has_a_finer_kind_where_it_is_asked_again(body: Any, kind: str) -> None:
    assert stream_error(body, is_stream=False).kind == kind


@pytest.mark.parametrize(
    ("body", "requests"),
    [
        ({"error": {"message": "slow down", "code": 429}}, 3),
        ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, 3),
        ({"error": {"message": "no slot available"}}, 1),
        ({"error": {"message": "no", "code": "insufficient_quota"}}, 1),
    ],
)
def test_asked_again_before_the_first_token(
    server: ScriptedServer, body: dict[str, Any], requests: int
) -> None:
    chat = Conversation(Options(base_url=server.url))
    server.play(sse(body))
    with speed_up_retries(), pytest.raises(ProviderError):
        chat.ask("hi")
    assert len(server.exchanges) == requests
    server.play(chunk("Hel"), sse(body))
    with speed_up_retries(), pytest.raises(ProviderError) as caught:
        chat.ask("hi")
    assert caught.value.text == "Hel"
    assert len(server.exchanges) == requests + 1, "never after the first token"


OVERFLOWS = [
    Reply([b'{"error": {"message": "prompt is too long"}}'], status=400),
    Reply([b'{"error": {"message": "the request exceeds the context size"}}'], status=500),
    Reply([b'{"error": {"message": "Request too large for m: Limit 9"}}'], status=413),
    Reply([b"<html>413 Request Entity Too Large</html>"], status=413),
    Reply([sse({"error": {"message": "The input is longer than the context length (9 tokens)"}})]),
    Reply([sse({"error": {"message": "x", "code": "context_length_exceeded"}})]),
    Reply([b"event: error\ndata: {\"error\": {\"message\": \"Trying to keep the first 5000 tokens "
           b"when context the overflows.\"}}\n\n"]),
    Reply([b'{"error": {"message": "prompt is too long", "code": 400}}'],
          content_type="application/json"),
]  # fmt: skip


@pytest.mark.parametrize("refusal", OVERFLOWS, ids=lambda reply: f"{reply.status}-{reply.steps}")
def test_every_overflow_is_asked_again_without_the_oldest_turns(
    server: ScriptedServer, refusal: Reply
) -> None:
    def reply(exchange: Exchange) -> Reply:
        return refusal if len(exchange.messages) > 3 else Reply(answer("ok"))

    server.play_with(reply)
    turns = [Turn(f"q{number}", Response(f"a{number}")) for number in range(4)]
    chat = Conversation(Options(base_url=server.url), turns=turns)
    assert chat.ask("And?").text == "ok"
    assert len(server.exchanges) == 2
    assert "left out" in chat.turns[-1].response.notices[0]


@pytest.mark.parametrize("code", ["", "rate_limit_exceeded", "invalid_request_error"])
def test_every_sentence_over_http(server: ScriptedServer, code: str) -> None:
    chat = Conversation(Options(base_url=server.url))
    kinds = {}
    for sentence in sentences("overflow.txt"):
        body = json.dumps({"error": {"message": sentence, "code": code}}).encode()
        server.play(body, status=400, content_type="application/json")
        with pytest.raises(HTTPStatusError) as caught:
            chat.ask("hi")
        kinds[sentence] = caught.value.kind
        assert sentence[:40] in str(caught.value)
    assert set(kinds.values()) == {"context_overflow"}, kinds


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "API key not valid. Please pass a valid API key.", "auth"),
        (400, "Your credit balance is too low to access the API", "quota"),
        (400, "The model `m` does not exist", "not_found"),
        (400, "max_tokens is too large: 20000", "bad_request"),
        (400, "This model does not support tools: unknown parameter 'tools'", "bad_request"),
        (400, "messages[0]: the key 'content' is missing", "bad_request"),
        (429, "Too many tokens, please wait before trying again.", "rate_limited"),
        (429, "prompt tokens: slow down", "rate_limited"),
        (500, "rate limit reached", "rate_limited"),
        (403, "prompt is too long", "permission"),
    ],
)
def test_kinds_of_http_errors(server: ScriptedServer, status: int, message: str, kind: str) -> None:
    body = json.dumps({"error": {"message": message}}).encode()
    headers = {"x-should-retry": "false"}
    server.play(body, status=status, content_type="application/json", headers=headers)
    with pytest.raises(HTTPStatusError) as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert caught.value.kind == kind


@pytest.mark.parametrize("end", ["truncate", "reset"])
def test_a_server_that_closes_without_a_reply(server: ScriptedServer, end: str) -> None:
    server.play(transfer="none", end=end)
    with pytest.raises(IncompleteResponseError, match="without a reply") as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert caught.value.kind == "connection_lost"


@pytest.mark.parametrize("end", ["truncate", "reset"])
def test_a_server_that_closes_before_the_answer(server: ScriptedServer, end: str) -> None:
    server.play(end=end)
    with pytest.raises(IncompleteResponseError, match="before any of the answer came") as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert caught.value.kind == "connection_lost"


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"<html>Log in</html>", "text/html", "not_a_stream"),
        (b"hello", "text/plain", "not_a_stream"),
        (b'{"hello": 1}', "application/json", "not_a_stream"),
        (b'{"choices": []}', "application/json", "empty_response"),
        (b"<html>Log in</html>", "text/event-stream", "empty_response"),
        (b": hi\n\n", "text/event-stream; charset=utf-8", "empty_response"),
        (b"", "text/html", "empty_response"),
    ],
)
def test_what_is_no_answer(
    server: ScriptedServer, body: bytes, content_type: str, kind: str
) -> None:
    server.play(*filter(None, [body]), content_type=content_type)
    with speed_up_retries(), pytest.raises(ProtocolError) as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert caught.value.kind == kind


@pytest.mark.parametrize("key", [KEY, "gsk_testtesttesttesttesttest", "AIzaTESTTESTTESTTESTTESTT"])
def test_no_key_is_shown_or_kept(server: ScriptedServer, key: str) -> None:
    message = f"Incorrect API key provided: {key}. Header was Bearer {key}"
    server.play(sse({"error": {"message": message}}), b"data: [DONE]\n\n")
    with pytest.raises(ProviderError) as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert key not in repr(vars(caught.value)) + repr(caught.value)
    assert caught.value.kind == "auth"
