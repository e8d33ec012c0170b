"""Tools through our endpoint: schemas go to the model, its calls go to the client."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from cellmage import Conversation, Options, ToolCall
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish, tool_call

WEATHER = {
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS: Any = [{"type": "function", "function": WEATHER}]
OSLO = '{"city": "Oslo"}'
QUESTION = {"role": "user", "content": "And in Oslo?"}

Answer = tuple[str, list[dict[str, Any]], str | None]


def ask(
    client: openai.OpenAI, is_streamed: bool, messages: Any, model: str = "m", **fields: Any
) -> Answer:
    """Return the text, the calls, and the finish reason, as a client with tools reads them."""
    completions = client.chat.completions
    fields = {"model": model, "messages": messages, "tools": TOOLS} | fields
    if is_streamed:
        with completions.stream(**fields) as events:
            choice: Any = events.get_final_completion().choices[0]
    else:
        choice = completions.create(**fields).choices[0]
    calls = [call.model_dump() for call in choice.message.tool_calls or ()]
    return choice.message.content or "", calls, choice.finish_reason


def call_message(name: str, arguments: str, call_id: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def functions(calls: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_tools_go_to_the_model_and_its_calls_to_the_client(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    pieces = [chunk("Let me see."), tool_call("weather", OSLO), tool_call("weather", "{}", 1)]
    connected.play(*pieces, finish("tool_calls"), DONE)
    text, calls, reason = ask(client, is_streamed, [QUESTION], tool_choice="required")
    assert (text, reason) == ("Let me see.", "tool_calls")
    assert [call["id"] for call in calls] == ["call0", "call1"]
    assert {call["type"] for call in calls} == {"function"}
    assert functions(calls) == [("weather", OSLO), ("weather", "{}")]
    assert connected.last.body["tools"] == TOOLS
    assert connected.last.body["tool_choice"] == "required"
    assert len(connected.exchanges) == 1


def test_the_form_of_a_call(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(
        tool_call("weather", OSLO), tool_call("weather", "{}", 1), finish("tool_calls"), DONE
    )
    chunks = list(
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], tools=TOOLS, stream=True
        )
    )
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [(call.index, call.id, call.type) for call in calls] == [
        (0, "call0", "function"), (1, "call1", "function"),
    ]  # fmt: skip
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1


@pytest.mark.parametrize("is_streamed", [False, True])
def test_results_go_to_the_model(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    connected.play(*answer("Rain."))
    calls = [call_message("weather", OSLO, "a"), call_message("weather", "{}", "b")]
    messages = [
        QUESTION, {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "unknown"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "rain"}]},
    ]  # fmt: skip
    assert ask(client, is_streamed, messages) == ("Rain.", [], "stop")
    assert connected.last.body["messages"] == [
        messages[0], {**messages[1], "content": ""}, messages[2],
        {"role": "tool", "tool_call_id": "a", "content": "rain"},
    ]  # fmt: skip


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_question_a_call_and_an_answer(client: openai.OpenAI, is_streamed: bool) -> None:
    question = {"role": "user", "content": f"What is weather {OSLO}?"}
    text, calls, reason = ask(client, is_streamed, [question], "offline/tools")
    assert (text, functions(calls), reason) == ("", [("weather", OSLO)], "tool_calls")
    call_id = calls[0]["id"]
    request = {"role": "assistant", "tool_calls": [call_message("weather", OSLO, call_id)]}
    result = {"role": "tool", "tool_call_id": call_id, "content": "rain"}
    messages = [question, request, result]
    assert ask(client, is_streamed, messages, "offline/tools") == (
        "`weather` says: rain", [], "stop",
    )  # fmt: skip


def test_our_own_client_runs_its_tools(address: str) -> None:
    def weather(city: str) -> str:
        return f"rain in {city}"

    chat = Conversation(Options(model="offline/tools", base_url=address))
    stream = chat.stream(f"What is weather {OSLO}?", tools=[weather], approve="always")
    calls = [event for event in stream.events if isinstance(event, ToolCall)]
    assert [(call.name, call.arguments) for call in calls] == [("weather", OSLO)]
    assert stream.response.text == "`weather` says: rain in Oslo"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_each_call_has_an_id_of_its_own(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    pieces = [
        {"index": index, "id": call_id, "function": {"name": "weather", "arguments": OSLO}}
        for index, call_id in enumerate(["same", "same", "", ""])
    ]
    connected.play(chunk(tool_calls=pieces), finish("tool_calls"), DONE)
    _, calls, _ = ask(client, is_streamed, [QUESTION])
    ids = [call["id"] for call in calls]
    assert ids[0] == "same"
    assert len(set(ids)) == 4
    assert all(ids)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_call_that_is_cut_is_an_error(
    client: openai.OpenAI, connected: ScriptedServer, is_streamed: bool
) -> None:
    connected.play(tool_call("weather", '{"city'), end="reset")
    with pytest.raises(openai.APIError, match="nothing was run"):
        ask(client, is_streamed, [QUESTION])
