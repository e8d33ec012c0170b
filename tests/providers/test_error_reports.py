"""The errors of public reports (tests/data/reports.json), each over HTTP as it was reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellmage import Conversation, HTTPStatusError, Options, ProviderError, Response, Turn
from cellmage.testing import Exchange, Reply, ScriptedServer, answer, speed_up_retries, sse
from tests.providers.test_overflow import sentences

REPORTS = json.loads((Path(__file__).parents[1] / "data/reports.json").read_text("utf-8"))["cases"]


def message(text: str, status: int = 400) -> Reply:
    return error({"error": {"message": text}}, status)


def error(body: dict[str, Any], status: int = 400) -> Reply:
    return Reply([json.dumps(body).encode()], status=status, content_type="application/json")


KIMI = "Invalid request: Your request exceeded model token limit: 100"
POOLSIDE = "Input length 900 exceeds the maximum allowed input length of 100 tokens."
GROQ = (
    "Request too large for model `m`: Limit 100, Requested 900, please reduce your message size "
    "and try again."
)

# The replies of each report that are to lead to a shorter question, by the words of its input.
OVERFLOWS = {
    "Input is too long": [message("Input is too long for requested model.")],
    "exceeded model token": [message(KIMI)],
    "maximum allowed": [message(POOLSIDE)],
    "HTTP 413": [message(GROQ, 413)],
    "each as HTTP 400": [message(sentence) for sentence in sentences("overflow.txt")],
}

# The replies of each other report, with what the user must read.
RAW = '{"error":{"message":"tool_choice is not supported"}}'
DASHSCOPE = "<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word 'json'"
SENTENCES = {
    "InternalError.Algo": (message(DASHSCOPE), DASHSCOPE),
    "metadata:{raw": (
        error({"error": {"message": "Provider returned error",
                         "metadata": {"raw": RAW, "provider_name": "Foo"}}}),
        "tool_choice is not supported (Foo)",
    ),
    "errors:[": (
        error({"errors": [{"code": 7003, "message": "No route for that URI"}], "success": False}),
        "No route for that URI",
    ),
}  # fmt: skip
RATE_LIMITED = "error:{code:429"


def test_every_report_of_an_error_is_here() -> None:
    inputs = [case["input"] for case in REPORTS if case["kind"] == "errors"]
    words = [*OVERFLOWS, *SENTENCES, RATE_LIMITED]
    for text in inputs:
        assert sum(word in text for word in words) == 1, text


@pytest.mark.parametrize("words", OVERFLOWS)
def test_overflows_lead_to_a_shorter_question(server: ScriptedServer, words: str) -> None:
    for refusal in OVERFLOWS[words]:

        def reply(exchange: Exchange, refusal: Reply = refusal) -> Reply:
            return refusal if len(exchange.messages) > 3 else Reply(answer("ok"))

        server.play_with(reply)
        turns = [Turn(f"q{number}", Response(f"a{number}")) for number in range(4)]
        chat = Conversation(Options(base_url=server.url), turns=turns)
        requests = len(server.exchanges)
        assert chat.ask("And?").text == "ok"
        assert len(server.exchanges) == requests + 2


@pytest.mark.parametrize("words", SENTENCES)
def test_the_sentence_of_the_provider_is_read(server: ScriptedServer, words: str) -> None:
    reply, sentence = SENTENCES[words]
    server.play_with(lambda _: reply)
    with pytest.raises(HTTPStatusError) as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert str(caught.value).endswith(f"(HTTP 400): {sentence}")


def test_a_rate_limit_inside_a_stream_is_asked_again(server: ScriptedServer) -> None:
    server.play(sse({"error": {"code": 429, "message": "rate limited"}}))
    with speed_up_retries(), pytest.raises(ProviderError, match="rate limited") as caught:
        Conversation(Options(base_url=server.url)).ask("hi")
    assert caught.value.kind == "rate_limited"
    assert len(server.exchanges) == 3
