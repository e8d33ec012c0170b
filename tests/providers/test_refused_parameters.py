"""Parameters that a model refuses: it is asked without them, and the user is told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cellmage import Conversation, HTTPStatusError, Options
from cellmage.prompt.personas import load_persona
from cellmage.providers.refused_parameters import find_refused, leave_out
from cellmage.testing import Exchange, Reply, ScriptedServer, answer, sse

Payload = dict[str, Any]


def openai_error(message: str, param: str | None = None) -> Payload:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param}}


REFUSALS: list[tuple[str, Payload]] = [
    ("temperature", openai_error(
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default "
        "(1) value is supported.", "temperature")),
    ("max_tokens", openai_error(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.", "max_tokens")),
    ("temperature", {"type": "error", "error": {
        "type": "invalid_request_error", "message": "`temperature` is deprecated for this model."
    }}),
    ("top_p", {"object": "error", "message": "top_p: Extra inputs are not permitted", "code": 400}),
    ("stream_options", {"detail": [{
        "type": "extra_forbidden", "loc": ["body", "stream_options"],
        "msg": "Extra inputs are not permitted"}]}),
    ("response_format", openai_error("This model doesn't support response_format")),
    ("reasoning_effort", openai_error("Unrecognized request argument supplied: reasoning_effort")),
]  # fmt: skip
OTHER_ERRORS: list[Payload] = [
    openai_error("Invalid 'temperature': decimal above maximum value.", "temperature"),
    openai_error("max_tokens is too large: 100000. This model supports at most 16384 tokens."),
    openai_error("The model `gpt-9` does not support chat", "model"),
    openai_error("Unsupported content in 'messages[0]'", "messages"),
    {"detail": "temperature"},
    {},
]
PAYLOAD = {
    "model": "m", "messages": [], "stream": True, "stream_options": {}, "temperature": 0.2,
    "max_tokens": 5, "response_format": {},
    "extra_body": {"top_p": 1, "reasoning_effort": "low"},
}  # fmt: skip


@pytest.mark.parametrize(("name", "body"), REFUSALS)
def test_the_parameter_of_a_refusal(name: str, body: Payload) -> None:
    assert find_refused(body, PAYLOAD) == name
    assert find_refused(body.get("error", body), PAYLOAD) == name  # as the SDK passes it on


@pytest.mark.parametrize("body", OTHER_ERRORS)
def test_other_errors_refuse_no_parameter(body: Payload) -> None:
    assert find_refused(body, PAYLOAD) == ""


# In the words of other servers; the first name counts, and a word that is a name only where it is
# marked as one.
MORE_PARAMETERS = PAYLOAD | {"extra_body": dict.fromkeys(
    ("top_p", "seed", "stop", "top_k", "presence_penalty", "frequency_penalty", "reasoning_effort"),
    1,
)}  # fmt: skip
SENTENCES = [
    ("temperature", "`temperature` may only be set to 1 when thinking is enabled."),
    ("temperature", "`temperature` and `top_p` cannot both be specified for this model."),
    ("top_k", "`top_k` must be unset when thinking is enabled."),
    ("top_p", "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."),
    ("top_p", "top_p must be 1 when using greedy sampling."),
    ("temperature", "invalid temperature: only 1 is allowed for this model"),
    ("temperature", "gpt-5 models don't support temperature=0.2. Only temperature=1 is supported. "
     "Temperature is supported when reasoning_effort='none'"),
    ("top_k", "property 'top_k' is unsupported, did you mean 'top_p'?"),
    ("presence_penalty", "Argument not supported on this model: presencePenalty"),
    ("stop", "Model grok-4 does not support parameter stop."),
    ("frequency_penalty", "Penalty is not enabled for models/gemini-3-pro"),
    ("reasoning_effort", "Thinking level MINIMAL is not supported for this model."),
    ("reasoning_effort", "reasoning_effort must be one of `none` or `default`"),
    ("reasoning_effort", "Reasoning is mandatory for this endpoint and cannot be disabled."),
    ("reasoning_effort", "reasoning_effort: unknown variant `max`, expected one of `low`, `high`"),
    ("response_format", "Function calling with a response mime type is unsupported"),
    ("response_format", "json mode cannot be combined with tool/function calling"),
    ("response_format", "This response_format type is unavailable now"),
    ("response_format", "Invalid schema for response_format 'answer': not strict"),
    ("max_tokens", "Use 'max_completion_tokens' instead of 'max_tokens'."),
    ("seed", "json: unknown field \"seed\""),
    ("seed", "#: extraneous key [seed] is not permitted"),
    ("", "Unsupported language; stop"),
    ("", "Not permitted: your seed funding has ended."),
    ("", "temperature must be 1 or less"),
    ("", "messages.1.content.0: thinking blocks cannot be modified, unexpected `reasoning_effort`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), SENTENCES)
def test_the_words_of_other_servers(name: str, sentence: str) -> None:
    assert find_refused(openai_error(sentence), MORE_PARAMETERS) == name
    assert find_refused([{"error": {"message": sentence}}], MORE_PARAMETERS) == name  # Gemini


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": {"detail": [
            {"loc": ["body", "top_p"], "msg": "Extra inputs are not permitted", "input": 1}]}},
        {"error": {"message": "invalid input error", "details": [
            {"type": "extra_forbidden", "loc": ["body", "top_p"], "input": {"seed": 1}}]}},
        {"errors": [{"message": "must NOT have additional properties",
                     "params": {"additionalProperty": "top_p"}}]},
        {"error": {"message": "Provider returned error", "metadata": {"raw":
            json.dumps(openai_error("Unsupported parameter: 'top_p'", "top_p"))}}},
    ],
)  # fmt: skip
def test_a_parameter_that_is_named_deep_in_a_body(body: Payload) -> None:
    assert find_refused(body, MORE_PARAMETERS) == "top_p"


def test_a_name_with_signs() -> None:
    payload = {"extra_body": {"a(b": 1, "x+": 2}}
    assert find_refused(openai_error("Unknown parameter: 'x+'."), payload) == "x+"


def test_the_form_alone_of_a_parameter() -> None:
    payload = {"output_config": {"effort": "low", "format": {}}}
    for sentence in (
        "output_config.format: Extra inputs are not permitted",
        "'claude-x' does not support output format.",
    ):
        assert find_refused(openai_error(sentence), payload) == "output_config.format"
    assert leave_out(payload, {"output_config.format": ""}) == {"output_config": {"effort": "low"}}


def refusing(is_refused: Callable[[Payload], str], status: int = 400) -> Any:
    """Answer like a server that refuses a parameter."""

    def reply(exchange: Exchange) -> Reply:
        name = is_refused(exchange.body or {})
        if not name:
            return Reply(answer("Hello."))
        error = openai_error(f"Unsupported parameter: '{name}' is not supported.", name)
        return Reply([json.dumps(error).encode()], status)

    return reply


def first_of(*names: str) -> Callable[[Payload], str]:
    return lambda body: next((name for name in names if name in body), "")


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    return Conversation(Options(model="gpt-6-luna", base_url=server.url))


def test_it_is_asked_once_more_and_the_model_is_remembered(
    chat: Conversation, server: ScriptedServer
) -> None:
    server.play_with(refusing(first_of("temperature", "top_p", "stream_options")))
    response = chat.ask("Hi", temperature=0.2, extra_body={"top_p": 0.5})
    assert response.text == "Hello."
    assert response.notices == (
        "gpt-6-luna refuses temperature; it was asked without.",
        "gpt-6-luna refuses top_p; it was asked without.",
    )
    assert len(server.exchanges) == 4
    assert chat.ask("Hi", temperature=0.2).notices == ()
    assert len(server.exchanges) == 5
    chat.ask("Hi", model="other", temperature=0.2)
    assert len(server.exchanges) == 8  # nothing is known of another model


def test_a_parameter_with_another_name(chat: Conversation, server: ScriptedServer) -> None:
    server.play_with(refusing(first_of("max_tokens")))
    assert chat.ask("Hi", max_tokens=7).notices == ()
    assert (server.last.body or {})["max_completion_tokens"] == 7
    server.play_with(refusing(first_of("max_tokens", "max_completion_tokens")))
    assert chat.ask("Hi", model="other", max_tokens=7).text == "Hello."


def test_each_api_has_its_own_names(chat: Conversation, server: ScriptedServer) -> None:
    server.play_with(refusing(first_of("max_tokens")))
    chat.ask("Hi", model="both", max_tokens=7)
    message = {"type": "message", "content": [{"type": "text", "text": "Hello."}]}
    server.play_with(lambda exchange: Reply([json.dumps(message).encode()]))
    assert chat.ask("Hi", model="both", api="messages", max_tokens=7).text == "Hello."
    assert (server.last.body or {})["max_tokens"] == 7


def test_a_form_that_is_refused_is_asked_for_in_words(
    chat: Conversation, server: ScriptedServer
) -> None:
    message = {"type": "message", "content": [{"type": "text", "text": "{}"}]}

    def reply(exchange: Exchange) -> Reply:
        if "format" in (exchange.body or {}).get("output_config", {}):
            error = openai_error("output_config.format: Extra inputs are not permitted")
            return Reply([json.dumps(error).encode()], 400)
        return Reply([json.dumps(message).encode()])

    server.play_with(reply)
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"title": "Point"}}}
    response = chat.ask(
        "Hi", model="wordy", api="messages", effort="low", extra_body={"response_format": form}
    )
    assert response.text == "{}"
    body = server.last.body or {}
    assert "Point" in body["system"]
    assert body["output_config"] == {"effort": "low"}, "the effort stays"


def test_a_persona_asks_softly(chat: Conversation, server: ScriptedServer) -> None:
    server.play_with(refusing(first_of("temperature")))
    persona = load_persona("terse", []).options
    assert chat.ask("Hi", persona).notices == ()
    options = Options.resolve(Options(temperature=1), persona)
    notices = chat.ask("Hi", options, model="other").notices
    assert notices == ("other refuses temperature; it was asked without.",)


def test_other_errors_are_raised(chat: Conversation, server: ScriptedServer) -> None:
    server.play_with(lambda exchange: Reply([json.dumps(OTHER_ERRORS[0]).encode()], 400))
    with pytest.raises(HTTPStatusError, match="above maximum"):
        chat.ask("Hi", temperature=2)
    server.play_with(refusing(first_of("temperature"), status=500))
    with pytest.raises(HTTPStatusError):
        chat.ask("Hi", model="third", temperature=1)


def test_fields_of_a_parameter() -> None:
    payload = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["x"]}
    body = openai_error("Unsupported parameter: 'reasoning.effort' is not supported.")
    assert find_refused(body, payload) == "reasoning.effort"
    assert leave_out(payload, {"reasoning.effort": ""})["reasoning"] == {"summary": "auto"}
    body = openai_error("Encrypted content is not supported with this model.", "include[0]")
    assert find_refused(body, payload) == "include"
    claude = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    body = openai_error("This model does not support the effort parameter.")
    assert find_refused(body, claude) == "output_config.effort"
    assert "output_config" not in leave_out(claude, {"output_config.effort": ""})
    body = openai_error(
        "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected "
        "tags: 'disabled', 'enabled'"
    )
    assert find_refused(body, claude) == "thinking"


def test_a_model_that_does_not_reason(chat: Conversation, server: ScriptedServer) -> None:
    done = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    delta = {"type": "response.output_text.delta", "delta": "Hello."}

    def reply(exchange: Exchange) -> Reply:
        for name in ("include", "reasoning"):
            if name in (exchange.body or {}):
                error = openai_error("It is not supported with this model.", name)
                return Reply([json.dumps(error).encode()], 400)
        return Reply([sse(delta), sse(done)])

    server.play_with(reply)
    response = chat.ask("Hi", api="responses", model="gpt-4.1")
    assert (response.text, response.notices) == ("Hello.", ()), "nobody has asked for it"
    asked = chat.ask("Hi", api="responses", model="gpt-4.1-mini", effort="low")
    assert asked.notices == ("gpt-4.1-mini refuses reasoning; it was asked without.",)


def test_a_limit_that_is_too_low_is_raised(chat: Conversation, server: ScriptedServer) -> None:
    def reply(exchange: Exchange) -> Reply:
        limit = (exchange.body or {}).get("max_tokens", 99)
        message = f"Invalid 'max_tokens': integer below minimum value. Expected >= 16, got {limit}."
        error = json.dumps(openai_error(message, "max_tokens")).encode()
        return Reply([error], 400) if limit < 16 else Reply(answer("Hello."))

    server.play_with(reply)
    response = chat.ask("Hi", model="limited", max_tokens=5)
    told = "limited allows a limit of 16 tokens at least; that was sent."
    assert (response.text, response.notices) == ("Hello.", (told,))
    assert chat.ask("Hi", model="limited", max_tokens=7).notices == ()
    assert (server.last.body or {})["max_tokens"] == 16
    chat.ask("Hi", model="limited", max_tokens=70)
    assert (server.last.body or {})["max_tokens"] == 70


def test_a_server_that_refuses_what_it_named_is_not_asked_for_ever(
    chat: Conversation, server: ScriptedServer
) -> None:
    error = openai_error("max_tokens must be at least 16", "max_tokens")
    server.play_with(lambda exchange: Reply([json.dumps(error).encode()], 400))
    with pytest.raises(HTTPStatusError, match="at least 16"):
        chat.ask("Hi", model="stubborn", max_tokens=5)
    assert len(server.exchanges) == 2


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("input", "the conversation's"),
        ("instructions", "use --system"),
        ("store", "each request has the conversation"),
        ("stream", "use --stream"),
        ("max_output_tokens", "use --max-tokens"),
    ],
)
def test_what_no_parameter_may_override(kernel: Any, name: str, advice: str) -> None:
    error = kernel.run(f"%llm --param {name} true hi").error
    assert error.startswith(f"UsageError: the parameter {name} cannot be set: ")
    assert advice in error
    assert "\n" not in error


def test_in_a_cell(kernel: Any, server: ScriptedServer) -> None:
    server.play_with(refusing(first_of("temperature")))
    run = kernel.run("%%llm -m cell-model -t 0.5\nHi", "c1")
    assert run.ok, run.error
    assert "cell-model refuses temperature; it was asked without." in str(run.outputs)
    run = kernel.run("%%llm -m persona-model --persona terse\nHi", "c2")
    assert "refuses" not in str(run.outputs)
