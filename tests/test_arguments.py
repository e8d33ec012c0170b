"""Values that users give by mistake: one line that names the argument, and nothing is sent."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import (
    CellmageError,
    Comparison,
    Complete,
    Conversation,
    Endpoint,
    Options,
    Provider,
    Response,
    Retriever,
    Start,
    Token,
    Tool,
    Turn,
    UsageError,
    register_provider,
    show,
)
from cellmage.arguments import TEXTS, check
from cellmage.testing import ScriptedProvider
from tests.repetitions import repeat


class Counting:
    """A provider that counts its requests."""

    name = "counting"

    def __init__(self) -> None:
        self.count = 0

    async def stream(self, request: Any) -> Any:
        self.count += 1
        yield Start("m", self.name)
        yield Token("THE SUN AND THE MOON")
        yield Complete("stop")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"stop_at": "SUN"}, "THE SUN"),
        ({"stop_at": ["MOON", "SUN"]}, "THE SUN"),
        ({"stop_at": {"SUN"}}, "THE SUN"),
        ({"watch": "MOON"}, "THE SUN AND THE MOON"),
    ],
)
def test_a_text_is_one_item(fields: Any, text: str) -> None:
    response = Conversation(provider=Counting()).ask("Go", **fields)
    assert response.text == text
    assert [notice for notice in response.notices if "first seen" in notice] == (
        ["first seen: MOON, at character 20"] if "watch" in fields else []
    )


def test_one_fallback_is_one_model() -> None:
    assert Options(fallback="llama").fallback == ("llama",)  # type: ignore[arg-type]


WRONG = st.one_of(
    st.integers(-5, 0), st.floats(), st.binary(max_size=3), st.booleans(), st.just(object()),
    st.just(len), st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2),
    st.integers(), max_size=2), st.just(Fraction(1, 3)), st.just(""), st.just([""]),
    st.just(complex(1)), st.just(Options()), st.just([None]),
)  # fmt: skip
NAMES = ["model", "fallback", "temperature", "max_tokens", "stream", "system", "base_url",
         "connect_timeout", "first_byte_timeout", "timeout", "idle_timeout", "stop_at", "watch",
         "max_context_turns", "max_context_tokens", "extra_body"]  # fmt: skip


@repeat(300)
@given(st.sampled_from(NAMES), WRONG)
def test_any_value_of_an_option_is_used_or_refused(name: str, value: Any) -> None:
    try:
        options = Options(**{name: value})
    except UsageError as error:
        message = str(error)
    else:
        message = f"{name}: it must be"
        assert hash(options) == hash(Options(**{name: value}))
        assert pickle.loads(pickle.dumps(options)) == options
    assert name in message
    assert "\n" not in message
    assert "it must be" in message or "cannot be set" in message


@pytest.mark.parametrize("value", [1.5, True, "3", float("nan"), 0, -1, [1]])
def test_a_number_of_tokens_is_a_whole_number(value: Any) -> None:
    with pytest.raises(UsageError, match=r"max_tokens is .*a whole number from 1 up"):
        Options(max_tokens=value)


class Bad:
    """A value without a hash, whose methods fail."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Any:
        raise RuntimeError("iter")


ODD = st.one_of(WRONG, st.sampled_from([
    None, Bad(), [Bad()], 10**400, 10**5000, "a\nb", "\ud800", "a\x00b", range(3), [[1, [2]]], int,
    {"a": object()}, {"a": b"x"}, {"a": float("nan")}, b"x", {1: 2}, lambda: 1, Turn(1, 2),  # type: ignore[arg-type]
]))  # fmt: skip


async def source(request: Any) -> Any:
    yield "x"


def cut_chat(provider: Counting) -> Conversation:
    cut = Turn("a", Response("b", incomplete_reason="length"))
    return Conversation(provider=provider, turns=[cut])


DOORS: dict[str, tuple[list[str], Callable[..., Any]]] = {
    "stream": (
        ["prompt", "options", "cell", "history", "commit", "tools", "approve", "retriever", *NAMES],
        lambda chat, **given: chat.stream(**{"prompt": "Go", **given}),
    ),
    "request": (
        ["prompt", "options", "cell", "history", "commit", "tools", *NAMES],
        lambda chat, **given: chat.request(**{"prompt": "Go", **given}),
    ),
    "compare": (
        ["prompt", "models", "select", "options"],
        lambda chat, **given: chat.compare(**{"prompt": "Go", "models": ["a", "b"], **given}),
    ),
    "continue_answer": (
        ["options", *NAMES],
        lambda chat, **given: cut_chat(chat.provider).continue_answer(**given),
    ),
    "Conversation": (
        ["options", "provider", "turns", "journal"],
        lambda chat, **given: Conversation(**given),
    ),
    "attributes": (
        ["options", "provider"],
        lambda chat, **given: (chat.__dict__.update(given), chat.request("Go")),
    ),
    "stop_at": (["stop_at"], lambda chat, stop_at: chat.stream("Go").stop_at(stop_at)),
    "watch": (["watch"], lambda chat, watch: chat.stream("Go").watch(watch)),
    "on_event": (["function"], lambda chat, **given: chat.stream("Go").on_event(**given)),
    "buffered": (
        ["chars", "until", "seconds"],
        lambda chat, **given: chat.stream("Go").buffered(**given),
    ),
    "batches": (["min_interval"], lambda chat, **given: chat.stream("Go").batches(**given)),
    "Comparison": (
        ["streams", "selected"],
        lambda chat, **given: Comparison(**{"streams": [chat.stream("Go")], **given}),
    ),
    "Retriever": (
        ["name", "search"],
        lambda chat, **given: Retriever(**{"name": "n", "search": len, **given}),
    ),
    "Endpoint": (
        ["base_url", "api_key_variable", "max_tokens_field", "supports_stream_usage",
         "requires_assistant_after_tool"],
        lambda chat, **given: Endpoint(**{"base_url": "http://localhost/v1", **given}),
    ),
    "register_provider": (
        ["source", "name"],
        lambda chat, **given: register_provider(**{"source": source, "name": "odd", **given}),
    ),
    "show": (["answer"], lambda chat, **given: show(**given)),
    "tool": (
        ["function", "name", "seconds"],
        lambda chat, **given: Tool(**{"function": source, "name": "odd", **given}),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("door", "name"), [(door, name) for door in DOORS for name in DOORS[door][0]]
)
@given(value=ODD)
@repeat(25)
def test_any_value_of_an_argument_is_used_or_refused(door: str, name: str, value: Any) -> None:
    provider = Counting()
    try:
        DOORS[door][1](Conversation(provider=provider), **{name: value})
    except CellmageError as error:
        message = str(error)
        # A text that cannot be used, such as an address, may be named as itself.
        assert name in message or isinstance(value, str | dict), message
        assert "\n" not in message
        assert " at 0x" not in message
    assert provider.count == 0


def test_names_of_models_may_have_commas_between_them() -> None:
    both = Conversation().compare("Hello", "offline/echo, offline/tour")
    assert [stream.request.options.model for stream in both.streams] == [
        "offline/echo",
        "offline/tour",
    ]


def test_a_repr_that_fails_is_no_traceback() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError("bad")

    with pytest.raises(UsageError, match="x is a value of type Bad; it must be a text or a list"):
        check("x", Bad(), TEXTS)


CLOSERS: list[Callable[[Any], Any]] = [list, lambda s: list(s.events), lambda s: list(s.buffered())]


@pytest.mark.parametrize("read", CLOSERS)
def test_a_stream_that_was_closed_before_reading_sends_nothing(read: Callable[[Any], Any]) -> None:
    provider = Counting()
    chat = Conversation(provider=provider)
    stream = chat.stream("Go")
    stream.close()
    assert read(stream) == []
    assert stream.response.incomplete_reason == "closed"
    assert (provider.count, chat.turns) == (0, ())


@pytest.mark.parametrize("is_async_close", [True, False])
def test_the_same_with_async_for(is_async_close: bool) -> None:
    provider = Counting()

    async def read() -> list[str]:
        stream = Conversation(provider=provider).astream("Go")
        if is_async_close:
            await stream.aclose()
        else:
            stream.close()
        return [text async for text in stream]

    assert asyncio.run(read()) == []
    assert provider.count == 0


def test_views_are_replayed() -> None:
    stream = Conversation(provider=ScriptedProvider(['{"a": [1, ', "2]}"])).stream("Go")
    values, pieces = stream.partial_json(), stream.buffered(chars=3)
    assert list(values) == list(values) == [{"a": [1]}, {"a": [1, 2]}]
    assert list(pieces) == list(pieces)
    assert values.result == {"a": [1, 2]}


def test_the_async_twin_of_ask() -> None:
    chat = Conversation(Options(model="offline/echo"))
    assert asyncio.run(chat.aask("Hello")).text == "Hello"
    assert len(chat.turns) == 1


def test_values_are_copied_and_checked() -> None:
    assert isinstance(Counting(), Provider)
    assert not isinstance(object(), Provider)
    chat = Conversation(turns=[Turn("a", Response("b"))])
    fork = copy.deepcopy(chat)
    assert fork.turns == chat.turns
    assert len({Options(extra_body={"a": [1]}), Options(extra_body={"a": [1]})}) == 1


def test_another_event_loop_is_refused_in_one_line() -> None:
    """A coroutine that no asyncio loop runs, as under trio."""
    stream = Conversation().astream("Hello", model="offline/echo")
    both = Conversation().compare("Hello", ["offline/echo", "offline/tour"])
    for events in (stream.events, both):
        with pytest.raises(UsageError, match="need asyncio here"):
            anext(aiter(events)).send(None)  # type: ignore[attr-defined]


def test_leaving_a_comparison_early_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    async def leave() -> None:
        both = Conversation().compare("Hello", ["offline/tour", "offline/echo"])
        async for _ in both:
            break
        await both.aclose()

    asyncio.run(leave())
    assert [str(warning.message) for warning in recwarn] == []
