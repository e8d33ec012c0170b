"""``pydantic-ai/NAME`` with the package itself: its models for tests."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic_ai import messages as theirs
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel

from cellmage import ConfigError, Conversation, Message, Options, Request
from cellmage.bridges.pydantic_ai_models import provider
from cellmage.errors import HTTPStatusError
from cellmage.events import Token
from tests.tool_scripts import read, results


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Script:
    """A model of the package that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[theirs.ModelMessage]] = []
        self.infos: list[AgentInfo] = []
        self.closed = threading.Event()

    async def stream(
        self, messages: list[theirs.ModelMessage], info: AgentInfo
    ) -> AsyncIterator[Any]:
        self.asked.append(messages)
        self.infos.append(info)
        last = messages[-1].parts[-1]
        if info.function_tools and last.part_kind == "user-prompt":
            yield {0: DeltaThinkingPart(content="Let me add.", signature="s1")}
            yield {1: DeltaToolCall("add", '{"a": 1, ', tool_call_id="call-1")}
            yield {1: DeltaToolCall(json_args='"b": 2}')}
            return
        if last.part_kind == "user-prompt" and last.content == "fail":
            raise ModelHTTPError(429, "m", {"error": {"message": "slow down"}})
        try:
            yield "Hello"
            yield " there."
            while last.part_kind == "user-prompt" and last.content == "forever":
                yield "and so on "
                await asyncio.sleep(0.01)
        finally:
            self.closed.set()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def chat(script: Script) -> Conversation:
    return Conversation(provider=provider(FunctionModel(stream_function=script.stream)))


def kinds(messages: list[theirs.ModelMessage]) -> list[str]:
    return [part.part_kind for message in messages for part in message.parts]


def test_by_name() -> None:
    response = Conversation().ask("Hi", model="pydantic-ai/test")
    assert response.text == "success (no tool calls)"
    assert response.usage.input_tokens
    whole = Conversation().ask("Hi", model="pydantic-ai/test", stream=False)
    assert whole.text == response.text


def test_streams_with_history_and_system(chat: Conversation, script: Script) -> None:
    first = chat.stream("Hi", system="Be brief.")
    assert [event.text for event in first.events if isinstance(event, Token)] == [
        "Hello", " there."
    ]  # fmt: skip
    assert first.response.finish_reason == "stop"
    chat.ask("And now?", system="Be brief.", temperature=0.5, extra_body={"top_k": 3, "x": 1})
    assert kinds(script.asked[-1]) == ["system-prompt", "user-prompt", "text", "user-prompt"]
    assert script.asked[-1][1].parts[0].content == "Hello there."
    settings = dict(script.infos[-1].model_settings or {})
    assert settings == {"temperature": 0.5, "top_k": 3, "extra_body": {"x": 1}}


def test_tools(chat: Conversation, script: Script) -> None:
    stream = read(chat, add)
    assert results(stream) == ["3"]
    assert stream.response.reasoning == "Let me add."
    assert stream.response.final_text == "Hello there."
    assert script.infos[0].function_tools[0].parameters_json_schema["required"] == ["a", "b"]
    question, calls, answer = script.asked[-1]
    assert kinds([question, calls, answer]) == [
        "user-prompt", "thinking", "tool-call", "tool-return"
    ]  # fmt: skip
    assert calls.parts[0].signature == "s1"  # what a provider demands back
    assert (answer.parts[0].content, answer.parts[0].tool_call_id) == ("3", "call-1")


def test_the_package_calls_our_tools_by_name() -> None:
    stream = read(Conversation(Options(model="pydantic-ai/test")), add)
    assert results(stream) == ["0"]
    assert stream.response.final_text == '{"add":"0"}'


def test_images(script: Script) -> None:
    from cellmage.content import Image  # noqa: PLC0415 - not public yet

    gif = Image(b"GIF89a" + bytes([1, 0, 1, 0]))
    message = Message("user", ("What is it?", gif, Image(url="https://example.org/a.png")))
    model = provider(FunctionModel(stream_function=script.stream))

    async def drain() -> None:
        async for _ in model.stream(Request((message,), Options(model="m"))):
            pass

    asyncio.run(drain())
    text, image, address = script.asked[-1][0].parts[0].content
    assert (text, image.media_type) == ("What is it?", "image/gif")
    assert address.url == "https://example.org/a.png"


def test_stopped_in_mid_stream(chat: Conversation, script: Script) -> None:
    for _ in chat.stream("forever"):
        break
    assert script.closed.wait(20)


def test_errors(chat: Conversation) -> None:
    with pytest.raises(HTTPStatusError) as caught:
        list(chat.stream("fail"))
    assert caught.value.kind == "rate_limited"
    assert "slow down" in str(caught.value)
    with pytest.raises(ConfigError, match="none needs its provider, as pydantic-ai/openai:none"):
        Conversation().ask("Hi", model="pydantic-ai/none")
    with pytest.raises(ConfigError, match="pydantic-ai/none:x: Unknown model: none:x"):
        Conversation().ask("Hi", model="pydantic-ai/none:x")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        Conversation().ask("Hi", model="pydantic-ai/openai:gpt-5-mini")


def test_without_the_package() -> None:
    code = (
        "import sys; sys.modules['pydantic_ai'] = None\n"
        "from cellmage import Conversation\n"
        "try: Conversation().ask('Hi', model='pydantic-ai/test')\n"
        "except Exception as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    command = "pip install 'cellmage[pydantic-ai]'"
    assert run.stdout == f"pydantic-ai/test needs another package: {command}\n"
