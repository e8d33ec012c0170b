"""The background loop: one thread, synchronous streams, calls on the consumer's thread, fork."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncGenerator

import pytest

from cellmage import ResponseTimeoutError, UsageError
from cellmage.runtime.loop import background_loop
from cellmage.runtime.sync_stream import SyncStream, run_on_consumer
from tests.stream.scripts import ask


def running_tasks() -> int:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return asyncio.run_coroutine_threadsafe(count(), background_loop()).result(5)


def test_one_thread_for_all() -> None:
    tasks = running_tasks()  # other tests leave connections to tool servers, which stay open
    for _ in range(3):
        list(ask(["a"])[1])
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("cellmage-loop") == 1
    assert running_tasks() == tasks


def test_streams_in_threads() -> None:
    results: dict[int, str] = {}

    def read(n: int) -> None:
        results[n] = "".join(ask([str(n)] * 50)[1])

    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: str(n) * 50 for n in range(8)}


def test_a_slow_consumer_holds_the_producer_back() -> None:
    produced = 0

    async def many() -> AsyncGenerator[int, None]:
        nonlocal produced
        for produced in range(1_000_000):
            yield produced

    with SyncStream(many()) as stream:
        next(iter(stream.batches()))
        time.sleep(0.3)
        assert produced < 100_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    list(ask(["a"])[1])
    child = os.fork()
    if not child:
        os._exit(0 if list(ask(["b"])[1]) == ["b"] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_works_inside_a_running_loop() -> None:
    """As in a notebook, where a plain 'for' runs on a thread that has a loop."""

    async def cell() -> list[str]:
        return list(ask(["a", "b"])[1])

    assert asyncio.run(cell()) == ["a", "b"]


def test_reading_on_the_background_loop_is_refused() -> None:
    _, stream = ask(["a"])

    async def wrong() -> list[str]:
        return list(stream)

    future = asyncio.run_coroutine_threadsafe(wrong(), background_loop())
    with pytest.raises(UsageError, match="async for"):
        future.result(5)


def test_the_garbage_collector_on_the_loop_does_not_wait() -> None:
    _, stream = ask(["a", 60.0])
    texts = iter(stream)
    next(texts)
    cycle: list[object] = [texts]
    cycle.append(cycle)
    gc.collect()
    gc.freeze()  # so that the collection below has nothing else to look at
    del texts, cycle

    async def collect() -> float:
        started = time.monotonic()
        gc.collect()
        return time.monotonic() - started

    seconds = asyncio.run_coroutine_threadsafe(collect(), background_loop()).result(10)
    gc.unfreeze()
    assert seconds < 1.5, "the loop would wait two seconds for itself"


def test_close_before_the_first_step() -> None:
    async def never() -> AsyncGenerator[int, None]:
        yield 1

    for _ in range(50):
        gate = threading.Event()
        background_loop().call_soon_threadsafe(gate.wait, 10)  # so that the start has to wait
        with SyncStream(never()) as stream:
            assert next(stream.batches(min_interval=0.001)) == []
            stream.cancel()
            gate.set()
        assert stream.is_done


def test_the_error_of_the_generator_is_raised_after_its_items() -> None:
    async def fail() -> AsyncGenerator[int, None]:
        yield 1
        raise ZeroDivisionError

    items: list[int] = []

    def read() -> None:
        with SyncStream(fail()) as stream:
            for batch in stream.batches():
                items.extend(batch)

    with pytest.raises(ZeroDivisionError):
        read()
    assert items == [1]


def test_a_call_runs_after_the_items_before_it() -> None:
    order: list[str] = []

    def call() -> str:
        order.append("call")
        return threading.current_thread().name

    async def call_between() -> AsyncGenerator[str, None]:
        yield "before"
        yield await run_on_consumer(call)

    with SyncStream(call_between()) as stream:
        for batch in stream.batches():
            order += batch
    assert order == ["before", "call", threading.current_thread().name]


def test_a_call_that_takes_too_long_is_interrupted_and_the_stream_goes_on() -> None:
    async def call_slowly() -> AsyncGenerator[str, None]:
        with pytest.raises(TimeoutError):
            await run_on_consumer(lambda: time.sleep(60), seconds=0.05)
        yield "after"

    started = time.monotonic()
    with SyncStream(call_slowly()) as stream:
        assert [item for batch in stream.batches() for item in batch] == ["after"]
    assert time.monotonic() - started < 5


class TestBlockedLoop:
    def test_the_reader_is_told_and_the_next_one_has_another_loop(self) -> None:
        release = threading.Event()

        async def block() -> AsyncGenerator[int, None]:
            release.wait(60)  # without 'await': nothing else runs on the loop
            yield 1

        def read() -> None:
            with SyncStream(block(), patience=0.3) as stream:
                list(stream.batches())

        try:
            with pytest.raises(ResponseTimeoutError, match="without 'await'"):
                read()
            assert list(ask(["b"])[1]) == ["b"]
        finally:
            release.set()

    def test_a_reader_that_leaves_gives_the_next_one_another_loop(self) -> None:
        release = threading.Event()

        async def block() -> AsyncGenerator[int, None]:
            release.wait(60)
            yield 1

        try:
            with SyncStream(block()) as stream:
                next(iter(stream.batches()))
            assert list(ask(["b"])[1]) == ["b"]
        finally:
            release.set()
