"""The line of figures below an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Response, ToolInvocation, ToolStep, Usage
from cellmage.serialization import response_from_record, response_to_record
from cellmage.stats import response_stats, stats_line

COUNT = st.none() | st.integers(0, 10**9)


def response(usage: Usage, steps: tuple[ToolStep, ...] = ()) -> Response:
    return Response("Hi", model="gpt-6-luna", provider="localhost:1", usage=usage, steps=steps)


def test_reasoning_cache_and_window() -> None:
    line = stats_line(response(Usage(100_000, 5_000, 80_000, 4_000, 10_000)))
    assert "100000 tokens in (80000 cached, 10000 written to the cache)" in line
    assert "5000 out (4000 reasoning)" in line
    assert "10 % of the context window" in line
    assert stats_line(response(Usage(3, 4, 0, 0, 0))).count("(") == 0


def test_the_sum_of_several_requests_is_no_share_of_a_window() -> None:
    steps = (ToolStep("", (ToolInvocation("c1", "add", "{}", "3"),)),)
    assert response_stats(response(Usage(9, 9), steps))["window"] == "—"
    assert response_stats(response(Usage(None, 9)))["window"] == "—"


@given(st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT))
def test_any_usage_is_stored(usage: Usage) -> None:
    record = json.loads(json.dumps(response_to_record(response(usage))))
    assert response_from_record("Hi", record) == response(usage)


@pytest.mark.parametrize("stored", [[3, 4], [3, 4, 2], [3, 4, None, 5]])
def test_counts_of_older_records(stored: list[int | None]) -> None:
    assert response_from_record("Hi", {"usage": stored}).usage == Usage(*stored)
