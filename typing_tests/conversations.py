"""Questions and answers: `ask`, `stream`, options, turns."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Unpack, assert_type

from cellmage import (
    CellmageError,
    CellRef,
    Comparison,
    Conversation,
    Event,
    Message,
    Notice,
    Options,
    Provider,
    Request,
    Response,
    ResponseStream,
    StreamArguments,
    Token,
    Turn,
    Usage,
    show,
    sse,
)

chat = Conversation(Options(model="offline/echo", system="Be brief.", extra_body={"seed": 1}))


def read_answers() -> None:
    response = chat.ask("Hello", temperature=0, max_tokens=10)
    assert_type(response, Response)
    assert_type(response.text, str)
    assert_type(response.usage, Usage | None)
    assert_type(response.messages(), tuple[Message, ...])
    assert_type(chat.request("Hello", model="offline/tour"), Request)
    assert_type(chat.turns, tuple[Turn, ...])
    assert_type(copy.deepcopy(chat), Conversation)
    assert_type(chat.options, Options)
    assert_type(chat.provider, Provider | None)
    assert_type(chat.options.extra_body, Mapping[str, Any])
    assert_type(chat.continue_answer(temperature=0), ResponseStream)
    for text in chat.stream("Hello", Options(temperature=0), cell=CellRef("a", 0)):
        assert_type(text, str)
    with chat.stream("Hello", history="ignore", commit="never") as stream:
        assert_type(stream, ResponseStream)
        assert_type(stream.id, str)
        assert_type(stream.request, Request)
        assert_type("".join(stream.buffered(chars=50, until=".", seconds=0.5)), str)


async def read_asynchronously() -> None:
    assert_type(await chat.aask("Hello", model="offline/echo"), Response)
    async with chat.astream("Hello") as stream:
        async for text in stream:
            assert_type(text, str)
    async for piece in chat.astream("Hello").buffered(chars=10):
        assert_type(piece, str)
    async for event in chat.astream_events("Hello"):
        assert_type(event, Event)
    async for frame in sse.encode(chat.stream("Hello").events):
        assert_type(frame, str)
    await stream.aclose()


def read_events() -> Iterator[str]:
    for event in chat.stream_events("Hello"):
        if isinstance(event, Token):
            yield event.text
        elif event.type == "notice":
            assert_type(event, Notice)
        elif event.type == "complete":
            assert_type(event.usage, Usage | None)
    match next(iter(chat.stream("Hello").events)):
        case Token(text):
            assert_type(text, str)
        case _:
            pass


def read_json() -> None:
    view = chat.stream('{"a": 1}').partial_json()
    for value in view:
        assert_type(value, Any)
    assert_type(view.result, Any)
    assert_type(view.notice, str)


def compare() -> None:
    both = chat.compare("Hello", ["offline/echo", "offline/tour"], select="offline/echo")
    assert_type(both, Comparison)
    for index, event in both:
        assert_type(index, int)
        assert_type(event, Event)
    assert_type(both.streams, tuple[ResponseStream, ...])
    assert_type(both.selected.response, Response)
    assert_type(both.responses, list[Response])
    assert_type(both.errors, dict[int, Exception])
    chat.compare("Hello", "offline/echo,offline/tour", temperature=0)
    show(both)
    show(chat.stream("Hello"), image_hosts=["example.org"])


def chain() -> str:
    stream = chat.stream("Hello").watch("moon", "sun").stop_at("END").on_event(print)
    assert_type(stream, ResponseStream)
    return "".join(stream)


def ask_briefly(prompt: str, **arguments: Unpack[StreamArguments]) -> str:
    """Pass on all arguments, as a function of one's own around `ask` does."""
    return chat.ask(prompt, Options(system="Be brief."), **arguments).text


def give_one_text_or_several() -> None:
    chat.ask("Hello", stop_at="END", watch=["sun", "moon"], fallback=("a", "b"))
    options = Options(stop_at="END", watch=["sun"], fallback=("a",))
    assert_type(options.stop_at, tuple[str, ...] | None)
    ask_briefly("Hello", stop_at=["END"])


def fail() -> bool:
    try:
        chat.ask("Hello")
    except CellmageError as error:
        assert_type(error.text, str)
        return error.kind == "rate_limited"
    return False
