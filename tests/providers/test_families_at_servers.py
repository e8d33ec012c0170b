"""What the table of models changes: the API of some at Azure, and what is said of retired ones."""

from __future__ import annotations

import pytest

from cellmage import Conversation, HTTPStatusError, Options
from cellmage.providers.advice import end_of_model
from cellmage.testing import Reply, ScriptedServer, answer, sse


@pytest.mark.parametrize(
    ("model", "api", "path"),
    [
        ("gpt-5.3-codex", None, "/openai/v1/responses"),
        ("gpt-6-sol", None, "/openai/v1/responses"),
        ("gpt-6-sol", "chat", "/openai/v1/chat/completions"),
        ("my-deployment", None, "/openai/v1/chat/completions"),
        ("claude-opus-5-5", None, "/openai/v1/chat/completions"),
    ],
)
def test_models_at_azure(
    model: str, api: str | None, path: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url.removesuffix("/v1"))
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    delta = {"type": "response.output_text.delta", "delta": "Hello."}
    completed = {"type": "response.completed", "response": {"status": "completed"}}
    is_responses = path.endswith("responses")
    server.play(*([sse(delta), sse(completed)] if is_responses else answer("Hello.")))
    chat = Conversation(Options(model=f"azure/{model}", api=api))
    assert chat.ask("Hi").text == "Hello."
    assert server.last.path == path


@pytest.mark.parametrize("models", [b'{"data": []}', b'{"data": [{"id": "gpt-6-luna"}]}'])
def test_a_retired_model_has_a_successor(models: bytes, server: ScriptedServer) -> None:
    gone = b'{"error": {"message": "The model gpt-3.5-turbo does not exist", "code": null}}'
    server.play_with(
        lambda exchange: (
            Reply([models], 200) if exchange.path.endswith("/models") else Reply([gone], 404)
        )
    )
    with pytest.raises(HTTPStatusError) as caught:
        Conversation(Options(model="gpt-3.5-turbo", base_url=server.url)).ask("Hi")
    assert str(caught.value).endswith(
        "; gpt-3.5-turbo: its provider ends it on 2026-10-23; its successor is gpt-5.6-terra"
    )


def test_a_server_may_call_its_models_as_it_likes(server: ScriptedServer) -> None:
    server.play(*answer("Hello."))
    response = Conversation(Options(model="gpt-3.5-turbo", base_url=server.url)).ask("Hi")
    assert response.notices == ()


def test_the_own_provider_is_told_of_once() -> None:
    assert end_of_model("api.openai.com", "gpt-4o-2024-08-06") != []
    assert end_of_model("api.openai.com", "gpt-4o-2024-08-06") == []
    assert end_of_model("api.openai.com", "gpt-6-sol") == []
