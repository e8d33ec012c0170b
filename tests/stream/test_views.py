"""Phrases, buffers and callbacks on events; over real HTTP, with the text cut anywhere."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellmageError, Conversation, Event, ResponseStream, Token, UsageError
from cellmage.pipeline.phrases import PhraseFinder
from cellmage.stream.buffer import Buffer
from cellmage.testing import ScriptedServer, answer, chunk
from tests.kernel.client import Kernel

TEXT = st.text("abAB. \n", max_size=40)


def cut_text(text: str, sizes: list[int]) -> list[str]:
    pieces = []
    for size in [*sizes, len(text)]:
        pieces.append(text[:size])
        text = text[size:]
    return [piece for piece in pieces if piece]


@given(TEXT, st.text("abAB.", min_size=1, max_size=4), st.lists(st.integers(1, 5)), st.booleans())
def test_any_phrase_cut_anywhere(
    text: str, phrase: str, sizes: list[int], ignore_case: bool
) -> None:
    finder = PhraseFinder([phrase], ignore_case)
    offset, ends = 0, []
    for piece in cut_text(text, sizes):
        ends += [offset + end for _, end in finder.find(piece)]
        offset += len(piece)
    first = (text.lower() if ignore_case else text).find(phrase.lower() if ignore_case else phrase)
    assert ends[:1] == ([first + len(phrase)] if first >= 0 else [])


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_stop_at(connected: ScriptedServer, size: int) -> None:
    connected.play(*answer("One. Two. THE END and more, and more.", size)[:-2], end="hang")
    stream = Conversation().stream("hi").stop_at("nowhere", "THE END")
    assert "".join(stream) == "One. Two. THE END"
    response = stream.response
    assert (response.finish_reason, response.incomplete_reason, response.notices) == (
        "stop_phrase",
        None,
        (),
    )
    assert connected.last.finished.wait(5)


def test_watch_for_words(connected: ScriptedServer) -> None:
    connected.play(*answer("The sea, the Moon, and the moon.", 3))
    stream = Conversation().stream("hi").watch("moon", "sea", "sun")
    list(stream)
    assert stream.response.notices == (
        "first seen: sea, at character 7", "first seen: moon, at character 17",
    )  # fmt: skip
    assert stream.response.text == "The sea, the Moon, and the moon."


def test_the_flags(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(*answer("The Moon pulls. STOP here and more", 3))
    run = kernel.run("%%llm --watch moon --stop-at 'STOP here' --stop-at never\nGo")
    assert run.texts == ["The Moon pulls. STOP here", "(first seen: moon, at character 8)"]
    assert kernel.value("(_llm.finish_reason, _llm.incomplete_reason)") == ("stop_phrase", None)


def test_refused_once_the_stream_is_read(connected: ScriptedServer) -> None:
    stream = Conversation().stream("hi")
    list(stream)
    with pytest.raises(UsageError, match="before the stream is read"):
        stream.stop_at("x")


@given(
    TEXT, st.lists(st.integers(1, 5)), st.none() | st.integers(1, 9),
    st.sampled_from(["", ".", ".!?\n"]),
)  # fmt: skip
def test_any_buffer_loses_nothing(
    text: str, sizes: list[int], chars: int | None, until: str
) -> None:
    buffer = Buffer(chars, until)
    pieces = [piece for cut in cut_text(text, sizes) for piece in buffer.feed(cut, 0.0)]
    assert all(len(piece) >= (chars or (1 if until else 50)) for piece in pieces)
    assert all(piece[-1] in until for piece in pieces if until)
    assert "".join([*pieces, *buffer.flush()]) == text


def test_buffered_by_time() -> None:
    buffer = Buffer(chars=100, seconds=1.0)
    assert buffer.feed("a", 0.0) == []
    assert buffer.due(0.9) == []
    assert buffer.due(1.0) == ["a"]
    assert buffer.due(5.0) == []


SENTENCES = ["One two. ", "Three!", " Four"]


def read(stream: ResponseStream, is_async: bool, **limits: object) -> list[str]:
    async def gather() -> list[str]:
        return [piece async for piece in stream.buffered(**limits)]  # type: ignore[arg-type]

    return asyncio.run(gather()) if is_async else list(stream.buffered(**limits))  # type: ignore[arg-type]


@pytest.mark.parametrize("is_async", [False, True])
def test_buffered(connected: ScriptedServer, is_async: bool) -> None:
    connected.play(*answer("".join(SENTENCES), 3))
    stream = Conversation().stream("hi")
    assert read(stream, is_async, until=".!?\n") == ["One two.", " Three!", " Four"]
    assert read(Conversation().stream("hi"), is_async, chars=10) == ["One two. Thr", "ee! Four"]


@pytest.mark.parametrize("is_async", [False, True])
def test_the_time_limit_holds_while_the_model_is_silent(
    connected: ScriptedServer, is_async: bool
) -> None:
    connected.play(chunk("early"), 1.0, *answer("late"))
    started, stream = time.monotonic(), Conversation().stream("hi")
    if is_async:

        async def first() -> tuple[str, float]:
            async with stream:
                async for piece in stream.buffered(chars=99, seconds=0.2):
                    return piece, time.monotonic() - started
            return "", 0

        piece, seconds = asyncio.run(first())
    else:
        piece = next(iter(stream.buffered(chars=99, seconds=0.2)))
        seconds = time.monotonic() - started
        stream.close()
    assert (piece, seconds < 1.0) == ("early", True)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_buffer_is_flushed_before_the_error(connected: ScriptedServer, is_async: bool) -> None:
    connected.play(chunk("so far"), end="reset")
    pieces: list[str] = []

    async def gather() -> None:
        async for piece in Conversation().stream("hi").buffered(chars=99):
            pieces.append(piece)

    def loop() -> None:
        for piece in Conversation().stream("hi").buffered(chars=99):
            pieces.append(piece)

    with pytest.raises(CellmageError) as caught:
        asyncio.run(gather()) if is_async else loop()
    assert pieces == ["so far"]
    assert caught.value.text == "so far"


@pytest.mark.parametrize("is_async", [False, True])
def test_on_event(connected: ScriptedServer, is_async: bool) -> None:
    connected.play(*answer("tapped", 2))
    events: list[Event] = []
    stream = Conversation().stream("hi").on_event(events.append)
    read(stream, is_async)
    assert [event.type for event in events] == ["start", "token", "token", "token", "complete"]
    assert "".join(event.text for event in events if isinstance(event, Token)) == "tapped"


def test_a_callback_that_raises_ends_the_stream(connected: ScriptedServer) -> None:
    connected.play(chunk("one"), end="hang")

    def stop(event: Event) -> None:
        if isinstance(event, Token):
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        list(Conversation().stream("hi").on_event(stop))
    assert connected.last.finished.wait(5)
