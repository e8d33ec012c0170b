"""Ids of tool calls: each once, in the form that the model takes, and the same in every request."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Message, Options, ToolInvocation
from cellmage.messages import Request
from cellmage.providers.call_ids import make_ids_unique

FORMS = {
    "mistral-large-latest": "[A-Za-z0-9]{9}",
    "mistralai/Codestral-22B": "[A-Za-z0-9]{9}",
    "claude-opus-5-5": "[A-Za-z0-9_-]{1,64}",
    "gpt-6-luna": "[A-Za-z0-9_-]{1,64}",
}
IDS = st.sampled_from(["call_0", "call_1", "abcd12345", "", "é", "x" * 99]) | st.text(max_size=9)
STEPS = st.lists(st.lists(IDS, min_size=1, max_size=3, unique=True), max_size=4)


def request_of(steps: list[list[str]], model: str) -> Request:
    messages = [Message("user", "Go")]
    for ids in steps:
        calls = tuple(ToolInvocation(id, "add", "{}") for id in ids)
        results = (Message("tool", "3", tool_call_id=id) for id in ids)
        messages += [Message("assistant", "", calls), *results]
    return Request(tuple(messages), Options(model=model))


@pytest.mark.parametrize("model", FORMS)
@given(steps=STEPS)
def test_any_ids(model: str, steps: list[list[str]]) -> None:
    request = request_of(steps, model)
    sent = make_ids_unique(request)
    calls = [call.id for message in sent.messages for call in message.tool_calls]
    results = [message.tool_call_id for message in sent.messages if message.role == "tool"]
    assert len(set(calls)) == len(calls)
    assert results == calls
    assert all(re.fullmatch(FORMS[model], id) for id in calls)
    assert make_ids_unique(sent) == sent
    more = make_ids_unique(request_of([*steps, ["call_0"]], model))
    assert more.messages[: len(sent.messages)] == sent.messages, "providers cache the beginning"
