"""Against llama.cpp's own server, with a tiny model of random weights."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cellmage import Complete, ConfigError, Conversation, Options, Token
from tests.interop.tiny import write
from tests.kernel.client import Kernel


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"gguf/{write(tmp_path_factory.mktemp('weights') / 'tiny.gguf')}"


def test_an_answer(model: str) -> None:
    stream = Conversation().stream("hi", model=model, temperature=0, max_tokens=40)
    pieces = list(stream)
    response = stream.response
    assert "".join(pieces) == response.text
    assert response.finish_reason in ("stop", "length")
    assert (response.incomplete_reason == "length") == (response.finish_reason == "length")
    assert response.usage is not None
    assert response.usage.input_tokens
    assert response.provider == "llamacpp"


@pytest.mark.slow
def test_the_same_answer_by_every_view(model: str) -> None:
    options = Options(model=model, temperature=0, max_tokens=40, extra_body={"seed": 1})
    chat = Conversation(options)
    text = chat.ask("hi", history="ignore").text

    async def gather() -> str:
        return "".join([text async for text in chat.astream("hi", history="ignore")])

    events = list(chat.stream_events("hi", history="ignore"))
    assert asyncio.run(gather()) == text
    assert "".join(event.text for event in events if isinstance(event, Token)) == text
    assert isinstance(events[-1], Complete)


def test_a_conversation(model: str) -> None:
    chat = Conversation(Options(model=model, max_tokens=10, temperature=0))
    first = chat.ask("one")
    assert chat.ask("two").usage.input_tokens > first.usage.input_tokens  # type: ignore[union-attr, operator]


def test_leaving_stops_the_server(model: str) -> None:
    chat = Conversation(Options(model=model, max_tokens=1500, extra_body={"ignore_eos": True}))
    stream = chat.stream("hi")
    with stream:
        for _ in stream:
            break
    assert stream.response.incomplete_reason == "closed"
    assert chat.ask("again", max_tokens=5, history="ignore").text is not None


def test_a_request_that_the_server_refuses(model: str) -> None:
    with pytest.raises(Exception, match="HTTP 400") as caught:
        Conversation().ask("hi", model=model, extra_body={"grammar": "root ::= ("})
    assert type(caught.value).__name__ == "HTTPStatusError"


def test_a_form_that_the_server_refuses(model: str) -> None:
    form = {"response_format": {"type": "odd"}}
    response = Conversation().ask("hi", model=model, max_tokens=5, extra_body=form)
    assert any("response_format" in notice for notice in response.notices)


def test_in_a_cell(kernel: Kernel, model: str) -> None:
    run = kernel.run(f"%%llm -m {model} --max-tokens 20 -t 0\nhi", "c1")
    assert run.ok
    assert not run.of_type("stream"), "llama.cpp writes nothing into the cell"
    assert kernel.value("_llm.usage.output_tokens") >= 1


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no weights file"):
        Conversation().ask("hi", model=f"gguf/{tmp_path / 'none.gguf'}")
    (tmp_path / "bad.gguf").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Conversation().ask("hi", model=f"gguf/{tmp_path / 'bad.gguf'}")
