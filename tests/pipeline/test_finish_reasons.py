"""The words of providers for the end of an answer, each with its meaning."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import pytest

from cellmage import (
    Complete,
    Conversation,
    Event,
    Notice,
    ProviderError,
    Request,
    Start,
    Token,
    ToolCall,
)
from cellmage.testing import ScriptedProvider
from tests.stream.scripts import ask

NATURAL = (
    "stop end_turn STOP FINISH_REASON_STOP COMPLETE tool_calls endTurn tool-calls REASON_STOP "
    "function_calls end_of_turn stop_token"
)

CUT = {
    "length": "length max_tokens max_completion_tokens MAX_TOKENS REASON_MAX_LEN maxTokens "
    "model_context_window_exceeded REASON_MAX_CONTEXT ERROR_LIMIT pause_turn "
    "token_limit_reached max_output_reached",
    "content_filter": "content_filter content-filter sensitive SAFETY ERROR_TOXIC "
    "guardrail_intervened blocked_by_filter",
    "provider_error": "network_error abort cancelled USER_CANCEL repetition malformed_response "
    "MALFORMED_FUNCTION_CALL unexpected_tool_call other OTHER error insufficient_system_resource "
    "timeout time_limit repetition_truncation CANCELLED_BY_USER preempted invalid_tool_call",
    "tool_limit": "TOO_MANY_TOOL_CALLS max_tool_calls",
}
CASES = [(word, kind) for kind, words in CUT.items() for word in words.split()]


def notices(events: list[Event]) -> list[str]:
    return [event.kind for event in events if isinstance(event, Notice)]


@pytest.mark.parametrize("word", NATURAL.split())
def test_natural_end(word: str) -> None:
    _, stream = ask(["Hi", Complete(word)])
    assert notices(list(stream.events)) == []
    assert stream.response.incomplete_reason is None


@pytest.mark.parametrize(("word", "kind"), CASES)
def test_with_text_the_answer_is_partial(word: str, kind: str) -> None:
    chat, stream = ask(["Hi", Complete(word)])
    assert notices(list(stream.events)) == [kind]
    assert stream.response.incomplete_reason == kind
    assert chat.turns[0].state == "partial"


@pytest.mark.parametrize(("word", "kind"), CASES)
def test_without_text_it_fails(word: str, kind: str) -> None:
    chat, stream = ask([Complete(word)])
    with pytest.raises(ProviderError) as caught:
        list(stream)
    is_full = "context" in word.lower() or word == "ERROR_LIMIT"
    assert caught.value.kind == ("context_overflow" if is_full else kind)
    assert chat.turns == ()


@pytest.mark.parametrize(("word", "kind"), CASES)
def test_tool_calls_of_a_cut_answer_are_not_run(word: str, kind: str) -> None:
    _, stream = ask([ToolCall("1", "f", "{}"), Complete(word)])
    with pytest.raises(ProviderError, match="nothing was run") as caught:
        list(stream)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("model_context_window_exceeded", "context window"),
        ("network_error", "lost the connection"),
        ("repetition", "repeated itself"),
        ("pause_turn", "`continue_answer` continues it"),
        ("tired", r"not known here \(tired\)"),
    ],
)
def test_the_notice_says_why(word: str, message: str) -> None:
    _, stream = ask(["Hi", Complete(word)])
    list(stream)
    assert re.search(message, stream.response.notices[0])


class _SmallWindow(ScriptedProvider):
    """A provider that is full with the third question."""

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        yield Start("m", self.name)
        if len(request.messages) > 3:
            yield Complete("model_context_window_exceeded")
        else:
            yield Token("fine")
            yield Complete("stop")


def test_a_full_context_window_leads_to_a_shorter_question() -> None:
    provider = _SmallWindow([])
    chat = Conversation(provider=provider)
    assert [chat.ask(word).text for word in "abc"] == ["fine"] * 3
    assert "left out" in chat.turns[-1].response.notices[0]
    assert len(provider.requests) == 4
