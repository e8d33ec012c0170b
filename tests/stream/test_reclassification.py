"""Text that turns out to be reasoning, for everything that had it as text."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import (
    Complete,
    Conversation,
    Event,
    ProviderError,
    Reclassification,
    Response,
    Token,
    ToolCall,
    ToolResult,
    Turn,
    show,
)
from cellmage.conversation.store.drafts import Draft
from cellmage.display.rich_console import RichConsole
from cellmage.display.terminal import PlainTextDisplay, TerminalDisplay
from cellmage.messages import Timings
from cellmage.rendering.answer import AnswerRenderer
from cellmage.rendering.comparison import ComparisonRenderer
from cellmage.stream.accumulator import Accumulator, accumulate
from cellmage.testing import (
    DONE,
    Reply,
    ScriptedProvider,
    ScriptedServer,
    answer,
    chunk,
    finish,
    tool_call,
)

MOVE = Reclassification("hm so")
STEPS: list[Any] = ["hm", " so", MOVE, "Hel", "lo"]


def respond(events: list[Event]) -> Response:
    return accumulate(events, timings=Timings(None, 0.0), incomplete_reason=None)


@given(st.lists(st.text(min_size=1)), st.text(), st.integers(0, 20), st.text())
def test_any_end_of_the_text_moves(pieces: list[str], call: str, size: int, rest: str) -> None:
    text = "".join(pieces)
    moved = text[max(0, len(text) - size) :]
    events = [*map(Token, pieces), Reclassification(moved), Token(rest)]
    response = respond([ToolCall("a", "f", call), ToolResult("a", "f", "1"), *events])
    assert response.reasoning == moved
    assert response.text == text[: len(text) - len(moved)] + rest
    assert response.final_text == response.text


def test_the_text_of_a_step_before_stays() -> None:
    calls = [ToolCall("a", "f", "{}"), ToolResult("a", "f", "1")]
    response = respond([Token("See."), *calls, Token("hm"), Reclassification("hm"), Token("It is")])
    assert (response.text, response.reasoning) == ("See.It is", "hm")
    assert response.steps[0].text == "See."


def test_the_time_of_the_first_token_is_that_of_the_answer() -> None:
    accumulator = Accumulator("r", clock=iter([0.0, 1.0, 5.0, 9.0]).__next__)
    accumulator.start()
    for event in (Token("hm"), Reclassification("hm"), Token("Hello")):
        accumulator.add(event)
    timings = accumulator.response(None).timings
    assert timings is not None
    assert timings.time_to_first_token == 5.0


def test_views_of_a_stream() -> None:
    chat = Conversation(provider=ScriptedProvider(STEPS))
    stream = chat.stream("hi")
    assert "".join(stream) == "hm soHello", "what was yielded cannot be taken back"
    assert (stream.response.text, stream.response.reasoning) == ("Hello", "hm so")
    assert chat.turns[0].messages()[1].content == "Hello"
    assert MOVE in list(chat.stream("hi").events)


def test_the_value_is_that_of_the_answer() -> None:
    steps = ["[1, ", "2]", Reclassification("[1, 2]"), '{"a": 1}']
    chat = Conversation(provider=ScriptedProvider(steps))
    assert list(chat.stream("hi").partial_json())[-1] == {"a": 1}


def test_phrases_are_found_in_the_answer() -> None:
    chat = Conversation(provider=ScriptedProvider(["a E", Reclassification("a E"), "ND, b END c"]))
    stream = chat.stream("hi").stop_at("END").watch("b")
    list(stream)
    assert stream.response.text == "ND, b END"
    assert stream.response.notices == ("first seen: b, at character 5",)


def test_an_answer_of_reasoning_alone_has_no_text() -> None:
    steps = ["hm", Reclassification("hm"), Complete("length")]
    with pytest.raises(ProviderError) as raised:
        Conversation(provider=ScriptedProvider(steps)).ask("hi")
    assert raised.value.kind == "length"


def test_reasoning_before_a_tool_call_is_not_sent_again(connected: ScriptedServer) -> None:
    def f() -> str:
        return "1"

    call = [chunk("hm"), chunk("</think>\n"), tool_call("f", "{}"), finish("tool_calls"), DONE]
    connected.play_with(
        lambda exchange: Reply(call if len(exchange.messages) == 1 else answer("It is 1."))
    )
    response = Conversation().stream("hi", tools=[f], approve="always")
    assert "".join(response) == "hmIt is 1."
    assert response.response.text == "It is 1."
    assert connected.last.body["messages"][1]["content"] in ("", None)


def test_a_draft_of_a_killed_kernel_loses_nothing() -> None:
    texts = iter(["hm", "hm so", "Hello", "Hello, you"])
    draft = Draft(Turn("hi", Response("")), lambda: Response(next(texts)))
    assert [draft.take_new()[0] for _ in range(4)] == ["hm", " so", "Hello", ", you"]


def test_a_pipe_gets_the_end_tag(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Conversation(provider=ScriptedProvider(["hm so", 0.1, *STEPS[2:]])).stream("hi")
    show(stream)
    assert capsys.readouterr().out == "hm so\n</think>\n\nHello\n"


@pytest.mark.parametrize("pause", [0.1, 0.0])
def test_a_terminal_shows_the_answer(pause: float) -> None:
    output = io.StringIO()
    display = TerminalDisplay(RichConsole(file=output, force_terminal=True, width=60))
    steps = ["hm.\n\nso", pause, Reclassification("hm.\n\nso"), pause, "Hel", "lo"]
    stream = Conversation(provider=ScriptedProvider(steps)).stream("hi")
    AnswerRenderer(stream, display).render()
    end = output.getvalue().split("reasoning: 7 characters")[1]
    assert "Hello" in end
    assert "so" not in end


def test_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    chat = Conversation(provider=ScriptedProvider(STEPS))
    both = chat.compare("hi", ["a", "b"])
    output = io.StringIO()
    ComparisonRenderer(both, PlainTextDisplay(output)).render()
    assert output.getvalue().count("Hello") == 2
    assert "hm" not in output.getvalue()
