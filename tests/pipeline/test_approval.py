"""The approval of tool calls: by a function, by the user, and where there is nobody to ask."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cellmage import Conversation, ToolCall
from cellmage.testing import ScriptedServer
from tests.tool_scripts import drain, play_calls, read, results, thread_name


def test_by_a_function(chat: Conversation, server: ScriptedServer) -> None:
    calls = []

    def approve(call: ToolCall) -> bool:
        calls.append((call.name, threading.current_thread().name))
        return len(calls) == 2

    play_calls(server, ("thread_name", "{}"), ("thread_name", "{}"))
    texts = results(read(chat, thread_name, approve=approve))
    assert calls == [("thread_name", "MainThread")] * 2
    assert texts == ["refused by the user", "MainThread"]


def test_by_default_there_is_nobody_to_ask(chat: Conversation, server: ScriptedServer) -> None:
    play_calls(server, ("thread_name", "{}"))
    stream = chat.stream("Go", tools=[thread_name])
    assert "".join(stream) == "Done."
    assert results(stream) == ["refused: nobody to ask"]


def test_malformed_calls_are_refused_without_asking(
    chat: Conversation, server: ScriptedServer
) -> None:
    play_calls(server, ("thread_name", "{"), ("no", "{}"))
    stream = read(chat, thread_name, approve=lambda call: pytest.fail("asked"))
    assert all(text.startswith("error: ") for text in results(stream))


@pytest.mark.parametrize(
    "error", [SystemExit(1), StopIteration(), GeneratorExit(), KeyError("x"), TimeoutError()]
)
def test_an_approval_that_fails_refuses(
    chat: Conversation, server: ScriptedServer, error: BaseException
) -> None:
    def approve(call: ToolCall) -> bool:
        raise error

    for is_async in (False, True):
        play_calls(server, ("thread_name", "{}"))
        stream = chat.stream("Go", tools=[thread_name], approve=approve)
        if is_async:
            asyncio.run(asyncio.wait_for(drain(stream), 20))
        else:
            list(stream)
        assert results(stream)[0].startswith("refused: ")


def test_only_true_allows(chat: Conversation, server: ScriptedServer) -> None:
    async def no(call: ToolCall) -> bool:
        return False

    async def yes(call: ToolCall) -> bool:
        return True

    for approve, text in ((no, "refused by the user"), (lambda _: "n", "refused by the user: n"),
                          (lambda _: 1, "refused by the user"), (yes, "MainThread")):  # fmt: skip
        play_calls(server, ("thread_name", "{}"))
        assert results(read(chat, thread_name, approve=approve)) == [text]
