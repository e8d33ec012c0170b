"""Every way to leave an asynchronous reading early: no warning, and the connection is closed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterable, Callable, Coroutine
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from cellmage import Comparison, Conversation
from cellmage.testing import ScriptedServer, chunk
from tests.repetitions import sample

VIEWS: dict[str, Callable[[], AsyncIterable[Any]]] = {
    "text": lambda: Conversation().astream("hi"),
    "buffered": lambda: Conversation().astream("hi").buffered(chars=1, seconds=0.2),
    "json": lambda: Conversation().astream("hi").partial_json(),
    "compare": lambda: Comparison([Conversation().stream(text) for text in "ab"]),
}
kept: list[object] = []


async def leave(view: AsyncIterable[Any]) -> None:
    async for _ in view:
        break


async def fail(view: AsyncIterable[Any]) -> None:
    async for _ in view:
        raise KeyError


async def expire(view: AsyncIterable[Any]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            async for _ in view:
                pass


async def forget(view: AsyncIterable[Any]) -> None:
    await anext(aiter(view))
    gc.collect()
    await asyncio.sleep(0.05)


async def keep(view: AsyncIterable[Any]) -> None:
    iterator = aiter(view)
    await anext(iterator)
    kept.append(iterator)


def close_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine as programs do that end their loop without `shutdown_asyncgens`."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(work)
    loop.close()


def _name(value: Any) -> str:
    return value if isinstance(value, str) else "-".join(part.__name__ for part in value)


WAYS = [(asyncio.run, way) for way in (leave, fail, expire, forget, keep)] + [(close_loop, keep)]


@pytest.mark.parametrize(("view", "way"), sample([*product(VIEWS, WAYS)], 5), ids=_name)
@pytest.mark.filterwarnings("ignore:unclosed transport")  # of a loop that cannot run any more
def test_nothing_is_printed(
    view: str,
    way: tuple[Callable[..., None], Callable[..., Coroutine[Any, Any, None]]],
    connected: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    run, read = way
    gc.collect()  # what earlier tests have left is not of interest
    caplog.clear()
    recwarn.clear()
    for _ in range(2):
        connected.play(chunk("[1"), chunk(", 2"), end="hang")
    with suppress(KeyError):
        run(read(VIEWS[view]()))
    if run is asyncio.run:
        assert all(exchange.finished.wait(5) for exchange in connected.exchanges)
    kept.clear()
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    assert [str(w.message) for w in recwarn if "unclosed transport" not in str(w.message)] == []
