"""Anything that streams is a model; answers as server-sent events; the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage, convert_to_messages
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda

import cellmage
from cellmage import (
    CellmageError,
    Complete,
    Conversation,
    Message,
    Request,
    Token,
    ToolInvocation,
    ToolStep,
    UsageError,
    sse,
)
from cellmage.providers.adapters import _plain
from cellmage.providers.registry import _registered
from cellmage.sse import EventStreamDecoder
from cellmage.testing import ScriptedServer, answer, chunk
from tests.kernel.client import Kernel, Run


@pytest.fixture(autouse=True)
def forget() -> Any:
    yield
    _registered.clear()


class Chunk:
    def __init__(self, content: Any) -> None:
        self.content = content


class Runnable:
    """As LangChain's are, in what matters."""

    def __init__(self) -> None:
        self.seen: Any = None
        self.is_closed = False

    async def astream(self, messages: Any) -> AsyncIterator[Any]:
        self.seen = messages
        try:
            yield Chunk("One ")
            yield Chunk(
                [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "two"}]
            )
            await asyncio.sleep(0.1)
            yield " three"
            yield Chunk("")
        finally:
            self.is_closed = True


def test_a_runnable() -> None:
    runnable = Runnable()
    cellmage.register_provider(runnable, name="chain")
    chat = Conversation(cellmage.Options(model="chain", system="Be brief."))
    response = chat.ask("hi")
    assert (response.text, response.reasoning) == ("One two three", "Hm.")
    assert (response.provider, response.model) == ("chain", "chain")
    assert runnable.seen == [("system", "Be brief."), ("user", "hi")]
    assert runnable.is_closed


def test_leaving_early_closes_it() -> None:
    runnable = Runnable()
    cellmage.register_provider(runnable, name="chain")
    with Conversation().stream("hi", model="chain") as stream:
        for _ in stream:
            break
    assert runnable.is_closed
    assert stream.response.incomplete_reason == "closed"


def test_events_pass_through() -> None:
    async def source(request: Request) -> AsyncIterator[Any]:
        yield Token("cut")
        yield Complete("length")

    cellmage.register_provider(source, name="own")
    assert Conversation().ask("hi", model="own").incomplete_reason == "length"


@pytest.mark.parametrize("piece", [5, None, Chunk(7)])
def test_what_is_no_text_is_an_error(piece: Any) -> None:
    async def source(request: Request) -> AsyncIterator[Any]:
        yield "so far"
        yield piece

    cellmage.register_provider(source, name="odd")
    with pytest.raises(CellmageError, match="neither text nor an event") as caught:
        Conversation().ask("hi", model="odd")
    assert caught.value.text == "so far"


def test_what_it_raises_is_told() -> None:
    async def source(request: Request) -> AsyncIterator[str]:
        yield "so far"
        raise KeyError("no such tool")

    cellmage.register_provider(source, name="failing")
    with pytest.raises(CellmageError, match="failing failed: KeyError: 'no such tool'") as caught:
        Conversation().ask("hi", model="failing")
    assert caught.value.text == "so far"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a,b"])
def test_names(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a model"):
        cellmage.register_provider(Runnable(), name=name)
    with pytest.raises(UsageError, match="does not stream"):
        cellmage.register_provider(object(), name="fine")


def test_in_a_cell(kernel: Kernel) -> None:
    kernel.run(
        "import asyncio, cellmage\n"
        "async def slow(request):\n"
        "    for word in ['one ', 'two ', 'three']:\n"
        "        yield word; await asyncio.sleep(0.1)\n"
        "    if 'hang' in request.messages[-1].content: await asyncio.sleep(60)\n"
        "cellmage.register_provider(slow, name='slow');"
    )
    assert kernel.run("%%llm -m slow\nGo").shown == ["one two three"]
    msg_id = kernel.start("%%llm -m slow\nhang")
    run = kernel.collect(msg_id, Run(), until="three")
    kernel.interrupt()
    run = kernel.finish(msg_id, run)
    assert "13 characters are kept" in run.error


# Server-sent events.


def decoded(texts: list[str]) -> list[tuple[str, Any]]:
    frames = "".join(texts).split("\n\n")[:-1]
    pairs = [frame.split("\n") for frame in frames]
    decoder = EventStreamDecoder()
    data = [*decoder.feed("".join(texts).encode())]
    assert [json.loads(each) for each in data] == [json.loads(pair[1][6:]) for pair in pairs]
    return [(pair[0].removeprefix("event: "), json.loads(pair[1][6:])) for pair in pairs]


async def gather(stream: Any) -> list[str]:
    return [text async for text in sse.encode(stream)]


def test_encoded_events(connected: ScriptedServer) -> None:
    connected.play(*answer("a\r\nb\u2028c\ud83d", 2))
    stream = Conversation().stream("hi")
    frames = decoded(asyncio.run(gather(stream.events)))
    assert (frames[0][0], frames[-1][0]) == ("start", "complete")
    assert "".join(data["text"] for kind, data in frames if kind == "token") == stream.response.text


def test_an_encoded_failure_is_the_last_event(connected: ScriptedServer) -> None:
    connected.play(chunk("so far"), end="reset")
    frames = decoded(asyncio.run(gather(Conversation().astream_events("hi"))))
    kind, data = frames[-1]
    assert (kind, data["kind"], data["text"]) == ("error", "connection_lost", "so far")


# python -m cellmage.


def command(server: ScriptedServer, *words: str, **how: Any) -> subprocess.Popen[str]:
    environ = os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
    return subprocess.Popen(
        [sys.executable, "-m", "cellmage", *words], env=environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how,
    )  # fmt: skip


def test_a_question_on_the_command_line(server: ScriptedServer) -> None:
    server.play(*answer("**Yes**, it is.", 3))
    with command(server, "-m", "m", "-s", "Be brief.", "Is", "it?") as process:
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("**Yes**, it is.\n", "", 0)
    assert server.last.messages == [("system", "Be brief."), ("user", "Is it?")]


def test_it_is_flushed_as_it_comes_and_ctrl_c_keeps_it(server: ScriptedServer) -> None:
    server.play(chunk("one two"), end="hang")
    with command(server, "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("from the standard input")
        process.stdin.close()
        assert process.stdout.read(7) == "one two"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "stopped\n"
    assert server.last.messages == [("user", "from the standard input")]
    assert server.last.finished.wait(5)


def test_an_error_is_one_line(server: ScriptedServer) -> None:
    server.play(status=401, content_type="application/json")
    with command(server, "hi") as process:
        out, err = process.communicate(timeout=30)
    assert (out, process.returncode) == ("", 1)
    assert len(err.splitlines()) == 1
    assert "the key was refused" in err


def test_a_pipe_gets_the_answer_alone(tmp_path: Path) -> None:
    """What is told of it goes to the standard error."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    command = [sys.executable, "-m", "cellmage", "hi"]
    done = subprocess.run(
        command, env=keep, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "No model is configured" not in done.stdout
    assert done.stderr.startswith("(No model is configured")


def test_a_reader_that_has_seen_enough(server: ScriptedServer) -> None:
    server.play(*[chunk("line\n")] * 5000, end="hang")
    with command(server, "hi") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""


# LangChain itself.


def test_a_chain_of_langchain() -> None:
    prompt = ChatPromptTemplate.from_messages([("placeholder", "{messages}")])
    model = GenericFakeChatModel(messages=iter([AIMessage("One two three.")] * 2))
    chain = RunnableLambda(lambda messages: {"messages": messages}) | prompt | model
    cellmage.register_provider(chain, name="chain")
    stream = Conversation().stream("hi", model="chain")
    assert len(list(stream)) > 2
    assert stream.response.text == "One two three."
    cellmage.register_provider(chain | StrOutputParser(), name="text")
    assert Conversation().ask("hi", model="text").text == "One two three."


def test_tools_of_earlier_turns_in_langchain() -> None:
    """They are told to it in its own form; tools of a call are to be bound to it."""

    def add(a: int, b: int) -> int:
        return a + b

    model = GenericFakeChatModel(messages=iter([AIMessage("Well then.")] * 2))
    cellmage.register_provider(model, name="lc")
    chat = Conversation()
    chat.ask('add {"a": 1, "b": 2}', model="offline/tools", tools=[add], approve="always")
    assert chat.ask("And now?", model="lc").text == "Well then."
    with pytest.raises(UsageError, match="bind them to it"):
        chat.ask("Go", model="lc", tools=[add], approve="always")


def test_messages_of_tools_are_what_langchain_takes() -> None:
    calls = (ToolInvocation("a1", "add", '{"a": 1}', "3"),)
    messages = [Message("user", "Go"), *ToolStep("Well.", calls).messages(), Message("user", "?")]
    _, asked, told, _ = convert_to_messages(list(map(_plain, messages)))
    assert isinstance(asked, AIMessage)
    assert isinstance(told, ToolMessage)
    assert asked.tool_calls[0] == {"name": "add", "args": {"a": 1}, "id": "a1", "type": "tool_call"}
    assert (told.content, told.tool_call_id) == ("3", "a1")
