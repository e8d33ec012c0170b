"""ResponseStream: order, replay, errors, and the loop that it is read from."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable

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
from cellmage.runtime.loop import SyncStream, background_loop
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
        assert stream.response.incomplete_reason == "error"

    def test_a_second_consumer_is_refused(self) -> None:
        _, stream = ask(["a", "b"])
        texts = iter(stream)
        next(texts)
        with pytest.raises(UsageError, match="already"):
            next(iter(stream))
        assert list(texts) == ["b"]

    def test_reading_on_the_background_loop_is_refused(self) -> None:
        _, stream = ask(["a"])

        async def wrong() -> list[str]:
            return list(stream)

        future = asyncio.run_coroutine_threadsafe(wrong(), background_loop())
        with pytest.raises(UsageError, match="async for"):
            future.result(5)


class TestEngine:
    def test_one_thread_for_all(self) -> None:
        for _ in range(3):
            list(ask(["a"])[1])
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("cellmage-engine") == 1
        assert asyncio.run_coroutine_threadsafe(tasks(), background_loop()).result(5) == 1

    def test_streams_in_threads(self) -> None:
        results: dict[int, str] = {}

        def read(n: int) -> None:
            results[n] = "".join(ask([str(n)] * 50)[1])

        threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {n: str(n) * 50 for n in range(8)}

    def test_a_slow_reader_holds_the_producer_back(self) -> None:
        made = 0

        async def many() -> AsyncGenerator[int, None]:
            nonlocal made
            for made in range(1_000_000):
                yield made

        with SyncStream(many()) as flow:
            next(iter(flow.batches()))
            time.sleep(0.3)
            assert made < 100_000

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_has_a_loop_of_its_own(self) -> None:
        list(ask(["a"])[1])
        child = os.fork()
        if not child:
            os._exit(0 if list(ask(["b"])[1]) == ["b"] else 1)
        assert os.waitpid(child, 0)[1] == 0


async def tasks() -> int:
    return len(asyncio.all_tasks())


def test_works_inside_a_running_loop() -> None:
    """As in a notebook, where a plain 'for' runs on a thread that has a loop."""

    async def cell() -> list[str]:
        return list(ask(["a", "b"])[1])

    assert asyncio.run(cell()) == ["a", "b"]


def test_errors_are_one_line() -> None:
    error = CellmageError("what happened")
    assert error._render_traceback_() == ["CellmageError: what happened"]
    assert Options().extra_body == {}
