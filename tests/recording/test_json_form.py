"""Records as JSON: what is kept, what is left out, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import UsageError
from cellmage.events import (
    Complete,
    Document,
    Event,
    Fallback,
    Notice,
    ProviderState,
    Reasoning,
    Start,
    Token,
    ToolCall,
    ToolResult,
)
from cellmage.messages import Response, Timings, ToolInvocation, ToolStep, Usage
from cellmage.recording import Input, Inputs, Record, TimedEvent
from cellmage.recording.json_form import record_from_json, record_to_json

_TEXTS = st.text(max_size=8)
_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Start, _TEXTS, _TEXTS),
    st.builds(Token, _TEXTS),
    st.builds(Reasoning, _TEXTS),
    st.builds(Document, _TEXTS, _TEXTS, _TEXTS, st.integers(0, 99)),
    st.builds(ProviderState, _TEXTS, _TEXTS, _TEXTS, _TEXTS),
    st.builds(ToolCall, _TEXTS, _TEXTS, _TEXTS),
    st.builds(ToolResult, _TEXTS, _TEXTS, _TEXTS),
    st.builds(Fallback, _TEXTS, _TEXTS, _TEXTS),
    st.builds(Notice, _TEXTS, _TEXTS, st.booleans(), _TEXTS),
    st.builds(
        Complete, st.none() | _TEXTS, st.none() | st.builds(Usage, st.integers(0), st.integers(0))
    ),
)
RECORDS = st.builds(
    Record,
    st.builds(Inputs, st.lists(st.builds(Input, _TEXTS, _TEXTS, _TEXTS), max_size=4).map(tuple)),
    _TEXTS,
    st.builds(Response, _TEXTS, _TEXTS, _TEXTS),
    _TEXTS,
    st.integers(1, 9),
    st.text(min_size=1, max_size=4),
    st.integers(0, 9),
    st.lists(
        st.builds(TimedEvent, st.integers(0, 9000).map(lambda n: n / 1000), _EVENTS), max_size=4
    ).map(tuple),
)

STATE = ProviderState("chat", '{"reasoning_content": "Hm."}', "p", "m")
RECORD = Record(
    Inputs((Input("model", "1", "m"), Input("prompt", "2", "Hi"))),
    "Hi",
    Response(
        "Let me see. 5",
        steps=(ToolStep("Let me see.", (ToolInvocation("c", "add", "{}", "5"),), (STATE,)),),
        state=(STATE,),
        timings=Timings(0.5, 1.5, 3),
    ),
    "2026-11-27",
    events=(TimedEvent(0.5, Start("m", "p")), TimedEvent(0.7, STATE)),
)


@given(RECORDS)
def test_any_record_comes_back_as_it_was(record: Record) -> None:
    text = json.dumps(record_to_json(record, with_state=True, with_times=True))
    assert record_from_json(json.loads(text)) == record


def test_opaque_state_and_times_are_kept_only_where_asked_for() -> None:
    everything = record_to_json(RECORD, with_state=True, with_times=True)
    assert record_from_json(everything) == RECORD
    plain = json.dumps(record_to_json(RECORD))
    assert "reasoning_content" not in plain
    assert "1.5" not in plain
    assert "0.7" not in plain
    assert record_from_json(json.loads(plain)).response.text == RECORD.response.text


def test_an_answer_with_state_alone_is_told_from_one_without() -> None:
    without = record_from_json(record_to_json(RECORD)).response
    assert without == replace(
        RECORD.response,
        state=(),
        timings=None,
        steps=(replace(RECORD.response.steps[0], state=()),),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": None},
        {"inputs": [["model", "1"]]},
        {"prompt": 5},
        {"text": None},
        {"response": []},
        {"response": {"usage": "many"}},
        {"asked_on": 20261127},
        {"number": "one"},
        {"number": True},
        {"cell": ["c"]},
        {"cell": ["c", -1]},
        {"events": {}},
        {"events": [["unheard of", {}]]},
        {"events": [["kept", {"asked_on": "2026-11-27", "is_told": True}]]},
        {"events": [["token", {}]]},
        {"events": [["token", {"text": 5}]]},
        {"events": [["token", {"text": "a", "more": 1}]]},
        {"events": [["complete", {"usage": {"input_tokens": "1"}}]]},
        {"events": [["complete", {"usage": {"unheard_of": 1}}]]},
        {"events": [["complete", {"usage": [1]}]]},
        {"events": [["token", {"text": "a"}, "soon"]]},
    ],
)
def test_another_object_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        record_from_json({**record_to_json(RECORD), **change})
    with pytest.raises(UsageError):
        record_from_json([change])
