"""How and where tools run: threads, time limits, errors, interrupts, secrets."""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import threading
import time
from typing import Any

import pytest

from cellmage import Conversation, Options, ResponseStream, UsageError, tool
from cellmage.testing import ScriptedServer, answer
from tests.message_rules import violations
from tests.tool_scripts import drain, play_calls, read, results, thread_name


class TestThreads:
    def test_without_the_main_thread(self, chat: Conversation, server: ScriptedServer) -> None:
        """A tool has a thread of its own where the main thread does not read the answer."""
        play_calls(server, ("thread_name", "{}"))

        async def gather() -> ResponseStream:
            stream = chat.stream("Go", tools=[thread_name], approve="always")
            await drain(stream)
            return stream

        assert results(asyncio.run(gather())) != ["MainThread"]
        streams: list[ResponseStream] = []
        thread = threading.Thread(target=lambda: streams.append(read(chat, thread_name)))
        thread.start()
        thread.join(20)
        assert results(streams[0]) != ["MainThread"]

    def test_a_task_that_outlives_its_answer(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        """It streams after the answer that began it has ended."""
        tasks: list[asyncio.Task[ResponseStream]] = []
        other = Conversation(Options(model="m", base_url=server.url))

        async def later() -> ResponseStream:
            await asyncio.sleep(0.5)
            stream = other.stream("Late", tools=[thread_name], approve="always")
            await drain(stream)
            return stream

        async def begins() -> str:
            tasks.append(asyncio.create_task(later()))
            return "begun"

        play_calls(server, ("begins", "{}"))
        read(chat, begins)
        play_calls(server, ("thread_name", "{}"))
        deadline = time.monotonic() + 10
        while not tasks[0].done():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert results(tasks[0].result()) != ["MainThread"]


class TestTime:
    def test_a_call_that_takes_too_long(self, chat: Conversation, server: ScriptedServer) -> None:
        @tool(seconds=0.2)
        def sleepy() -> None:
            time.sleep(30)

        @tool(seconds=0.2)
        async def dreamy() -> None:
            await asyncio.sleep(30)

        play_calls(server, ("sleepy", "{}"), ("dreamy", "{}"))
        started_at = time.monotonic()
        texts = results(read(chat, sleepy, dreamy))
        assert all(text.startswith("error: no result within 0.2 s;") for text in texts)
        assert time.monotonic() - started_at < 10

    def test_closed_while_one_runs(self, chat: Conversation, server: ScriptedServer) -> None:
        stopped = []

        def sleepy() -> None:
            try:
                time.sleep(30)
            except KeyboardInterrupt:
                stopped.append(True)
                raise

        play_calls(server, ("sleepy", "{}"))
        stream = chat.stream("Go", tools=[sleepy], approve="always")
        threading.Timer(0.3, stream.close).start()
        assert list(stream) == []
        assert stopped == [True]
        assert stream.response.incomplete_reason == "closed"
        assert results(stream) == ["cancelled: it was not run to its end"]
        assert chat.ask("Next").text
        assert violations(server.last) == []


class TestErrors:
    @pytest.mark.parametrize(
        "error", [SystemExit(1), StopIteration(), asyncio.CancelledError(), RuntimeError("x")]
    )
    def test_the_model_receives_every_error(
        self, chat: Conversation, server: ScriptedServer, error: BaseException
    ) -> None:
        def fails() -> None:
            raise error

        async def afails() -> None:
            raise error

        play_calls(server, ("fails", "{}"), ("afails", "{}"))
        texts = results(read(chat, fails, afails))
        assert all(text.startswith(("error: ", "cancelled")) for text in texts)
        play_calls(server, ("thread_name", "{}"))
        response = chat.ask("Does the loop run?", tools=[thread_name], approve="always")
        assert response.text == "Done."

    def test_an_async_tool_that_interrupts(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        async def interrupts() -> None:
            raise KeyboardInterrupt

        play_calls(server, ("interrupts", "{}"))
        assert results(read(chat, interrupts)) == ["error: KeyboardInterrupt"]
        server.play(*answer("Alive."))
        assert chat.ask("And now?").text == "Alive."

    def test_a_swallowed_interrupt_stops_the_answer(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        def trains() -> str:
            try:
                time.sleep(20)
            except KeyboardInterrupt:
                return "stopped early"
            return "done"

        play_calls(server, ("trains", "{}"))
        main = threading.main_thread().ident or 0
        threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
        stream = chat.stream("Go", tools=[trains], approve="always")
        with pytest.raises(KeyboardInterrupt):
            list(stream)
        assert stream.response.incomplete_reason == "interrupted"

    def test_a_coroutine_that_nobody_awaits(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        async def inner() -> str:
            return "never"

        def outer() -> Any:
            coroutine = inner()
            coroutine.close()
            return coroutine

        play_calls(server, ("outer", "{}"))
        assert "async def" in results(read(chat, outer))[0]


class TestSecrets:
    def test_a_key_in_a_result(
        self, chat: Conversation, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghijklmn")

        def own() -> str:
            return "it is gsk_0123456789abcdefghijklmn"

        def other() -> str:
            return "theirs is sk-abcdefghijklmnopqrst1234"

        play_calls(server, ("own", "{}"), ("other", "{}"))
        assert results(read(chat, own, other)) == [
            "[withheld: it contains a key of this machine]",
            "theirs is …1234",
        ]

    def test_a_secret_that_is_cut(self, chat: Conversation, server: ScriptedServer) -> None:
        def long(size: int) -> str:
            return "x" * size + " sk-abcdefghijklmnopqrst1234 " + "x" * 50

        def fails(size: int) -> None:
            raise ValueError(long(size))

        play_calls(server, ("long", '{"size": 19990}'), ("fails", '{"size": 480}'))
        assert not any("sk-abc" in text for text in results(read(chat, long, fails)))

    def test_a_key_in_a_schema(
        self, chat: Conversation, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "own-key-0123456789")

        def own(sql: str, key: str = "own-key-0123456789") -> None: ...

        def looks(sql: str) -> None:
            """Uses sk-abcdefghijklmnopqrst1234."""

        for function in (own, looks):
            with pytest.raises(UsageError, match="looks like a key"):
                chat.stream("Go", tools=[function])
        assert not server.exchanges

    def test_a_bound_argument_is_not_offered(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        def connect(sql: str, token: str) -> str:
            """Ask the database."""
            return f"{sql} by {token[:2]}"

        bound = functools.partial(connect, token="hunter2-secret")
        play_calls(server, ("connect", '{"sql": "x"}'))
        assert results(read(chat, bound)) == ["x by hu"]
        offer = server.exchanges[0].body["tools"][0]["function"]
        assert offer["description"] == "Ask the database."
        assert "hunter2" not in json.dumps(offer)
