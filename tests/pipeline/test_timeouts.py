"""The limits on the wait for the first text and for further text."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cellmage import (
    Conversation,
    Notice,
    Options,
    Reasoning,
    ResponseStream,
    ResponseTimeoutError,
)
from cellmage.testing import ScriptedServer
from tests.stream.scripts import READERS, ask


@pytest.mark.parametrize("read", READERS)
def test_no_first_text(read: Callable[[ResponseStream], list[str]]) -> None:
    _, stream = ask([Notice("x", "not text"), 5.0, "a"], timeout=0.05)
    with pytest.raises(
        ResponseTimeoutError, match=r"no text arrived within 0.05 s; `timeout`"
    ) as caught:
        read(stream)
    assert caught.value.kind == "timeout_first_token"


def test_no_further_text() -> None:
    _, stream = ask(["a", 5.0, "b"], idle_timeout=0.05)
    with pytest.raises(
        ResponseTimeoutError, match=r"no further text arrived within 0.05 s; `idle_timeout`"
    ) as caught:
        list(stream)
    assert caught.value.kind == "stalled"
    assert stream.response.text == "a"


def test_no_reply_at_all(server: ScriptedServer) -> None:
    server.play(transfer="none", end="hang")
    chat = Conversation(Options(base_url=server.url, first_byte_timeout=0.05))
    with pytest.raises(ResponseTimeoutError, match="`first_byte_timeout` allows more") as caught:
        chat.ask("hi")
    assert caught.value.kind == "timeout_first_byte"


def test_reasoning_counts_as_text() -> None:
    _, stream = ask([Reasoning("hm"), 0.1, "a"], timeout=0.05, idle_timeout=5.0)
    assert list(stream) == ["a"]


def test_the_time_of_a_slow_consumer_does_not_count() -> None:
    _, stream = ask(["a", 0.01, "b", 0.01, "c"], idle_timeout=0.2)
    texts = []
    for text in stream:
        time.sleep(0.3)
        texts.append(text)
    assert texts == ["a", "b", "c"]
