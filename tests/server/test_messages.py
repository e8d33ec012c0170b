"""Our endpoint's Messages API, as the anthropic SDK reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from cellmage import Conversation, Options
from cellmage.server import app
from cellmage.testing import DONE, ScriptedServer, answer, chunk, finish, sse, tool_call, usage
from tests.server.conftest import serving
from tests.server.test_tools import OSLO, WEATHER

anthropic = pytest.importorskip("anthropic")

TOOLS: Any = [
    {**{name: WEATHER[name] for name in ("name", "description")},
     "input_schema": WEATHER["parameters"]},
]  # fmt: skip
HI: Any = [{"role": "user", "content": "hi"}]
TEXT = "One **two** – three."
BOTH = pytest.mark.parametrize("is_streamed", [False, True])


def connect(address: str, key: str = "none") -> Any:
    url = address.removesuffix("/v1")
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)


@pytest.fixture
def claude(address: str) -> Iterator[Any]:
    """Return Anthropic's own client for our endpoint."""
    with connect(address) as client:
        yield client


def ask(client: Any, is_streamed: bool, **fields: Any) -> Any:
    """Return the message; that of a stream as the SDK puts it together."""
    fields = {"model": "m", "max_tokens": 99, "messages": HI, **fields}
    if not is_streamed:
        return client.messages.create(**fields)
    with client.messages.stream(**fields) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    assert text == text_of(final)
    return final


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@BOTH
def test_text(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(*answer(TEXT, 4)[:-1], usage(3, 4), DONE)
    message = ask(claude, is_streamed, system="Be brief.", stop_sequences=["END"])
    assert (text_of(message), message.stop_reason) == (TEXT, "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 4)
    assert connected.last.messages == [("system", "Be brief."), ("user", "hi")]
    body = connected.last.body
    assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert body["stop"] == ["END"]


@BOTH
def test_tokens_of_the_cache(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    counts = {"prompt_tokens": 9, "completion_tokens": 5, **details}
    connected.play(*answer("Hi")[:-1], sse({"choices": [], "usage": counts}), DONE)
    usage = ask(claude, is_streamed).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (5, 4, 5)


def test_pieces(claude: Any, connected: ScriptedServer) -> None:
    connected.play(*answer("abcdef", 2))
    events = claude.messages.create(model="m", max_tokens=9, messages=HI, stream=True)
    pieces = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert pieces == ["ab", "cd", "ef"]


@BOTH
def test_reasoning(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    pieces = [chunk(reasoning_content="h"), chunk(reasoning_content="m"), chunk("Hello")]
    connected.play(*pieces, finish(), DONE)
    message = ask(claude, is_streamed)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "hm"
    again = [*HI, {"role": "assistant", "content": message.content}, *HI]
    assert text_of(ask(claude, is_streamed, messages=again)) == "Hello"
    assert connected.last.messages[1] == ("assistant", "Hello")


@BOTH
def test_calls(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    pieces = [chunk("Let me see."), tool_call("weather", OSLO), tool_call("weather", "{}", 1)]
    connected.play(*pieces, finish("tool_calls"), DONE)
    message = ask(claude, is_streamed, tools=TOOLS, tool_choice={"type": "any"})
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.id, call.name, call.input) for call in calls] == [
        ("call0", "weather", {"city": "Oslo"}), ("call1", "weather", {}),
    ]  # fmt: skip
    assert (text_of(message), message.stop_reason) == ("Let me see.", "tool_use")
    assert connected.last.body["tools"] == [{"type": "function", "function": WEATHER}]
    assert connected.last.body["tool_choice"] == "required"


@BOTH
def test_results(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(*answer("Rain."))
    call = {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Oslo"}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "rain"}
    more = {"type": "text", "text": "And?"}
    messages = [
        *HI, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result, more]},
    ]  # fmt: skip
    assert text_of(ask(claude, is_streamed, messages=messages, tools=TOOLS)) == "Rain."
    sent = [(message["role"], message["content"]) for message in connected.last.body["messages"]]
    assert sent == [("user", "hi"), ("assistant", ""), ("tool", "rain"), ("user", "And?")]


@BOTH
def test_an_answer_that_is_cut(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(chunk("so far"), finish("length"), DONE)
    message = ask(claude, is_streamed)
    assert (text_of(message), message.stop_reason) == ("so far", "max_tokens")


@BOTH
def test_a_failure(claude: Any, connected: ScriptedServer, is_streamed: bool) -> None:
    connected.play(status=401, content_type="application/json")
    with pytest.raises(anthropic.AuthenticationError):
        ask(claude, is_streamed)
    connected.play(chunk("so far"), end="reset")
    with pytest.raises(anthropic.APIStatusError, match=r"broke|lost|closed|connection"):
        ask(claude, is_streamed)


def test_leaving_closes_the_connection(claude: Any, connected: ScriptedServer) -> None:
    connected.play(chunk("first"), end="hang")
    events = claude.messages.create(model="m", max_tokens=9, messages=HI, stream=True)
    assert next(event for event in events if event.type == "content_block_delta")
    events.close()
    assert connected.last.finished.wait(5)


def test_the_key(connected: ScriptedServer) -> None:
    connected.play(*answer("Hi"))
    with serving(app(Options(model="m"), api_key="the key")) as address:
        assert text_of(ask(connect(address, "the key"), is_streamed=True)) == "Hi"
        with pytest.raises(anthropic.AuthenticationError):
            ask(connect(address, "the keyx"), is_streamed=True)


def test_our_own_client(address: str) -> None:
    chat = Conversation(Options(model="offline/echo", base_url=address, api="messages"))
    response = chat.ask("hi")
    assert (response.text, response.finish_reason) == ("hi", "stop")
    assert response.usage is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": 5}, {"messages": []}, {"messages": [5]}, {"messages": [{"role": "user"}]},
     {"messages": HI, "max_tokens": "x"}, {"messages": HI, "tools": [5]},
     {"messages": HI, "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
     {"messages": HI, "system": 5}, {"messages": HI, "tool_choice": "auto"},
     {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
     {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]}],
    ids=str,
)  # fmt: skip
def test_bad_requests(address: str, body: dict[str, Any]) -> None:
    reply = httpx2.post(f"{address}/messages", json={"model": "m", **body})
    assert reply.status_code == 400
    error = reply.json()
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert error["error"]["message"]
