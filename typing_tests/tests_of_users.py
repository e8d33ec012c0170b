"""Tests of a program that uses cellmage, and its code in notebooks and servers."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from IPython.core.getipython import get_ipython

import cellmage
from cellmage import Complete, Conversation, IncompleteResponseError, Request, Response
from cellmage.server import app
from cellmage.testing import (
    DONE,
    Exchange,
    Reply,
    ScriptedProvider,
    ScriptedServer,
    answer,
    chunk,
    finish,
    speed_up_retries,
    tool_call,
    usage,
)


def test_provider() -> None:
    provider = ScriptedProvider(["Hel", 0.01, "lo", Complete("stop")], name="mine")
    assert_type(Conversation(provider=provider).ask("Hi"), Response)
    assert_type(provider.requests, list[Request])
    with speed_up_retries(10):
        Conversation(provider=ScriptedProvider([IncompleteResponseError("gone")])).ask("Hi")


def test_server(scripted_server: ScriptedServer) -> None:
    scripted_server.play(*answer("Hello"), end="truncate")
    scripted_server.play(chunk("a"), 0.1, tool_call("add", "{}"), usage(1, 2), finish(), DONE)
    scripted_server.play_each([Reply([chunk("a"), DONE]), Reply(status=500)])
    assert_type(scripted_server.last, Exchange)
    with ScriptedServer() as server:
        assert_type(server.url, str)


def test_with_fixtures(isolated_cellmage: Path, scripted_endpoint: ScriptedServer) -> None:
    scripted_endpoint.play_with(lambda exchange: Reply(answer(str(exchange.body))))


def load_magics() -> None:
    shell = get_ipython()
    if shell is not None:
        cellmage.load_ipython_extension(shell)
        cellmage.unload_ipython_extension(shell)


application = app(cellmage.Options(model="offline/echo"), models=["offline/echo"], api_key="x")
