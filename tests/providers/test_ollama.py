"""Ollama's own API: any cut of the bytes, whole answers, errors, and the payload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, Message, Options, ProviderError, ProviderState, ToolInvocation
from cellmage.errors import CellmageError, IncompleteResponseError, ProtocolError
from cellmage.events import Complete, Event, Reasoning, Status, Token, ToolCall
from cellmage.messages import Request, Usage
from cellmage.providers.endpoints import Endpoint
from cellmage.providers.ollama_api.decoder import OllamaDecoder
from cellmage.providers.ollama_api.payload import encode_ollama
from cellmage.testing import Exchange, Reply, ScriptedServer, chunk
from tests.attachments import ADDRESS, IMAGE, PDF
from tests.providers.ollama_streams import Item, call, decode, last, lines, piece
from tests.test_sse import cut

ENDPOINT = Endpoint("http://localhost:11434/v1")


END = Complete("stop", Usage(9, 5))
STREAM = [piece(thinking="Hm."), piece("Hel"), piece("lo"), last()]
WHOLE = {**last(), "message": {"role": "assistant", "content": "Hello", "thinking": "Hm."}}
HELLO = [Reasoning("Hm."), Token("Hel"), Token("lo"), END]
CASES: dict[str, tuple[bytes, list[Event]]] = {
    "a stream": (lines(*STREAM), HELLO),
    "no line end": (lines(*STREAM).rstrip(), HELLO),
    "blank lines": (lines(*STREAM).replace(b"\n", b"\r\n\r\n"), HELLO),
    "what follows the end": (lines(*STREAM, *STREAM) + b"{broken\n", HELLO),
    "whole": (json.dumps(WHOLE).encode(), [Reasoning("Hm."), Token("Hello"), END]),
    "whole, on several lines": (
        json.dumps(WHOLE, indent=2).encode() + b"\n",
        [Reasoning("Hm."), Token("Hello"), END],
    ),
    "the limit": (lines(piece("Hi"), last("length")), [Token("Hi"), Complete("length", END.usage)]),
    "think tags": (
        lines(piece("<thi"), piece("nk>Hm.</think>"), piece("Hi"), last()),
        [Reasoning("Hm."), Token("Hi"), END],
    ),
    "calls": (
        lines(piece(thinking="Hm."), call("add", {"x": 1}), call("add", {"x": 2}), last()),
        [
            *(Reasoning("Hm."), Status("Preparing add…"), Status("Preparing add…")),
            ProviderState("ollama", '{"thinking": "Hm."}'),
            *(ToolCall("", "add", '{"x": 1}'), ToolCall("", "add", '{"x": 2}'), END),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_pair_of_pieces(name: str) -> None:
    data, events = CASES[name]
    for size in range(len(data) + 1):
        assert decode([data[:size], data[size:]]) == events


def test_a_stream_is_not_awaited() -> None:
    decoder = OllamaDecoder()
    assert list(decoder.feed(lines(piece("Hel")) + b'{"mess')) == [Token("Hel")]
    assert (decoder.done, decoder.finish_reason) == (False, None)


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
PIECES = st.one_of(
    TEXTS.map(piece),
    TEXTS.map(lambda text: piece(thinking=text)),
    st.builds(call, st.sampled_from(["add", "find"]), st.dictionaries(TEXTS, TEXTS, max_size=2)),
)


@given(st.lists(PIECES, max_size=6), st.lists(st.integers(0, 9999), max_size=20), st.booleans())
def test_any_cut_gives_the_same_events(items: list[Item], offsets: list[int], plain: bool) -> None:
    data = lines(*items, last(), ascii_only=plain)
    assert decode(cut(data, offsets)) == decode([data])


@given(st.lists(PIECES, max_size=3), st.data())
def test_a_truncated_stream_gives_no_calls(items: list[Item], data: st.DataObject) -> None:
    body = lines(piece("Hi"), *items, call("add", {"x": 1}), last())
    end = data.draw(st.integers(0, len(body) - len(lines(last()))))
    decoder = OllamaDecoder(has_tools=True)
    events = list(decoder.feed(body[:end]))
    with pytest.raises(CellmageError):
        events.extend(decoder.close())
    assert not [event for event in events if isinstance(event, ToolCall | Complete)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
FIELDS = ("content", "thinking", "tool_calls", "role")
ODD = st.fixed_dictionaries(
    {}, optional={"message": JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)),
                  "done": JSON, "done_reason": JSON, "eval_count": JSON, "error": JSON},
)  # fmt: skip


@given(st.lists(ODD, max_size=4))
def test_objects_of_any_shape_raise_nothing_but_our_errors(objects: list[Item]) -> None:
    try:
        events = decode([lines(*objects)])
    except CellmageError:
        return
    assert all(isinstance(event.text, str) for event in events if isinstance(event, Token))


FAILURES: dict[str, tuple[bytes, type[CellmageError], str, str]] = {
    "an error in the stream": (
        lines(piece("Hi"), {"error": "model runner has unexpectedly stopped"}),
        *(ProviderError, "provider_error", "unexpectedly stopped"),
    ),
    "no end": (
        lines(piece("Hi"), piece("Ho")) + b'{"mes',
        *(IncompleteResponseError, "truncated_no_finish", "without a finish reason"),
    ),
    "a broken line": (
        lines(piece("Hi")) + b"{broken}\n" + lines(last()),
        *(ProtocolError, "protocol", "not JSON"),
    ),
    "nothing": (b"", ProtocolError, "empty_response", "it is empty"),
    "a page": (b"<html>Hello</html>", ProtocolError, "not_a_stream", "no answer"),
    "chat completions": (chunk("Hi"), ProtocolError, "not_a_stream", "not Ollama"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    data, failure, kind, sentence = FAILURES[name]
    for size in (len(data), 1, 7):
        with pytest.raises(failure, match=sentence) as info:
            decode([data[start : start + size] for start in range(0, len(data), size or 1)])
        assert info.value.kind == kind


def encoded(*messages: Message, **options: Any) -> Item:
    return encode_ollama(Request(messages, Options(model="m", **options)), ENDPOINT)


SCHEMA = {"type": "object"}
FORM = {"type": "json_schema", "json_schema": {"name": "Any", "schema": SCHEMA}}


def test_the_options() -> None:
    extra = {"response_format": FORM, "seed": 1, "options": {"num_ctx": 512}, "keep_alive": -1}
    payload = encoded(Message("user", "Hi"), temperature=0, max_tokens=9, extra_body=extra)
    assert payload == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "format": SCHEMA,
        "options": {"temperature": 0, "num_predict": 9, "num_ctx": 512, "seed": 1},
        "keep_alive": -1,
    }
    assert encoded(Message("user", "Hi"), effort="none")["think"] is False
    assert encoded(Message("user", "Hi"), effort="max")["think"] == "high"
    json_object = {"response_format": {"type": "json_object"}}
    assert encoded(Message("user", "Hi"), extra_body=json_object)["format"] == "json"


def test_tools_and_images() -> None:
    calls = (ToolInvocation("a", "add", '{"x": 1}', "2"),)
    state = (ProviderState("ollama", '{"thinking": "Hm."}'), ProviderState("chat", '{"x": 1}'))
    _, answer, result = encoded(
        Message("user", ("What?", IMAGE)),
        Message("assistant", "", calls, state=state),
        Message("tool", "2", tool_call_id="a"),
    )["messages"]
    function = {"name": "add", "arguments": {"x": 1}}
    assert answer["tool_calls"] == [{"id": "a", "function": function}]
    assert answer["thinking"] == "Hm."
    assert (result["tool_name"], result["content"]) == ("add", "2")


@pytest.mark.parametrize("part", [PDF, ADDRESS])
def test_what_it_cannot_read(part: Any) -> None:
    with pytest.raises(ProviderError, match="nothing was sent"):
        encoded(Message("user", ("What?", part)))


@pytest.mark.parametrize("part", [PDF, ADDRESS])
def test_what_it_cannot_read_in_an_earlier_turn(part: Any) -> None:
    """A conversation can move to it."""
    first, _, last = encoded(
        Message("user", ("What?", part, IMAGE)), Message("assistant", "A"), Message("user", "Why?")
    )["messages"]
    assert len(first["images"]) == 1
    assert "report.pdf" in first["content"] or "example.org" in first["content"]
    assert last["content"] == "Why?"


@given(st.integers(0, 200_000))
def test_the_window_holds_the_conversation(size: int) -> None:
    window = encoded(Message("user", "a " * size))["options"].get("num_ctx", 2048)
    assert size // 2 < window
    assert window & (window - 1) == 0


def test_over_http(server: ScriptedServer) -> None:
    """The base URL may have the version of the other API, or that of its own, or none."""
    server.play(lines(*STREAM), content_type="application/x-ndjson")
    root = server.url.removesuffix("/v1")
    for base_url in (server.url, f"{root}/api", root):
        response = Conversation(Options(model="m", base_url=base_url, api="ollama")).ask("Hi")
        assert (response.text, response.reasoning, response.usage) == ("Hello", "Hm.", Usage(9, 5))
        assert server.last.path == "/api/chat"


def test_a_model_that_does_not_think(server: ScriptedServer) -> None:
    def reply(exchange: Exchange) -> Reply:
        if "think" in exchange.body:
            body = b'{"error": "\\"plain\\" does not support thinking"}'
            return Reply([body], 400, content_type="application/json")
        return Reply([lines(*STREAM)])

    server.play_with(reply)
    chat = Conversation(Options(model="plain", base_url=server.url, api="ollama"))
    response = chat.ask("Hi", effort="high")
    assert response.notices == ("plain refuses think; it was asked without.",)
