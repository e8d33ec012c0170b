"""A request that its server has cut without a word."""

from __future__ import annotations

import pytest

from cellmage import Conversation, Options
from cellmage.messages import Message, Request, Usage
from cellmage.pipeline.silent_cuts import fewest_tokens, notice_of_cut
from cellmage.testing import DONE, ScriptedServer, chunk, finish, usage

PROSE = "The quick brown fox, it seems, jumps over the lazy dog; nobody minds. "


def request_of(text: str) -> Request:
    return Request((Message("user", text),), Options(model="llama3.2"))


# What tokenizers in use count at the fewest: the vocabularies of 200 000 entries.
COMPLETE = {
    "prose": (PROSE * 400, 400 * 17),
    "blanks": (" " * 90_000, 1_200),
    "rules": ("=" * 90_000, 1_400),
    "one long word": ("x" * 90_000, 5_000),
    "base64": ("iVBORw0KGgoAAAANSUhEUg" * 900, 12_000),
    "code": ("self.items.append(value)\n" * 900, 900 * 7),
    "Chinese": ("今天天气很好我们去公园" * 900, 900 * 6),
    "Russian": ("Быстрая лиса прыгает. " * 900, 900 * 5),
    "Hindi": ("नमस्ते दुनिया, आप कैसे हैं? " * 900, 900 * 9),
    "emoji": ("🎉" * 9_000, 9_000),
    "lines of a box": (("─" * 80 + "\n") * 400, 2_400),
}


@pytest.mark.parametrize("name", COMPLETE)
def test_no_cut_is_seen_where_none_is(name: str) -> None:
    text, count = COMPLETE[name]
    assert notice_of_cut(request_of(text), Usage(count)) is None
    assert fewest_tokens(text) <= count


@pytest.mark.parametrize("counted", [2048, 4096, 8192])
def test_a_cut_is_seen(counted: int) -> None:
    notice = notice_of_cut(request_of(PROSE * (counted // 7)), Usage(counted))
    assert notice is not None
    assert f"{counted} tokens" in notice.text
    assert "ollama/llama3.2" in notice.text


def test_a_window_that_the_user_has_set() -> None:
    options = Options(model="llama3.2", extra_body={"num_ctx": 4096})
    notice = notice_of_cut(Request((Message("user", PROSE * 600),), options), Usage(4096))
    assert notice is not None
    assert "ollama/" not in notice.text


@pytest.mark.parametrize("counts", [None, Usage(), Usage(0, 9), Usage(1000), Usage(2000, 9, 9000)])
def test_counts_that_say_nothing(counts: Usage | None) -> None:
    assert notice_of_cut(request_of(PROSE * 400), counts) is None


def test_over_http(server: ScriptedServer) -> None:
    chat = Conversation(Options(model="llama3.2", base_url=server.url))
    server.play(chunk("Hi"), finish(), usage(4096, 5), DONE)
    (notice,) = chat.ask(PROSE * 600).notices
    assert notice.startswith("The server read 4096 tokens of at least")
    server.play(chunk("Hi"), finish(), usage(12_000, 5), DONE)
    assert chat.ask("And now?").notices == ()
