"""Every way to stop reading early: the connection is closed, and the text so far is kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from cellmage import Conversation, UsageError
from cellmage.testing import ScriptedServer, chunk
from tests.stream.scripts import ask, gather


def test_leave_a_for_loop(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), chunk("b"), end="hang")
    chat = Conversation()
    for text in chat.stream("hi"):
        assert text == "a"
        break
    assert connected.last.finished.wait(20), "the connection is closed"
    assert chat.turns[0].response.incomplete_reason == "closed"
    assert chat.turns[0].response.text in ("a", "ab"), "the text that arrived is kept"


def test_leave_an_async_for_loop(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), end="hang")
    chat = Conversation()

    async def read_one() -> None:
        async for _ in chat.astream("hi"):
            break
        for _ in range(200):
            if connected.last.finished.is_set():
                return
            await asyncio.sleep(0.01)

    asyncio.run(read_one())
    assert connected.last.finished.wait(20)
    assert chat.turns[0].state == "partial"


def test_cancel_the_task_that_reads(connected: ScriptedServer) -> None:
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
    assert connected.last.finished.wait(20)


@pytest.mark.parametrize("ending", ["with", "close"])
def test_with_and_close(connected: ScriptedServer, ending: str) -> None:
    connected.play(chunk("a"), end="hang")
    stream = Conversation().stream("hi")
    texts = iter(stream)
    if ending == "with":
        with stream:
            next(texts)
    else:
        next(texts)
        stream.close()
    assert connected.last.finished.wait(20)
    assert stream.response.incomplete_reason == "closed"
    assert list(texts) == []


def test_close_in_the_loop() -> None:
    _, stream = ask(["a", "b", 60.0, "c"])
    texts = []
    for text in stream:
        texts.append(text)
        stream.close()
    assert texts == ["a"]
    assert stream.response.incomplete_reason == "closed"


def test_close_from_another_thread(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), end="hang")
    stream = Conversation().stream("hi")
    texts = iter(stream)
    next(texts)
    threading.Timer(0.1, stream.close).start()
    assert list(texts) == []
    assert stream.response.incomplete_reason == "closed"
    assert connected.last.finished.wait(20)


def test_close_from_another_task(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), end="hang")
    stream = Conversation().stream("hi")

    async def main() -> list[str]:
        asyncio.get_running_loop().call_later(0.5, stream.close)
        return await gather(stream)

    assert asyncio.run(main()) == ["a"]
    assert stream.response.incomplete_reason == "closed"
    assert connected.last.finished.wait(20)


def test_async_with_finalizes_at_once() -> None:
    chat, stream = ask(["a", "b"])

    async def main() -> int:
        async with stream:
            async for _ in stream:
                break
        return len(chat.turns)

    assert asyncio.run(main()) == 1
    assert list(stream) == ["a"], "a second iteration replays what was read"


def test_a_refused_second_consumer_does_not_hide_the_first(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), end="hang")
    stream = Conversation().stream("hi")
    texts = iter(stream)
    next(texts)
    with pytest.raises(UsageError):
        list(stream)
    stream.close()
    assert connected.last.finished.wait(20)


def test_an_event_loop_that_ends_while_a_stream_is_read(capfd: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        texts = aiter(ask(["a", 5.0])[1])
        await anext(texts)
        references.append(texts)

    references: list[object] = []
    asyncio.run(main())
    assert "RuntimeError" not in capfd.readouterr().err


def test_a_program_that_ends_while_a_stream_is_read() -> None:
    code = (
        "from cellmage import Conversation\n"
        "texts = iter(Conversation().stream('hi', model='offline/tour'))\n"
        "next(texts)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""


def test_an_exception_in_the_body_of_the_loop(connected: ScriptedServer) -> None:
    connected.play(chunk("a"), end="hang")

    def read() -> None:
        for _ in Conversation().stream("hi"):
            raise KeyError

    with pytest.raises(KeyError):
        read()
    assert connected.last.finished.wait(20)
