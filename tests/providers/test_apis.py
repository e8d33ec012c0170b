"""The APIs over real HTTP: text, reasoning, tools, what goes back, keys and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cellmage import Conversation, HTTPStatusError, Options
from cellmage.providers.registry import resolve_model
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, chunk, finish, sse, tool_call
from tests.kernel.client import Kernel
from tests.providers import messages_streams as messages
from tests.providers import ollama_streams as ollama
from tests.providers import responses_streams as responses

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "ollama": "/api/chat",
}


def chat_text(text: str) -> list[bytes]:
    reasoning = sse({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    return [reasoning, chunk(text), finish(), DONE]


TEXTS: dict[str, Callable[[str], Any]] = {
    "chat": chat_text,
    "responses": lambda text: [responses.stream_of(
        responses.response(responses.reasoning("Hm."), responses.message(text)))],
    "messages": lambda text: [messages.stream_of(
        messages.message(messages.thinking("Hm."), messages.text(text)))],
    "ollama": lambda text: [ollama.lines(
        ollama.piece(thinking="Hm."), ollama.piece(text), ollama.last())],
}  # fmt: skip
CALLS: dict[str, list[bytes]] = {
    "chat": [sse({"choices": [{"delta": {"reasoning_content": "Hm."}}]}),
             tool_call("weather", "{}"), finish("tool_calls"), DONE],
    "responses": [responses.stream_of(responses.response(
        responses.reasoning("Hm.", encrypted_content="c2VjcmV0"), responses.call("weather", {})))],
    "messages": [messages.stream_of(messages.message(
        messages.thinking("Hm.", "c2VjcmV0"), messages.call("weather", {})))],
    "ollama": [ollama.lines(
        ollama.piece(thinking="Hm."), ollama.call("weather", {}), ollama.last())],
}  # fmt: skip


def weather() -> str:
    """Look."""
    return "rain"


@pytest.fixture(params=PATHS)
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chat(api: str, connected: ScriptedServer) -> Conversation:
    return Conversation(Options(model="m-1", api=api))


def test_a_text(api: str, chat: Conversation, connected: ScriptedServer) -> None:
    connected.play(*TEXTS[api]("Hello."))
    response = chat.ask("Hi", effort="low", max_tokens=50)
    assert (response.text, response.reasoning) == ("Hello.", "Hm.")
    assert response.incomplete_reason is None
    assert connected.last.path == PATHS[api]
    assert "low" in json.dumps(connected.last.body)
    headers = connected.last.headers
    assert ("x-api-key" in headers, "authorization" in headers) == (
        api == "messages", api != "messages"
    )  # fmt: skip
    assert not [name for name in headers if name.startswith("x-stainless-lang")]


def test_tools_and_what_goes_back(api: str, chat: Conversation, connected: ScriptedServer) -> None:
    connected.play_each([Reply(CALLS[api]), Reply(TEXTS[api]("It rains."))])
    response = chat.ask("Weather?", tools=[weather], approve="always")
    assert response.text == "It rains."
    body = json.dumps(connected.last.body)
    assert "rain" in body
    assert ("Hm." if api in ("chat", "ollama") else "c2VjcmV0") in body


def test_a_conversation_moves(connected: ScriptedServer) -> None:
    """What one API demands back goes to no other."""
    chat = Conversation(Options(model="m-1"))
    for api in ("responses", "messages", "chat"):
        connected.play_each([Reply(CALLS[api]), Reply(TEXTS[api]("It rains."))])
        chat.ask("Weather?", tools=[weather], approve="always", api=api)
        other = "c2VjcmV0" if api == "chat" else "reasoning_content"
        assert other not in json.dumps(connected.last.body)
    assert len(chat.turns) == 3


def test_an_error(api: str, chat: Conversation, connected: ScriptedServer) -> None:
    error = {"type": "error", "error": {"type": "authentication_error", "message": "no such key"}}
    connected.play(json.dumps(error).encode(), status=401)
    with pytest.raises(HTTPStatusError, match="no such key") as raised:
        chat.ask("Hi")
    assert raised.value.kind == "auth"


def test_a_model_that_does_not_reason(connected: ScriptedServer) -> None:
    """It refuses what was never asked for by the user: nothing is said of it."""

    def reply(exchange: Exchange) -> Reply:
        for name in ("include", "reasoning"):
            if name in (exchange.body or {}):
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                error = {"error": {"message": message, "param": name}}
                return Reply([json.dumps(error).encode()], 400)
        return Reply(TEXTS["responses"]("Hello."))

    connected.play_with(reply)
    response = Conversation(Options(model="plain-1", api="responses")).ask("Hi")
    assert (response.text, response.notices) == ("Hello.", ())
    chat = Conversation(Options(model="plain-2", api="responses"))
    assert chat.ask("Hi", effort="high").notices == (
        "plain-2 refuses reasoning; it was asked without.",
    )


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FORM = {"type": "json_schema", "json_schema": {"name": "Trip", "schema": SCHEMA}}


def test_a_schema(api: str, chat: Conversation, connected: ScriptedServer) -> None:
    connected.play(*TEXTS[api]('{"city": "Oslo"}'))
    chat.ask("Where?", extra_body={"response_format": FORM, "top_p": 0.5})
    body = connected.last.body or {}
    forms = {
        "chat": body.get("response_format"),
        "responses": body.get("text", {}).get("format"),
        "messages": body.get("output_config", {}).get("format"),
        "ollama": body.get("format"),
    }
    assert forms.pop(api)["type"] == ("object" if api == "ollama" else "json_schema")
    assert not any(forms.values())
    assert json.dumps(SCHEMA) in json.dumps(body)
    assert (body | body.get("options", {}))["top_p"] == 0.5


def test_json_of_any_shape(api: str, chat: Conversation, connected: ScriptedServer) -> None:
    connected.play(*TEXTS[api]("[1]"))
    chat.ask("List", extra_body={"response_format": {"type": "json_object"}})
    body = json.dumps(connected.last.body)
    words = {"messages": "Answer with JSON only", "ollama": '"format": "json"'}
    assert words.get(api, "json_object") in body


def test_a_model_that_refuses_a_schema(
    api: str, chat: Conversation, connected: ScriptedServer
) -> None:
    """The schema is in the system prompt then."""
    field = {
        "chat": "response_format",
        "responses": "text",
        "messages": "output_config",
        "ollama": "format",
    }[api]
    error = {"error": {"message": f"{field} is not supported by this model", "param": field}}

    def reply(exchange: Exchange) -> Reply:
        if field in (exchange.body or {}):
            return Reply([json.dumps(error).encode()], 400)
        return Reply(TEXTS[api]('{"city": "Oslo"}'))

    connected.play_with(reply)
    options = {"model": f"no-schema-{api}", "extra_body": {"response_format": FORM}}
    assert chat.ask("Where?", **options).text == '{"city": "Oslo"}'  # type: ignore[arg-type]
    assert "must fit this JSON schema" in json.dumps(connected.last.body)


def test_the_api_of_a_server() -> None:
    keys = {"OPENAI_API_KEY": "sk-0000000000000000", "ANTHROPIC_API_KEY": "sk-0000000000000000"}
    names = {
        "gpt-6-luna": "responses",
        "anthropic/claude-opus-5": "messages",
        "ollama/a": "ollama",
        "vllm/a": "chat",
    }
    for name, api in names.items():
        provider: Any = resolve_model(Options(model=name), keys).provider
        assert provider.endpoint.api == api


def test_in_a_cell(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*TEXTS["messages"]("Hello."))
    run = kernel.run("%%llm --api messages\nHi", "c1")
    assert run.ok, run.error
    assert "Hello." in str(run.outputs)
    assert server.last.path == PATHS["messages"]
