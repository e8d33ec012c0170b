"""Anything that streams is a model."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
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
    IncompleteResponseError,
    Request,
    Response,
    ResponseStream,
    Token,
    ToolCall,
    ToolInvocation,
    ToolResult,
    ToolStep,
    Turn,
    UsageError,
)
from cellmage.providers.adapters import AdaptedProvider
from cellmage.providers.registry import list_registered, unregister
from tests.attachments import IMAGE
from tests.kernel.client import Kernel, Run


@pytest.fixture(autouse=True)
def unregister_providers() -> Iterator[None]:
    yield
    for name in list_registered():
        unregister(name)


class Chunk:
    """A chunk as LangChain's are, as far as it matters."""

    def __init__(self, content: Any) -> None:
        self.content = content


class Runnable:
    """A runnable as LangChain's are, as far as it matters."""

    def __init__(self) -> None:
        self.messages: Any = None
        self.is_closed = False

    async def astream(self, messages: Any) -> AsyncIterator[Any]:
        self.messages = messages
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
    assert runnable.messages == [("system", "Be brief."), ("user", "hi")]
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


@pytest.mark.parametrize("chunk", [5, None, Chunk(7)])
def test_a_chunk_without_text_is_an_error(chunk: Any) -> None:
    async def source(request: Request) -> AsyncIterator[Any]:
        yield "so far"
        yield chunk

    cellmage.register_provider(source, name="odd")
    with pytest.raises(CellmageError, match="neither text nor an event") as caught:
        Conversation().ask("hi", model="odd")
    assert caught.value.text == "so far"


def test_a_foreign_error_becomes_ours() -> None:
    async def source(request: Request) -> AsyncIterator[str]:
        yield "so far"
        raise KeyError("no such tool")

    cellmage.register_provider(source, name="failing")
    with pytest.raises(CellmageError, match="failing failed: KeyError: 'no such tool'") as caught:
        Conversation().ask("hi", model="failing")
    assert caught.value.text == "so far"


def test_the_context_of_an_error_holds_no_exception_group() -> None:
    """IPython does not call our one-line hook for an exception with one in its context."""

    async def source(request: Request) -> AsyncIterator[str]:
        yield "so far"
        raise ExceptionGroup("several", [KeyError("a"), KeyError("b")])

    cellmage.register_provider(source, name="failing")
    with pytest.raises(CellmageError, match="ExceptionGroup") as caught:
        Conversation().ask("hi", model="failing")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a,b"])
def test_names(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a model"):
        cellmage.register_provider(Runnable(), name=name)
    with pytest.raises(UsageError, match=r"source is .* it must be an object with astream"):
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
    assert kernel.run("%%llm -m slow\nGo").texts == ["one two three"]
    msg_id = kernel.start("%%llm -m slow\nhang")
    run = kernel.collect(msg_id, Run(), until="three")
    kernel.interrupt()
    run = kernel.finish(msg_id, run)
    assert "13 characters are kept" in run.error


class TestLangChain:
    def test_a_chain(self) -> None:
        prompt = ChatPromptTemplate.from_messages([("placeholder", "{messages}")])
        model = GenericFakeChatModel(messages=iter([AIMessage("One two three.")] * 2))
        chain = RunnableLambda(lambda messages: {"messages": messages}) | prompt | model
        cellmage.register_provider(chain, name="chain")
        stream = Conversation().stream("hi", model="chain")
        assert len(list(stream)) > 2
        assert stream.response.text == "One two three."
        cellmage.register_provider(chain | StrOutputParser(), name="text")
        assert Conversation().ask("hi", model="text").text == "One two three."

    def test_tools_of_earlier_turns(self) -> None:
        """It receives them in its own form; tools of a new question must be bound to it."""

        def add(a: int, b: int) -> int:
            return a + b

        model = GenericFakeChatModel(messages=iter([AIMessage("Well then.")] * 2))
        cellmage.register_provider(model, name="lc")
        chat = Conversation()
        chat.ask('add {"a": 1, "b": 2}', model="offline/tools", tools=[add], approve="always")
        assert chat.ask("And now?", model="lc").text == "Well then."
        with pytest.raises(UsageError, match="bind them to it"):
            chat.ask("Go", model="lc", tools=[add], approve="always")

    def test_it_accepts_the_messages_of_tools(self) -> None:
        runnable = Runnable()
        cellmage.register_provider(runnable, name="chain")
        step = ToolStep("Well.", (ToolInvocation("a1", "add", '{"a": 1}', "3"),))
        turn = Turn("Go", Response("Three.", steps=(step,)))
        Conversation(turns=[turn]).ask("?", model="chain")
        _, call, result, *_ = convert_to_messages(runnable.messages)
        assert isinstance(call, AIMessage)
        assert isinstance(result, ToolMessage)
        assert call.tool_calls[0] == {
            "name": "add", "args": {"a": 1}, "id": "a1", "type": "tool_call"
        }  # fmt: skip
        assert (result.content, result.tool_call_id) == ("3", "a1")


class TestAgents:
    """Objects that run their tools themselves."""

    def test_its_tools_are_not_run_here(self) -> None:
        runs = []

        async def agent(request: Request) -> Any:
            runs.append(1)
            yield ToolCall("1", "pay", "{}")
            yield "Paying. "
            yield ToolCall("2", "pay", "{}")
            yield ToolResult("1", "pay", "paid 1")
            yield ToolResult("2", "pay", "paid 2")
            yield "Paid."

        def nothing() -> str:
            return ""

        cellmage.register_provider(agent, name="paying")
        stream = Conversation().stream("Go", model="paying", tools=[nothing], approve="always")
        assert "".join(stream) == "Paying. Paid."
        assert runs == [1]
        assert _results(stream) == ["paid 1", "paid 2"]

    def test_one_that_has_run_a_tool_is_not_asked_again(self) -> None:
        runs = []

        async def agent(request: Request) -> Any:
            runs.append(1)
            yield ToolCall("1", "pay", "{}")
            failure = IncompleteResponseError("gone")
            failure.retries = 2
            raise failure

        cellmage.register_provider(agent, name="failing-agent")
        with pytest.raises(CellmageError):
            Conversation().ask("Go", model="failing-agent,offline/echo")
        assert runs == [1]


def _results(stream: ResponseStream) -> list[str]:
    return [call.result for step in stream.response.steps for call in step.calls]


def test_langchain_is_given_images_in_the_form_of_chat_completions() -> None:
    """A model of LangChain converts them to its provider's own form."""
    received: list[Any] = []

    def answer(messages: Any) -> str:
        received.extend(convert_to_messages(messages))
        return "A cat."

    chat = Conversation(provider=AdaptedProvider(RunnableLambda(answer), "chain"))
    assert chat.ask(["What is this?", IMAGE]).text == "A cat."
    text, image = received[0].content_blocks
    assert text == {"type": "text", "text": "What is this?"}
    assert (image["type"], image["mime_type"]) == ("image", "image/png")
    assert base64.b64decode(image["base64"]) == IMAGE.data
