"""Our own endpoint, asked by the openai SDK."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
import uvicorn

from cellmage import Conversation, Options, ToolCall
from cellmage.server import app
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish, tool_call

WEATHER = {
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS: Any = [{"type": "function", "function": WEATHER}]
OSLO = '{"city": "Oslo"}'


@pytest.fixture
def address(connected: ScriptedServer) -> Iterator[str]:
    """Where our endpoint is; the scripted server is behind it."""
    config = uvicorn.Config(app(Options(model="m")), port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as made:
        yield made


def ask(client: openai.OpenAI, stream: bool, model: str = "default") -> list[str]:
    chunks = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hi there"}], stream=True
    )
    return [each.choices[0].delta.content or "" for each in chunks]


def test_streamed(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(*answer("One two **three**.", 4))
    pieces = ask(client, stream=True)
    assert "".join(pieces) == "One two **three**."
    assert len(pieces) > 4
    assert connected.last.messages == [("user", "hi there")]


def test_whole(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(
        model="offline/echo", messages=[{"role": "user", "content": "hi there"}]
    )
    assert whole.choices[0].message.content == "hi there"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0


def test_our_own_client(address: str) -> None:
    chat = Conversation(Options(model="offline/tour", base_url=address))
    response = chat.ask("hi")
    assert (response.finish_reason, response.incomplete_reason) == ("stop", None)
    assert response.usage is not None
    assert "> hi" in response.text


def test_it_streams_and_leaving_closes(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    chunks = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert next(each for each in chunks if each.choices[0].delta.content)
    chunks.close()
    assert connected.last.finished.wait(5)


@pytest.mark.parametrize(
    ("status", "raised"),
    [(401, openai.AuthenticationError), (404, openai.NotFoundError), (400, openai.BadRequestError),
     (418, openai.BadRequestError)],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_failures_before_the_first_word(
    client: openai.OpenAI, connected: ScriptedServer, status: int, raised: type, stream: bool
) -> None:
    connected.play(status=status, content_type="application/json")
    with pytest.raises(raised):
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=stream
        )


def test_a_failure_after_the_first_word(client: openai.OpenAI, connected: ScriptedServer) -> None:
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(openai.APIError, match=r"broke|lost|closed|connection"):
        ask(client, stream=True)


def asked(
    client: openai.OpenAI, stream: bool, messages: Any, model: str = "m", **more: Any
) -> tuple[str, list[dict[str, Any]], str | None]:
    """The text, the calls in full, and the finish reason, of a client with tools."""
    chat = client.chat.completions
    more = {"model": model, "messages": messages, "tools": TOOLS} | more
    if not stream:
        choice = chat.create(**more).choices[0]
        calls = [each.model_dump() for each in choice.message.tool_calls or ()]
        return choice.message.content or "", calls, choice.finish_reason
    with chat.stream(**more) as events:
        final = events.get_final_completion().choices[0]
    calls = [each.model_dump() for each in final.message.tool_calls or ()]
    return final.message.content or "", calls, final.finish_reason


def named(name: str, arguments: str, id_: str = "call0") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": id_, "type": "function", "function": function}


def shown(calls: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["function"]["name"], each["function"]["arguments"]) for each in calls]


QUESTION = {"role": "user", "content": "And in Oslo?"}


@pytest.mark.parametrize("stream", [False, True])
def test_tools_go_to_the_model_and_its_calls_come_back(
    client: openai.OpenAI, connected: ScriptedServer, stream: bool
) -> None:
    pieces = [chunk("Let me see."), tool_call("weather", OSLO), tool_call("weather", "{}", 1)]
    connected.play(*pieces, finish("tool_calls"), DONE)
    text, calls, reason = asked(client, stream, [QUESTION], tool_choice="required")
    assert (text, reason) == ("Let me see.", "tool_calls")
    assert [each["id"] for each in calls] == ["call0", "call1"]
    assert {each["type"] for each in calls} == {"function"}
    assert shown(calls) == [("weather", OSLO), ("weather", "{}")]
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
    found = [each for one in chunks for each in one.choices[0].delta.tool_calls or ()]
    assert [(each.index, each.id, each.type) for each in found] == [
        (0, "call0", "function"), (1, "call1", "function"),
    ]  # fmt: skip
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert len({(each.id, each.created) for each in chunks}) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_results_go_to_the_model(
    client: openai.OpenAI, connected: ScriptedServer, stream: bool
) -> None:
    connected.play(*answer("Rain."))
    requested = [named("weather", OSLO, "a"), named("weather", "{}", "b")]
    messages = [
        QUESTION, {"role": "assistant", "content": None, "tool_calls": requested},
        {"role": "tool", "tool_call_id": "b", "content": "unknown"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "rain"}]},
    ]  # fmt: skip
    assert asked(client, stream, messages) == ("Rain.", [], "stop")
    assert connected.last.body["messages"] == [
        *messages[:3], {"role": "tool", "tool_call_id": "a", "content": "rain"}
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_talk_with_tools(client: openai.OpenAI, stream: bool) -> None:
    question = {"role": "user", "content": f"What is weather {OSLO}?"}
    text, calls, reason = asked(client, stream, [question], "offline/tools")
    assert (text, shown(calls), reason) == ("", [("weather", OSLO)], "tool_calls")
    result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "rain"}
    requested = {"role": "assistant", "tool_calls": [named("weather", OSLO, calls[0]["id"])]}
    messages = [question, requested, result]
    assert asked(client, stream, messages, "offline/tools") == (
        "`weather` says: rain", [], "stop",
    )  # fmt: skip


def test_our_own_client_runs_its_tools(address: str) -> None:
    def weather(city: str) -> str:
        return f"rain in {city}"

    chat = Conversation(Options(model="offline/tools", base_url=address))
    stream = chat.stream(f"What is weather {OSLO}?", tools=[weather], approve="always")
    calls = [event for event in stream.events if isinstance(event, ToolCall)]
    assert [(each.name, each.arguments) for each in calls] == [("weather", OSLO)]
    assert stream.response.text == "`weather` says: rain in Oslo"


@pytest.mark.parametrize("stream", [False, True])
def test_each_call_has_an_id_of_its_own(
    client: openai.OpenAI, connected: ScriptedServer, stream: bool
) -> None:
    pieces = [
        {"index": n, "id": name, "function": {"name": "weather", "arguments": OSLO}}
        for n, name in enumerate(["same", "same", "", ""])
    ]
    connected.play(chunk(tool_calls=pieces), finish("tool_calls"), DONE)
    _, calls, _ = asked(client, stream, [QUESTION])
    ids = [each["id"] for each in calls]
    assert ids[0] == "same"
    assert len(set(ids)) == 4
    assert all(ids)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_cut_is_an_error(
    client: openai.OpenAI, connected: ScriptedServer, stream: bool
) -> None:
    connected.play(tool_call("weather", '{"city'), end="reset")
    with pytest.raises(openai.APIError, match="nothing was run"):
        asked(client, stream, [QUESTION])


HI = {"role": "user", "content": "hi"}
ASKS = {"role": "assistant", "content": None, "tool_calls": [named("weather", OSLO, "a")]}
TOLD = {"role": "tool", "tool_call_id": "a", "content": "rain"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"messages": []}', b'{"messages": [{"role": "user"}]}',
     b'{"messages": [{"role": "user", "content": "hi"}], "temperature": 9}',
     b'{"messages": [{"role": "assistant", "content": "hi"}]}', b'{"messages": [5]}',
     b'{"model": "offline/none", "messages": [{"role": "user", "content": "hi"}]}',
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
     {"messages": [HI, ASKS]}, {"messages": [HI, ASKS, HI]}, {"messages": [TOLD]},
     {"messages": [ASKS, TOLD]}, {"max_tokens": "two\nlines"}, {"temperature": "two\nlines"},
     {"messages": [HI, ASKS, TOLD, TOLD]}, {"messages": [HI, ASKS, {**TOLD, "tool_call_id": 5}]},
     {"messages": [HI, ASKS, {"role": "tool", "content": "rain"}]},
     {"messages": [HI, ASKS, {**TOLD, "content": None}]},
     {"messages": [HI, {**ASKS, "tool_calls": 5}, TOLD]},
     {"messages": [HI, {**ASKS, "tool_calls": [5]}, TOLD]},
     {"messages": [HI, {**ASKS, "tool_calls": []}, HI]},
     {"messages": [HI, {**ASKS, "tool_calls": [{"id": "a", "function": {}}]}, TOLD]}],
    ids=str,
)  # fmt: skip
def test_bad_requests_with_tools(address: str, body: dict[str, Any]) -> None:
    whole = {"model": "offline/tools", "messages": [HI], "tools": TOOLS} | body
    assert_refused(address, json.dumps(whole).encode())


def assert_refused(address: str, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    reply = httpx2.post(f"{address}/chat/completions", content=body, headers=kind)
    assert reply.status_code == 400
    message = reply.json()["error"]["message"]
    assert message
    assert "\n" not in message


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
    plain = httpx2.post(f"{address}/chat/completions", content=body)
    assert plain.status_code == 400
    rebound = {"host": "evil.example", "content-type": "application/json"}
    other = httpx2.post(f"{address}/chat/completions", content=body, headers=rebound)
    assert (other.status_code, other.text) == (400, "Invalid host header")


def test_two_hundred_at_once(address: str) -> None:
    """All complete, and each in its own order."""

    async def ask(client: openai.AsyncOpenAI, number: int) -> bool:
        text = " ".join(f"{number}.{n}" for n in range(20))
        chunks = await client.chat.completions.create(
            model="offline/echo", messages=[{"role": "user", "content": text}], stream=True
        )
        got = [each.choices[0].delta.content or "" async for each in chunks]
        return "".join(got) == text

    async def all_of_them() -> list[bool]:
        async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(200)))

    assert asyncio.run(all_of_them()) == [True] * 200


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_client_that_leaves_before_the_first_word(
    address: str, connected: ScriptedServer, is_streamed: bool
) -> None:
    connected.play(end="hang")
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": is_streamed}
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{address}/chat/completions", json=body, timeout=0.5)
    assert connected.last.finished.wait(2), "the connection to the model is closed"


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
