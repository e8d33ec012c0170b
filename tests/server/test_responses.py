"""Our endpoint's Responses API, as the openai SDK reads it."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from cellmage import Conversation, Options
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish, sse, tool_call, usage
from tests.server.test_tools import OSLO, WEATHER

TOOLS: Any = [{"type": "function", "strict": False, **WEATHER}]
HI: Any = [{"role": "user", "content": "hi"}]
TEXT = "One **two** – three."
BOTH = pytest.mark.parametrize("is_streamed", [False, True])


def ask(client: openai.OpenAI, is_streamed: bool, **fields: Any) -> Any:
    """Return the response; that of a stream as the SDK puts it together."""
    fields = {"model": "m", "input": "hi", **fields}
    if not is_streamed:
        return client.responses.create(**fields)
    with client.responses.stream(**fields) as events:
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        final = events.get_final_response()
    assert text == final.output_text
    return final


@BOTH
def test_text(client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(*answer(TEXT, 4)[:-1], usage(3, 4), DONE)
    response = ask(client, is_streamed, instructions="Be brief.", max_output_tokens=9)
    assert (response.output_text, response.status) == (TEXT, "completed")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (3, 4)
    assert connected.last.messages == [("system", "Be brief."), ("user", "hi")]
    body = connected.last.body
    assert 9 in (body.get("max_tokens"), body.get("max_completion_tokens"))


@BOTH
def test_tokens_of_the_cache(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    counts = {"prompt_tokens": 9, "completion_tokens": 5, **details}
    connected.play(*answer("Hi")[:-1], sse({"choices": [], "usage": counts}), DONE)
    usage = ask(client, is_streamed).usage
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (9, 4)


def test_pieces(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("abcdef", 2))
    events = list(client.responses.create(model="m", input="hi", stream=True))
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    assert deltas == ["ab", "cd", "ef"]
    assert [e.sequence_number for e in events] == list(range(len(events)))


@BOTH
def test_reasoning(client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool) -> None:
    pieces = [chunk(reasoning_content="h"), chunk(reasoning_content="m"), chunk("Hello")]
    connected.play(*pieces, finish(), DONE)
    response = ask(client, is_streamed)
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].summary[0].text == "hm"
    assert response.output_text == "Hello"


@BOTH
def test_calls(client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool) -> None:
    pieces = [chunk("Let me see."), tool_call("weather", OSLO), tool_call("weather", "{}", 1)]
    connected.play(*pieces, finish("tool_calls"), DONE)
    choice = {"type": "function", "name": "weather"}
    response = ask(client, is_streamed, tools=TOOLS, tool_choice=choice)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("call0", "weather", OSLO), ("call1", "weather", "{}"),
    ]  # fmt: skip
    assert response.output_text == "Let me see."
    assert connected.last.body["tools"] == [{"type": "function", "function": WEATHER}]
    assert connected.last.body["tool_choice"]["function"] == {"name": "weather"}


@BOTH
def test_results(client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(*answer("Rain."))
    call = {"type": "function_call", "call_id": "a", "name": "weather", "arguments": OSLO}
    result = {"type": "function_call_output", "call_id": "a", "output": "rain"}
    thought: Any = {"type": "reasoning", "id": "rs_1", "summary": []}
    response = ask(client, is_streamed, input=[*HI, thought, call, result], tools=TOOLS)
    assert response.output_text == "Rain."
    roles = [message["role"] for message in connected.last.body["messages"]]
    assert roles == ["user", "assistant", "tool"]


@BOTH
def test_an_answer_that_is_cut(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    connected.play(chunk("so far"), finish("length"), DONE)
    response: Any = client.responses.create(model="m", input="hi", stream=is_streamed)
    if is_streamed:  # the SDK's `get_final_response` knows complete ones only
        last = list(response)[-1]
        assert last.type == "response.incomplete"
        response = last.response
    assert (response.output_text, response.status) == ("so far", "incomplete")
    assert response.incomplete_details.reason == "max_output_tokens"


@BOTH
def test_a_failure(client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(status=401, content_type="application/json")
    with pytest.raises(openai.AuthenticationError):
        ask(client, is_streamed)
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(openai.APIError, match=r"broke|lost|closed|connection"):
        ask(client, is_streamed)


def test_leaving_closes_the_connection(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    events = client.responses.create(model="m", input="hi", stream=True)
    assert next(event for event in events if event.type == "response.output_text.delta")
    events.close()
    assert connected.last.finished.wait(5)


def test_a_form_goes_on(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("{}"))
    schema = {"type": "object", "properties": {}}
    form: Any = {"type": "json_schema", "name": "trip", "schema": schema}
    client.responses.create(model="m", input=HI, text={"format": form}, reasoning={"effort": "low"})
    assert connected.last.body["response_format"]["json_schema"]["schema"] == schema
    assert connected.last.body["reasoning_effort"] == "low"


def test_our_own_client(address: str) -> None:
    chat = Conversation(Options(model="offline/echo", base_url=address, api="responses"))
    response = chat.ask("hi")
    assert (response.text, response.finish_reason) == ("hi", "stop")
    assert response.usage is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"input": 5}, {"input": []}, {"input": [5]}, {"input": [{"role": "user"}]},
     {"input": [{"type": "item_reference", "id": "x"}]}, {"input": "hi", "max_output_tokens": "x"},
     {"input": "hi", "previous_response_id": "resp_1"}, {"input": "hi", "tools": [5]},
     {"input": "hi", "tools": [{"type": "web_search"}]}, {"input": "hi", "instructions": 5},
     {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
     {"input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]}],
    ids=str,
)  # fmt: skip
def test_bad_requests(address: str, body: dict[str, Any]) -> None:
    reply = httpx2.post(f"{address}/responses", json={"model": "m", **body})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]
