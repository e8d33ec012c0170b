"""Providers that break the protocol: one clear error on each way to read, and no reader hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from cellmage import Complete, Conversation, ProviderError, Request, Start, Token
from cellmage.pipeline.provider_check import ask_provider

SECONDS = 20
"""Longer than any answer here takes; a reader that hangs is seen then."""


class Bad:
    name = "bad"

    def __init__(self, stream: Callable[[Any], Any]) -> None:
        self.stream = stream


def raising(error: type[BaseException]) -> Callable[[Any], AsyncIterator[Any]]:
    async def stream(request: Any) -> AsyncIterator[Any]:
        yield Start("m", "bad")
        raise error

    return stream


def yielding(*events: Any) -> Callable[[Any], AsyncIterator[Any]]:
    async def stream(request: Any) -> AsyncIterator[Any]:
        for event in events:
            yield event

    return stream


def failing(error: BaseException) -> Callable[[Any], Any]:
    def stream(request: Any) -> Any:
        raise error

    return stream


async def failing_at_its_end(request: Any) -> AsyncIterator[Any]:
    try:
        yield Start("m", "bad")
        yield Complete("stop")
    finally:
        raise OSError("two\nlines")


async def not_closing(request: Any) -> AsyncIterator[Any]:
    try:
        yield Start("m", "bad")
        yield Complete("stop")
    except GeneratorExit:
        yield Token("a")


async def coroutine(request: Any) -> int:
    return 1


def generator(request: Any) -> Iterator[Any]:
    yield Start("m", "bad")


def ask(chat: Conversation) -> None:
    chat.ask("Hi")


def aask(chat: Conversation) -> None:
    asyncio.run(chat.aask("Hi"))


def compare(chat: Conversation) -> None:
    both = chat.compare("Hi", ["a", "b"])
    list(both)
    raise both.errors[0]


CASES: list[tuple[Callable[[Any], Any], str]] = [
    (raising(SystemExit), "the provider bad raised SystemExit"),
    (raising(KeyboardInterrupt), "the provider bad raised KeyboardInterrupt"),
    (raising(GeneratorExit), "the provider bad raised GeneratorExit"),
    (raising(asyncio.CancelledError), "the provider bad was cancelled from within"),
    (failing(SystemExit(3)), "the provider bad raised SystemExit: 3"),
    (failing_at_its_end, "the provider bad failed at its end: OSError: two lines"),
    (not_closing, "the provider bad failed at its end: RuntimeError: async generator ignored"),
    (yielding(None), "yielded a NoneType that is no event"),
    (yielding("text"), "yielded a str that is no event"),
    (yielding(Start("m", "bad"), Token(5)), "yielded a Token that is no event"),  # type: ignore[arg-type]
    (lambda request: None, "returned a NoneType in place of events"),
    (lambda request: [Start("m", "bad")], "returned a list in place of events"),
    (coroutine, "returned a coroutine in place of events"),
    (generator, "returned a generator in place of events"),
]


@pytest.mark.parametrize("read", [ask, aask, compare])
@pytest.mark.parametrize(("stream", "message"), CASES, ids=[message for _, message in CASES])
def test_a_provider_that_breaks_the_protocol(
    stream: Callable[[Any], Any], message: str, read: Callable[[Conversation], None]
) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            read(Conversation(provider=Bad(stream)))
        except BaseException as error:  # noqa: BLE001 - each is looked at
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    (error,) = errors
    assert isinstance(error, ProviderError)
    assert message in str(error)


def test_what_follows_the_end_is_not_read() -> None:
    events = [Start("m", "bad"), Token("a"), Complete("stop"), Token("b"), Complete("stop")]
    response = Conversation(provider=Bad(yielding(*events))).ask("Hi")
    assert (response.text, response.incomplete_reason) == ("a", None)


def test_python_closes_an_answer_whose_event_loop_is_gone() -> None:
    """Python throws GeneratorExit into it; that is no error of the provider."""

    async def stream(request: Any) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield Start("m", "bad")

    async def read() -> None:
        async for _ in ask_provider(Bad(stream), Request(())):
            pass

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # the task is destroyed while pending
    reading = read()
    task = loop.create_task(reading)
    loop.run_until_complete(asyncio.sleep(0))
    reading.close()
    del task
    loop.close()
