"""What LangChain's models and chains stream: reasoning, usage, finish reasons and values."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessageChunk
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.runnables import RunnableLambda, RunnableParallel

import cellmage
from cellmage import CellmageError, Conversation, Response, Usage
from cellmage.providers.registry import list_registered, unregister


@pytest.fixture(autouse=True)
def unregister_providers() -> Iterator[None]:
    yield
    for name in list_registered():
        unregister(name)


def ask(*chunks: Any) -> Response:
    """Return the answer of an object that streams these chunks."""

    class Runnable:
        async def astream(self, messages: Any) -> AsyncIterator[Any]:
            for chunk in chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk

    cellmage.register_provider(Runnable(), name="lc")
    return Conversation().ask("hi", model="lc")


def message(content: Any = "", **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=content, **fields)


@pytest.mark.parametrize(
    "chunk",
    [
        message("", additional_kwargs={"reasoning_content": "hm"}),
        message("", additional_kwargs={"reasoning": {"summary": [{"text": "hm"}]}}),
        message([{"type": "thinking", "thinking": "hm", "signature": "s"}]),
        message([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
        message([{"type": "reasoning", "reasoning": "hm"}]),
        message([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]),
        message([{"type": "reasoning_content", "reasoning_content": {"text": "hm"}}]),
        message(
            [{"type": "reasoning", "reasoning": "hm"}],
            additional_kwargs={"reasoning_content": "hm"},
        ),
    ],
)
def test_reasoning(chunk: AIMessageChunk) -> None:
    response = ask(chunk, message("Yes."))
    assert (response.reasoning, response.text) == ("hm", "Yes.")


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("Yes.", "Yes."),
        ({"type": "text", "text": "Yes."}, "Yes."),
        ({"type": "output_text", "text": "Yes."}, "Yes."),
        ({"type": "refusal", "refusal": "No."}, "No."),
        ({"text": "Yes."}, "Yes."),
        ({"type": "tool_use", "id": "1", "name": "f", "input": {}}, ""),
        ({"type": "image", "url": "u"}, ""),
    ],
)
def test_text(block: Any, text: str) -> None:
    assert ask(message([block])).text == text


@pytest.mark.parametrize("field", ["finish_reason", "stop_reason", "done_reason"])
def test_the_finish_reason(field: str) -> None:
    response = ask(message("Cut"), message("", response_metadata={field: "length"}), message(""))
    assert (response.finish_reason, response.incomplete_reason) == ("length", "length")


def test_usage_is_added_up() -> None:
    first = {"input_tokens": 5, "output_tokens": 0, "total_tokens": 5}
    last: Any = {
        "input_tokens": 0, "output_tokens": 7, "total_tokens": 7,
        "input_token_details": {"cache_read": 3},
    }  # fmt: skip
    response = ask(message("Yes", usage_metadata=first), message(".", usage_metadata=last))
    assert response.usage == Usage(5, 7, 3)
    assert response.finish_reason == "stop"


def value_of(response: Response) -> Any:
    """Return the value in an answer that is one fence."""
    assert response.text.startswith("```json\n")
    assert response.text.endswith("\n```")
    return json.loads(response.text[8:-4])


class TestValues:
    @pytest.mark.parametrize(
        ("chunks", "value"),
        [
            ([{"a": 1}], {"a": 1}),
            ([{"a": 1}, {"a": 1, "b": "é"}], {"a": 1, "b": "é"}),
            ([[1], [1, 2]], [1, 2]),
            ([["a"], ["b"]], ["a", "b"]),
            ([{"x": message("Hi")}], {"x": "Hi"}),
            ([{"x": {1}}, {"x": {1}}], {"x": [1]}),
            ([{"x": object}], {"x": "<class 'object'>"}),
            ([{(1, 2): 3}], "{(1, 2): 3}"),
            ([Document("text", metadata={"p": 1})], None),
        ],
    )
    def test_any(self, chunks: list[Any], value: Any) -> None:
        result = value_of(ask(*chunks))
        assert result == value if value is not None else result["page_content"] == "text"

    def test_a_value_after_text(self) -> None:
        assert ask("So:", {"a": 1}).text == 'So:\n\n```json\n{\n  "a": 1\n}\n```'

    def test_a_parser(self) -> None:
        async def model(_: Any) -> AsyncIterator[AIMessageChunk]:
            for text in ('{"city": "Par', 'is", "days"', ": 3}"):
                yield message(text)

        chain = RunnableLambda(lambda messages: messages) | model | JsonOutputParser()
        cellmage.register_provider(chain, name="parser")
        stream = Conversation().stream("hi", model="parser")
        assert list(stream.partial_json())[-1] == {"city": "Paris", "days": 3}
        assert stream.response.notices == ()

    def test_branches(self) -> None:
        async def model(_: Any) -> AsyncIterator[AIMessageChunk]:
            for text in ("one ", "two"):
                yield message(text)

        chain = RunnableParallel(answer=model, count=len)
        cellmage.register_provider(chain, name="branches")
        response = Conversation().ask("hi", model="branches")
        assert value_of(response) == {"answer": "one two", "count": 1}

    def test_what_arrived_before_an_error_is_kept(self) -> None:
        with pytest.raises(CellmageError, match="KeyError") as caught:
            ask({"a": 1}, KeyError("b"))
        assert '"a": 1' in caught.value.text
