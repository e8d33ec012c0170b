"""ResponseStream and the engine: both faces, leaving, replaying, failing, limits."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

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
    ResponseTimeoutError,
    Start,
    Token,
    UsageError,
)
from cellmage.providers.scripted import ScriptedProvider
from cellmage.runtime.loop import Flow, _engine
from cellmage.testing import ScriptedServer, chunk

Steps = list[str | float | Event | Exception]


def ask(steps: Steps, **fields: float) -> tuple[Conversation, ResponseStream]:
    chat = Conversation(provider=ScriptedProvider(steps))
    return chat, chat.stream("hi", **fields)


async def gather(stream: ResponseStream) -> list[str]:
    return [text async for text in stream]


def read_async(stream: ResponseStream) -> list[str]:
    return asyncio.run(gather(stream))


FACES: list[Callable[[ResponseStream], list[str]]] = [list, read_async]


@pytest.mark.parametrize("read", FACES)
@given(texts=st.lists(st.text(min_size=1)))
def test_order_and_reconstruction(
    read: Callable[[ResponseStream], list[str]], texts: list[str]
) -> None:
    chat, stream = ask([*texts])
    assert read(stream) == texts
    assert stream.response.text == "".join(texts)
    assert [turn.response.text for turn in chat.turns] == ["".join(texts)] * bool("".join(texts))


@pytest.mark.parametrize("read", FACES)
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
    start, *rest = list(stream.events)
    assert start == Start("", "scripted")
    assert rest == [
        Reasoning("hm"), Token("a"), Notice("x", "note"), Token("b"), Complete("stop")
    ]  # fmt: skip
    assert [event.type for event in rest] == ["reasoning", "token", "notice", "token", "complete"]
    response = stream.response
    assert (response.reasoning, response.notices) == ("hm", ("note",))
    assert response.finish_reason == "stop"
    assert response.timings is not None
    assert 0 <= (response.timings.time_to_first_token or 0) <= response.timings.duration

    async def collect() -> list[Event]:
        chat = Conversation(provider=ScriptedProvider(steps))
        return [event async for event in chat.astream_events("hi")]

    assert asyncio.run(collect()) == [start, *rest]


class TestLeaving:
    def test_for(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), chunk("b"), end="hang")
        chat = Conversation()
        for text in chat.stream("hi"):
            assert text == "a"
            break
        assert connected.last.finished.wait(2), "the connection is closed"
        assert chat.turns[0].response.incomplete_reason == "closed"
        assert chat.turns[0].response.text in ("a", "ab"), "what had come is kept"

    def test_async_for(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), end="hang")
        chat = Conversation()

        async def leave() -> None:
            async for _ in chat.astream("hi"):
                break
            for _ in range(200):
                if connected.last.finished.is_set():
                    return
                await asyncio.sleep(0.01)

        asyncio.run(leave())
        assert connected.last.finished.wait(2)
        assert chat.turns[0].state == "partial"

    def test_cancelled_task(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), end="hang")
        chat = Conversation()

        async def main() -> None:
            task = asyncio.create_task(gather(chat.astream("hi")))
            while not connected.exchanges:  # noqa: ASYNC110 - the server is a thread
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert connected.last.finished.wait(2)

    @pytest.mark.parametrize("how", ["with", "close"])
    def test_with_and_close(self, connected: ScriptedServer, how: str) -> None:
        connected.play(chunk("a"), end="hang")
        stream = Conversation().stream("hi")
        texts = iter(stream)
        if how == "with":
            with stream:
                next(texts)
        else:
            next(texts)
            stream.close()
        assert connected.last.finished.wait(2)
        assert stream.response.incomplete_reason == "closed"
        assert list(texts) == []

    def test_close_in_the_loop(self) -> None:
        _, stream = ask(["a", "b", 60.0, "c"])
        got = []
        for text in stream:
            got.append(text)
            stream.close()
        assert got == ["a"]
        assert stream.response.incomplete_reason == "closed"

    def test_close_from_another_thread(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), end="hang")
        stream = Conversation().stream("hi")
        texts = iter(stream)
        next(texts)
        threading.Timer(0.1, stream.close).start()
        assert list(texts) == []
        assert stream.response.incomplete_reason == "closed"
        assert connected.last.finished.wait(2)

    def test_close_from_another_task(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), end="hang")
        stream = Conversation().stream("hi")

        async def main() -> list[str]:
            asyncio.get_running_loop().call_later(0.5, stream.close)
            return await gather(stream)

        assert asyncio.run(main()) == ["a"]
        assert stream.response.incomplete_reason == "closed"
        assert connected.last.finished.wait(2)

    def test_async_with_settles_at_once(self) -> None:
        chat, stream = ask(["a", "b"])

        async def main() -> int:
            async with stream:
                async for _ in stream:
                    break
            return len(chat.turns)

        assert asyncio.run(main()) == 1
        assert list(stream) == ["a"], "what was left early ends where it was left"

    def test_a_refused_second_reader_does_not_hide_the_first(
        self, connected: ScriptedServer
    ) -> None:
        connected.play(chunk("a"), end="hang")
        stream = Conversation().stream("hi")
        texts = iter(stream)
        next(texts)
        with pytest.raises(UsageError):
            list(stream)
        stream.close()
        assert connected.last.finished.wait(2)

    def test_a_loop_that_ends_under_a_reader(self, capfd: pytest.CaptureFixture[str]) -> None:
        async def main() -> None:
            reader = aiter(ask(["a", 5.0])[1])
            await anext(reader)
            kept.append(reader)

        kept: list[object] = []
        asyncio.run(main())
        assert "RuntimeError" not in capfd.readouterr().err

    def test_a_program_that_ends_under_a_reader(self) -> None:
        code = (
            "from cellmage import Conversation\n"
            "texts = iter(Conversation().stream('hi', model='offline/tour'))\n"
            "next(texts)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""

    def test_the_garbage_collector_on_the_engine_does_not_wait(self) -> None:
        _, stream = ask(["a", 60.0])
        reader = iter(stream)
        next(reader)
        cycle: list[object] = [reader]
        cycle.append(cycle)
        del reader, cycle

        async def collect() -> float:
            began = time.monotonic()
            gc.collect()
            return time.monotonic() - began

        took = asyncio.run_coroutine_threadsafe(collect(), _engine.loop()).result(10)
        assert took < 1.5, "two seconds are how long the engine would wait for itself"

    def test_an_exception_in_the_loop(self, connected: ScriptedServer) -> None:
        connected.play(chunk("a"), end="hang")

        def read() -> None:
            for _ in Conversation().stream("hi"):
                raise KeyError

        with pytest.raises(KeyError):
            read()
        assert connected.last.finished.wait(2)

    def test_close_before_the_first_step(self) -> None:
        async def never() -> AsyncGenerator[int, None]:
            yield 1

        for _ in range(50):
            with Flow(never()) as flow:
                flow._begin()


class TestFailing:
    @pytest.mark.parametrize("read", FACES)
    def test_at_the_for_with_the_text_so_far(
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

    def test_foreign_exceptions_come_through(self) -> None:
        _, stream = ask(["a", ZeroDivisionError()])
        with pytest.raises(ZeroDivisionError):
            list(stream)
        assert stream.response.incomplete_reason == "error"

    def test_two_readers_at_once(self) -> None:
        _, stream = ask(["a", "b"])
        reader = iter(stream)
        next(reader)
        with pytest.raises(UsageError, match="already"):
            next(iter(stream))
        assert list(reader) == ["b"]

    def test_reading_on_the_engine_is_refused(self) -> None:
        _, stream = ask(["a"])

        async def wrong() -> list[str]:
            return list(stream)

        future = asyncio.run_coroutine_threadsafe(wrong(), _engine.loop())
        with pytest.raises(UsageError, match="async for"):
            future.result(5)


class TestClocks:
    @pytest.mark.parametrize("read", FACES)
    def test_first_word(self, read: Callable[[ResponseStream], list[str]]) -> None:
        _, stream = ask([Notice("x", "not a word"), 5.0, "a"], timeout=0.05)
        with pytest.raises(ResponseTimeoutError, match=r"no text arrived within 0.05 s; `timeout`"):
            read(stream)

    def test_idle(self) -> None:
        _, stream = ask(["a", 5.0, "b"], idle_timeout=0.05)
        with pytest.raises(
            ResponseTimeoutError, match=r"no further text arrived within 0.05 s; `idle_timeout`"
        ):
            list(stream)
        assert stream.response.text == "a"

    def test_reasoning_counts_as_words(self) -> None:
        _, stream = ask([Reasoning("hm"), 0.1, "a"], timeout=0.05, idle_timeout=5.0)
        assert list(stream) == ["a"]

    def test_the_time_a_slow_reader_takes_does_not_count(self) -> None:
        _, stream = ask(["a", 0.01, "b", 0.01, "c"], idle_timeout=0.2)
        texts = []
        for text in stream:
            time.sleep(0.3)
            texts.append(text)
        assert texts == ["a", "b", "c"]


class TestEngine:
    def test_one_thread_for_all(self) -> None:
        for _ in range(3):
            list(ask(["a"])[1])
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("cellmage-engine") == 1
        assert asyncio.run_coroutine_threadsafe(tasks(), _engine.loop()).result(5) == 1

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

        with Flow(many()) as flow:
            next(iter(flow.batches()))
            time.sleep(0.3)
            assert made < 100_000

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_has_an_engine_of_its_own(self) -> None:
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
