"""The line of figures below an answer."""

from __future__ import annotations

from cellmage import Response, ToolInvocation, ToolStep, Usage
from cellmage.stats import response_stats, stats_line


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
