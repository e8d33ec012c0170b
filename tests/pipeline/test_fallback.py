"""Retries and fallbacks: before the first text, and never after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cellmage import CellmageError, Conversation, Fallback, Options, Status
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, speed_up_retries
from tests.display.test_sources import SMALL
from tests.kernel.client import Kernel

BUSY = Reply([b'{"error": {"message": "busy"}}'], status=503, content_type="application/json")
GONE = Reply([b'{"error": {"message": "gone"}}'], status=404, content_type="application/json")


@pytest.fixture(autouse=True)
def hasty() -> Iterator[None]:
    with speed_up_retries(50):
        yield


def by_model(server: ScriptedServer, **replies: Reply) -> None:
    server.play_with(lambda exchange: replies[exchange.body["model"]])


def requested_models(server: ScriptedServer) -> list[str]:
    return [exchange.body["model"] for exchange in server.exchanges]


class TestRetries:
    def test_a_server_that_recovers(self, connected: ScriptedServer) -> None:
        connected.play_each([BUSY, BUSY, Reply(answer("at last"))])
        stream = Conversation().stream("hi", model="m")
        events = list(stream.events)
        assert stream.response.text == "at last"
        assert [event.type for event in events].count("start") == 1
        lines = [event.text for event in events if isinstance(event, Status)]
        assert lines[0].endswith("the provider failed; asking again in 1 s")

    def test_retry_after_is_obeyed(self, connected: ScriptedServer) -> None:
        headers = {"retry-after": "3"}
        wait = Reply([b"{}"], status=429, headers=headers, content_type="application/json")
        connected.play_each([wait, Reply(answer("now"))])
        events = list(Conversation().stream("hi", model="m").events)
        lines = [event.text.partition("again ")[2] for event in events if isinstance(event, Status)]
        assert lines == ["in 3 s", "in 2 s", "in 1 s", ""]

    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (429, {"retry-after": "3600"}, b"{}"),
            (429, {}, b'{"error": {"code": "insufficient_quota"}}'),
            (500, {"x-should-retry": "false"}, b"{}"),
            (400, {}, b"{}"),
        ],
    )
    def test_no_retry_where_it_cannot_help(
        self, connected: ScriptedServer, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        connected.play(body, status=status, headers=headers, content_type="application/json")
        with pytest.raises(CellmageError):
            Conversation().ask("hi", model="m")
        assert len(connected.exchanges) == 1

    def test_no_retry_after_the_first_text(self, connected: ScriptedServer) -> None:
        connected.play(chunk("one"), end="reset")
        with pytest.raises(CellmageError) as caught:
            Conversation().ask("hi", model="m,n")
        assert caught.value.text == "one"
        assert requested_models(connected) == ["m"]


class TestFallback:
    def test_the_next_model_answers_with_a_notice(self, connected: ScriptedServer) -> None:
        by_model(connected, a=GONE, b=BUSY, c=Reply(answer("from c")))
        chat = Conversation(Options(fallback=("c",)))
        stream = chat.stream("hi", model="a, b")
        events = list(stream.events)
        assert requested_models(connected) == ["a", "b", "b", "b", "c"]
        assert [event.model for event in events if isinstance(event, Fallback)] == ["b", "c"]
        assert (stream.response.text, stream.response.model) == ("from c", "c")
        assert "c answered, since b at " in stream.response.notices[-1]
        assert len(chat.turns) == 1

    def test_the_last_error_is_raised_if_no_model_answers(self, connected: ScriptedServer) -> None:
        connected.play_with(lambda exchange: GONE)
        with pytest.raises(CellmageError, match=r"b at .*gone"):
            Conversation().ask("hi", model="a,b")
        assert requested_models(connected) == ["a", "b"]

    def test_an_unknown_model_is_refused_at_once(self, connected: ScriptedServer) -> None:
        with pytest.raises(CellmageError, match="there is no model offline/none"):
            Conversation().ask("hi", model="a,offline/none")
        assert not connected.exchanges

    def test_in_a_cell(self, kernel: Kernel, server: ScriptedServer) -> None:
        by_model(server, A=GONE, b=Reply(answer("from b")))
        kernel.run("%llm_config --fallback b")
        run = kernel.run("%%llm -m A\nhi")
        assert run.texts[0] == "from b"
        assert run.texts[1].startswith("(b answered, since A at")

    def test_a_message_of_a_provider_is_sanitized(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        body = b'{"error": {"message": "no <img src=x onerror=y> ![a](https://x.y/z)"}}'
        hostile = Reply([body], status=404, content_type="application/json")
        odd = Reply([chunk("fine"), finish("<b>"), DONE])
        by_model(server, a=hostile, b=odd)
        run = kernel.run("%%llm -m a,b\nhi")
        answer, notices = (output["data"]["text/markdown"] for output in run.outputs)
        assert answer == "fine"
        assert "&#60;img" in notices
        assert "&#60;b&#62;" in notices
        assert set(re.findall("<[^>]*>", notices)) <= {SMALL, "</small>", "<br>"}

    def test_the_countdown_is_shown(self, kernel: Kernel, server: ScriptedServer) -> None:
        headers = {"retry-after": "2"}
        wait = Reply([b"{}"], status=429, headers=headers, content_type="application/json")
        server.play_each([wait, Reply(answer("now"))])
        run = kernel.run("%%llm -m m\nhi")
        lines = [message.markdown for message in run.frames]
        assert [line.rstrip("*")[-3:] for line in lines if "again" in line] == ["2 s", "1 s"]
        assert run.texts == ["now"]


class TestContinuing:
    def test_the_continuation_joins_the_turn(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one two "), finish("length"), DONE)
        run = kernel.run("%%llm -m m\ncount", "c1")
        assert run.ok
        assert run.texts[1].startswith("(The answer was cut at the output limit.")
        assert "partial" in kernel.run("%llm_history").printed
        server.play(*answer("three"))
        run = kernel.run("%llm -m m --continue", "c2")
        assert run.texts == ["three"]
        roles = [role for role, _ in server.last.messages]
        assert roles == ["user", "assistant", "user"]
        assert server.last.messages[1][1] == "one two "
        server.play(*answer("ok"))
        kernel.run("%%llm -m m\nnext", "c3")
        assert server.last.messages[:2] == [("user", "count"), ("assistant", "one two three")]

    def test_a_complete_answer_is_refused(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%%llm -m m\nhi")
        requests = len(server.exchanges)
        assert "the last one is complete" in kernel.run("%llm --continue").error
        assert "takes no prompt" in kernel.run("%llm --continue more").error
        assert len(server.exchanges) == requests
