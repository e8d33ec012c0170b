"""ResponseStream: order, replay and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import (
    CellmageError,
    Complete,
    Conversation,
    Event,
    IncompleteResponseError,
    Notice,
    Options,
    Reasoning,
    ResponseStream,
    Start,
    Token,
    UsageError,
)
from cellmage.providers.scripted import ScriptedProvider
from tests.stream.scripts import READERS, Steps, ask, read_async


@pytest.mark.parametrize("read", READERS)
@given(texts=st.lists(st.text(min_size=1)))
def test_order_and_reconstruction(
    read: Callable[[ResponseStream], list[str]], texts: list[str]
) -> None:
    chat, stream = ask([*texts])
    assert read(stream) == texts
    assert stream.response.text == "".join(texts)
    assert [turn.response.text for turn in chat.turns] == ["".join(texts)] * bool("".join(texts))


@pytest.mark.parametrize("read", READERS)
def test_replay(read: Callable[[ResponseStream], list[str]]) -> None:
    chat, stream = ask(["a", "b"])
    assert [read(stream), list(stream), read_async(stream)] == [["a", "b"]] * 3
    assert len(chat.provider.requests) == 1  # type: ignore[union-attr]
    assert len(chat.turns) == 1


def test_nothing_is_sent_before_it_is_iterated() -> None:
    chat, stream = ask(["a"])
    assert stream.response.text == ""
    assert not chat.provider.requests  # type: ignore[union-attr]


def test_events_in_order() -> None:
    steps: Steps = [Reasoning("hm"), "a", Notice("x", "note"), "b", Complete("stop")]
    _, stream = ask(steps)
    start, *events = list(stream.events)
    assert start == Start("", "scripted")
    assert events == [
        Reasoning("hm"), Token("a"), Notice("x", "note"), Token("b"), Complete("stop")
    ]  # fmt: skip
    assert [event.type for event in events] == ["reasoning", "token", "notice", "token", "complete"]
    response = stream.response
    assert (response.reasoning, response.notices) == ("hm", ("note",))
    assert response.finish_reason == "stop"
    assert response.timings is not None
    assert 0 <= (response.timings.time_to_first_token or 0) <= response.timings.duration

    async def collect() -> list[Event]:
        chat = Conversation(provider=ScriptedProvider(steps))
        return [event async for event in chat.astream_events("hi")]

    assert asyncio.run(collect()) == [start, *events]


class TestErrors:
    @pytest.mark.parametrize("read", READERS)
    def test_raised_while_iterating_with_the_text_so_far(
        self, read: Callable[[ResponseStream], list[str]]
    ) -> None:
        chat, stream = ask(["a", "b", IncompleteResponseError("cut")])
        for _ in range(2):
            with pytest.raises(IncompleteResponseError) as caught:
                read(stream)
            assert caught.value.text == "ab"
        assert chat.turns[0].response.incomplete_reason == "connection_lost"
        assert caught.value.host == "scripted"

    def test_without_text_there_is_no_turn(self) -> None:
        chat, stream = ask([IncompleteResponseError("cut")])
        with pytest.raises(IncompleteResponseError):
            list(stream)
        assert chat.turns == ()

    def test_foreign_exceptions_are_not_wrapped(self) -> None:
        _, stream = ask(["a", ZeroDivisionError()])
        with pytest.raises(ZeroDivisionError):
            list(stream)
        assert stream.response.incomplete_reason == "provider_error"

    def test_a_second_consumer_is_refused(self) -> None:
        _, stream = ask(["a", "b"])
        texts = iter(stream)
        next(texts)
        with pytest.raises(UsageError, match="already"):
            next(iter(stream))
        assert list(texts) == ["b"]


def test_errors_are_one_line() -> None:
    error = CellmageError("what happened")
    assert error._render_traceback_() == ["CellmageError: what happened"]
    assert Options().extra_body == {}
