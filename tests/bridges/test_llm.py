"""``llm/NAME`` with the package ``llm`` itself, and models that a plugin registers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import llm
import pytest
from llm.parts import StreamEvent

from cellmage import ConfigError, Conversation, Message, Options, Request, UsageError
from cellmage.bridges.llm_models import provider
from cellmage.events import ProviderState, Token
from cellmage.messages import ToolInvocation
from tests.tool_scripts import read, results


class Record:
    """What the models of the plugin were asked, and whether they were closed."""

    def __init__(self) -> None:
        self.prompts: list[Any] = []
        self.conversations: list[Any] = []
        self.closed = threading.Event()


RECORD = Record()


def pieces(prompt: Any, response: Any, conversation: Any) -> Iterator[Any]:
    RECORD.prompts.append(prompt)
    RECORD.conversations.append(conversation)
    last = prompt.messages[-1].parts[-1]
    if prompt.tools and last.to_dict()["type"] == "text":
        response.add_tool_call(llm.ToolCall("add", {"a": 1, "b": 2}, "call-1"))
        metadata = {"acme": {"signature": "s1"}}
        yield StreamEvent("reasoning", "Let me add.", provider_metadata=metadata)
        return
    if getattr(last, "text", "") == "fail":
        raise llm.ModelError("the quota is used up")
    yield "Hello"
    yield " there."
    response.set_usage(input=7, output=3)


class MockOptions(llm.Options):
    temperature: float | None = None
    colour: str | None = None


class SyncModel(llm.Model):
    model_id = "mock-sync"
    can_stream = True
    supports_tools = True
    attachment_types = frozenset({"image/gif"})
    Options = MockOptions

    def execute(self, prompt: Any, stream: Any, response: Any, conversation: Any) -> Iterator[Any]:
        yield from pieces(prompt, response, conversation)


class EndlessSync(llm.Model):
    model_id = "mock-endless-sync"
    can_stream = True

    def execute(self, prompt: Any, stream: Any, response: Any, conversation: Any) -> Iterator[Any]:
        try:
            while True:
                yield "and so on "
                time.sleep(0.01)
        finally:
            RECORD.closed.set()


class AsyncMock(llm.AsyncModel):
    model_id = "mock"
    can_stream = True
    supports_tools = True
    supports_schema = True
    attachment_types = frozenset({"image/gif"})
    Options = MockOptions

    async def execute(
        self, prompt: Any, stream: Any, response: Any, conversation: Any
    ) -> AsyncIterator[Any]:
        for piece in pieces(prompt, response, conversation):
            yield piece


class EndlessAsync(llm.AsyncModel):
    model_id = "mock-endless"
    can_stream = True

    async def execute(
        self, prompt: Any, stream: Any, response: Any, conversation: Any
    ) -> AsyncIterator[Any]:
        try:
            while True:
                yield "and so on "
                await asyncio.sleep(0.01)
        finally:
            RECORD.closed.set()


class NeedsKey(llm.AsyncKeyModel):
    model_id = "mock-key"
    needs_key = "mock"

    async def execute(
        self, prompt: Any, stream: Any, response: Any, conversation: Any, key: str | None
    ) -> AsyncIterator[Any]:
        yield "unreachable"


def twin(model: type[llm.AsyncModel] | type[llm.AsyncKeyModel]) -> SyncModel:
    """Return the model without ``async`` that a plugin must register, too."""
    sync = SyncModel()
    sync.model_id = model.model_id
    return sync


class Plugin:
    __name__ = "MockPlugin"

    @llm.hookimpl
    def register_models(self, register: Any) -> None:
        register(twin(AsyncMock), AsyncMock(), aliases=("m",))
        register(SyncModel())
        register(EndlessSync())
        register(twin(EndlessAsync), EndlessAsync())
        register(twin(NeedsKey), NeedsKey())


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    RECORD.__init__()  # type: ignore[misc]
    llm.pm.register(Plugin(), name="mock-plugin")
    yield
    llm.pm.unregister(name="mock-plugin")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


MODELS = pytest.mark.parametrize("model", ["llm/mock", "llm/mock-sync"])


@MODELS
def test_streams_with_history_and_system(model: str) -> None:
    chat = Conversation(Options(model=model, system="Be brief."))
    first = chat.stream("Hi")
    assert [event.text for event in first.events if isinstance(event, Token)] == [
        "Hello", " there."
    ]  # fmt: skip
    assert (first.response.usage.input_tokens, first.response.usage.output_tokens) == (7, 3)
    assert first.response.finish_reason == "stop"
    chat.ask("And now?")
    prompt = RECORD.prompts[-1]
    assert [(m.role, m.parts[0].text) for m in prompt.messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello there."),
        ("user", "And now?"),
    ]
    # As plugins read it that do not know `messages`.
    assert (prompt.prompt, prompt.system) == ("And now?", "Be brief.")
    (earlier,) = RECORD.conversations[-1].responses[:1]
    assert (earlier.prompt.prompt, earlier.text_or_raise()) == ("Hi", "Hello there.")


@MODELS
def test_tools(model: str) -> None:
    chat = Conversation(Options(model=model))
    stream = read(chat, add)
    assert results(stream) == ["3"]
    assert stream.response.reasoning == "Let me add."
    assert stream.response.final_text == "Hello there."
    prompt = RECORD.prompts[-1]
    assert prompt.tools[0].input_schema["required"] == ["a", "b"]
    call, result = (message.parts[-1] for message in prompt.messages[-2:])
    assert (call.name, call.arguments, call.tool_call_id) == ("add", {"a": 1, "b": 2}, "call-1")
    assert (result.output, result.tool_call_id) == ("3", "call-1")
    # What the plugin demands back.
    assert prompt.messages[-2].parts[0].provider_metadata == {"acme": {"signature": "s1"}}
    assert prompt.tool_results[0].output == "3"
    assert RECORD.conversations[-1].responses[0].tool_calls_or_raise()[0].name == "add"


def test_parameters_and_images() -> None:
    from cellmage.content import Image  # noqa: PLC0415 - not public yet

    gif = Image(b"GIF89a" + bytes([1, 0, 1, 0]))
    message = Message("user", ("What is it?", gif))
    options = Options(model="mock", temperature=0.5, extra_body={"colour": "red"}, max_tokens=9)
    stream = provider("mock").stream(Request((message,), options))

    async def notices() -> list[str]:
        return [event.text async for event in stream if event.type == "notice"]

    assert asyncio.run(notices()) == ["llm/mock takes no max_tokens; it was asked without."]
    prompt = RECORD.prompts[-1]
    assert (prompt.options.temperature, prompt.options.colour) == (0.5, "red")
    assert prompt.messages[-1].parts[1].attachment.type == "image/gif"
    with pytest.raises(UsageError, match="llm/m has no parameter size; it has: temperature, col"):
        Conversation().ask("Hi", model="llm/m", extra_body={"size": 1})


def test_a_schema_is_asked_for_natively_or_in_words() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    for model in ("llm/mock", "llm/mock-sync"):
        Conversation().ask("Hi", model=model, extra_body={"response_format": form})
    native, words = RECORD.prompts
    assert native.schema == schema
    assert "JSON schema" in words.system


@pytest.mark.parametrize("model", ["llm/mock-endless", "llm/mock-endless-sync"])
def test_stopped_in_mid_stream(model: str) -> None:
    for _ in Conversation().stream("Hi", model=model):
        break
    assert RECORD.closed.wait(20)


def test_errors() -> None:
    chat = Conversation()
    with pytest.raises(ConfigError, match="there is no model llm/none; !llm models lists them"):
        chat.ask("Hi", model="llm/none")
    with pytest.raises(ConfigError, match="llm/mock-key: No key found - add one using 'llm keys"):
        chat.ask("Hi", model="llm/mock-key")
    for model in ("mock", "mock-sync"):
        with pytest.raises(Exception, match=f"llm/{model} failed: ModelError: the quota is used"):
            chat.ask("fail", model=f"llm/{model}")
    with pytest.raises(UsageError, match="llm/mock-endless takes no tools"):
        read(Conversation(Options(model="llm/mock-endless")), add)


def test_malformed_state_of_another_is_not_read() -> None:
    state = ProviderState("chat", "{}", "llm", "mock")
    call = ToolInvocation("c", "add", "not json", "3")
    history = Message("assistant", "", (call,), state=(state,))
    result = Message("tool", "3", tool_call_id="c")
    request = Request((Message("user", "a"), history, result), Options(model="mock"))

    async def text() -> str:
        events = provider("mock").stream(request)
        return "".join([event.text async for event in events if isinstance(event, Token)])

    assert asyncio.run(text()) == "Hello there."


def test_without_the_package() -> None:
    code = (
        "import sys; sys.modules['llm'] = None\n"
        "from cellmage import Conversation\n"
        "try: Conversation().ask('Hi', model='llm/m')\n"
        "except Exception as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "llm/m needs another package: pip install 'cellmage[llm]'\n"
