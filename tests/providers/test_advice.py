"""Advice where a server knows neither the model nor the address."""

from __future__ import annotations

import asyncio
import json

import pytest

from cellmage import CellmageError, Conversation, Options
from cellmage.providers import advice
from cellmage.providers.advice import advise, suggest_names
from cellmage.testing import Exchange, Reply, ScriptedServer, answer
from tests.kernel.client import Kernel

GONE = Reply([b'{"error": {"message": "no such thing"}}'], 404, content_type="application/json")


def listing(*names: str) -> Reply:
    body = {"object": "list", "data": [{"id": name} for name in names]}
    return Reply([json.dumps(body).encode()], content_type="application/json")


def play(server: ScriptedServer, question: Reply = GONE, models: Reply = GONE) -> None:
    def reply(exchange: Exchange) -> Reply:
        return models if exchange.path.endswith("/models") else question

    server.play_with(reply)


def error_of(model: str = "lama3.2", **options: str) -> CellmageError:
    with pytest.raises(CellmageError) as caught:
        Conversation(Options(model=model, **options)).ask("hi")
    return caught.value


def test_the_nearest_names(connected: ScriptedServer) -> None:
    play(connected, models=listing("qwen3:8b", "llama3.2:latest", "meta/llama3.3"))
    error = error_of()
    assert error.kind == "not_found"
    assert "no such thing" in str(error)
    assert str(error).endswith("; did you mean llama3.2:latest or meta/llama3.3?")


@pytest.mark.parametrize("models", [GONE, Reply([b"<html>"]), Reply([], end="reset")])
def test_without_a_list_the_error_stays(connected: ScriptedServer, models: Reply) -> None:
    play(connected, models=models)
    assert str(error_of()).endswith("no such thing")


def test_a_list_that_does_not_come_is_not_waited_for(
    connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "LIST_SECONDS", 0.05)
    play(connected, models=Reply([], transfer="none", end="hang"))
    assert str(error_of()).endswith("no such thing")


@pytest.mark.parametrize(
    ("path", "likely"),
    [("/docs", "/v1"), ("/V1", "/v1"), ("/v1/v1", "/v1"), ("/v1/chat/completion", "/v1"),
     ("/openai/v1/engines", "/openai/v1"), ("/api/generate", "/v1")],
)  # fmt: skip
def test_the_address_without_what_is_too_much(
    server: ScriptedServer, path: str, likely: str
) -> None:
    play(server)
    root = server.url.removesuffix("/v1")
    message = str(error_of(base_url=root + path))
    assert message.endswith(f"; try the base URL {root}{likely}")


def test_an_address_that_is_refused_with_status_200(server: ScriptedServer) -> None:
    """LM Studio answers so at every path that it does not have."""
    body = b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}'
    play(server, Reply([body], content_type="application/json"))
    root = server.url.removesuffix("/v1")
    error = error_of(base_url=root)
    assert error.kind == "not_found"
    assert str(error).endswith(f"(POST /chat/completions); try the base URL {root}/v1")


def test_a_missing_version(connected: ScriptedServer) -> None:
    root = connected.url.removesuffix("/v1")
    for status in (404, 405):
        play(connected, question=Reply([b"<html>"], status, content_type="text/html"))
        error = error_of(base_url=root)
        assert error.kind == "not_found"
        assert str(error).endswith(f"ry the base URL {root}/v1")
    play(connected, question=Reply([b"<html>hello</html>"], content_type="text/html"))
    assert str(error_of(base_url=f"{root}/")).endswith(f"ry the base URL {root}/v1")


@pytest.mark.parametrize("path", ["/api", "/api/chat", "/api/generate"])
def test_the_address_of_a_native_interface(connected: ScriptedServer, path: str) -> None:
    play(connected)
    root = connected.url.removesuffix("/v1")
    assert str(error_of(base_url=f"{root}{path}")).endswith(f"; try the base URL {root}/v1")


@pytest.mark.parametrize(
    ("base_url", "advice"),
    [
        ("https://api.groq.com/v1", "; try the base URL https://api.groq.com/openai/v1"),
        ("https://api.groq.com/openai/v1", ""),
        ("https://a.example/v2", ""),
        ("https://a.example/llm", "; try the base URL https://a.example/llm/v1"),
    ],
)
def test_the_likely_address(base_url: str, advice: str) -> None:
    async def list_models() -> list[str]:
        return []

    error = CellmageError("gone", kind="not_found")
    asyncio.run(advise(error, base_url, list_models))
    assert str(error) == f"gone{advice}"


def test_a_server_without_a_version_in_its_address(connected: ScriptedServer) -> None:
    play(connected, models=listing("llama3.2"))
    error = error_of(base_url=connected.url.removesuffix("/v1"))
    assert str(error).endswith("did you mean llama3.2?")


def test_the_key_of_the_provider_that_the_name_begins_with(connected: ScriptedServer) -> None:
    play(connected, models=listing("qwen3"))
    error = error_of("groq/qwen3")
    assert str(error).endswith("did you mean qwen3? Set GROQ_API_KEY to ask groq itself")


def test_another_model_is_asked_at_once(connected: ScriptedServer) -> None:
    replies = {"a": GONE, "b": Reply(answer("from b"))}
    connected.play_with(lambda exchange: replies[exchange.body["model"]])
    assert Conversation().ask("hi", model="a,b").text == "from b"
    assert len(connected.exchanges) == 2


def test_in_a_cell(kernel: Kernel, server: ScriptedServer) -> None:
    play(server, models=listing("llama3.2"))
    assert kernel.run("%llm -m llama3 hi").error.endswith("did you mean llama3.2?")


@pytest.mark.parametrize(
    ("model", "names", "sentence"),
    [
        ("a", ["a", "b"], ""),
        ("GPT-4O", ["gpt-4o", "x"], "did you mean gpt-4o?"),
        ("Llama-3.1-8B", ["meta-llama/Llama-3.1-8B"], "did you mean meta-llama/Llama-3.1-8B?"),
        ("gpt-4o", ["q", "r", "s", "t", "u"], "the server has q, r, s and 2 more"),
        ("m", ["\x1b[2J"], ""),
        ("m" * 5000, ["n" * 5000], f"the server has {'n' * 99}…"),
    ],
)
def test_suggestions(model: str, names: list[str], sentence: str) -> None:
    assert suggest_names(model, names) == sentence


def test_a_sentence_that_ends_is_no_sentence_with_two_ends(connected: ScriptedServer) -> None:
    gone = Reply(
        [b'{"error": {"message": "You have no access to it."}}'],
        404,
        content_type="application/json",
    )
    play(connected, gone, listing("llama3.2:latest"))
    assert str(error_of()).endswith("You have no access to it; did you mean llama3.2:latest?")
