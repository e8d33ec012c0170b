"""The background loop and the stream that synchronous code reads from it."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncGenerator

import pytest

from cellmage import UsageError
from cellmage.runtime.loop import SyncStream, background_loop
from tests.stream.scripts import ask


async def count_tasks() -> int:
    return len(asyncio.all_tasks())


def test_one_thread_for_all() -> None:
    for _ in range(3):
        list(ask(["a"])[1])
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("cellmage-loop") == 1
    assert asyncio.run_coroutine_threadsafe(count_tasks(), background_loop()).result(5) == 1


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
    del texts, cycle

    async def collect() -> float:
        started = time.monotonic()
        gc.collect()
        return time.monotonic() - started

    seconds = asyncio.run_coroutine_threadsafe(collect(), background_loop()).result(10)
    assert seconds < 1.5, "the loop would wait two seconds for itself"


def test_close_before_the_first_step() -> None:
    async def never() -> AsyncGenerator[int, None]:
        yield 1

    for _ in range(50):
        background_loop().call_soon_threadsafe(time.sleep, 0.01)  # so that the start has to wait
        with SyncStream(never()) as stream:
            assert next(stream.batches(min_interval=0.001)) == []
