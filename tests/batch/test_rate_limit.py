"""The token buckets: never above a limit, and all that servers say about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.batch.concurrency import FIRST, MOST, ConcurrencyLimit
from cellmage.batch.rate_headers import RateReport, Window, read_rate_headers
from cellmage.batch.rate_limit import Bucket, LocalRateLimiter, RateLimit
from tests.batch.virtual_server import most_within, run_virtual


@given(
    st.integers(1, 5_000),
    st.lists(st.floats(0, 20), min_size=1, max_size=300),
)
def test_no_minute_has_more_than_the_limit(limit: int, gaps: list[float]) -> None:
    bucket, now, sent = Bucket(limit, 0.0), 0.0, list[float]()
    for gap in gaps:
        now += gap / limit
        sent.append(now + bucket.reserve(1, now))
    assert sent == sorted(sent)
    assert most_within(sent, 60) <= limit


def test_a_large_amount_waits_for_a_full_bucket_and_leaves_a_debt() -> None:
    bucket = Bucket(60, 0.0)
    assert bucket.reserve(30, 0.0) == 0.0
    assert bucket.reserve(1, 0.0) == pytest.approx(30.0, rel=0.02)


def test_what_the_server_says_is_left_is_believed() -> None:
    limit = RateLimit(now=0.0)
    limit.learn(RateReport(200, Window(600, 400), Window(90_000, 80_000)), 0.0)
    assert (limit.rate.requests, limit.rate.tokens) == (600, 90_000)
    limit.learn(RateReport(200, Window(600, 0)), 0.0)
    assert limit.reserve(1, 0.0) > 0.05


def test_a_limit_on_a_day_is_no_rate() -> None:
    limit = RateLimit(now=0.0)
    limit.learn(RateReport(200, Window(14_400, 14_370, 180.0)), 0.0)
    assert limit.rate.requests is None


def test_a_pause_makes_reservations_void() -> None:
    """The requests that waited before it do not all begin at its end."""
    limiter = LocalRateLimiter(RateLimit(60, now=0.0))
    sent: list[float] = []

    async def send() -> None:
        await limiter.acquire(1)
        sent.append(asyncio.get_running_loop().time())

    async def main() -> None:
        tasks = [asyncio.create_task(send()) for _ in range(6)]
        await asyncio.sleep(2.5)
        await limiter.report(RateReport(429, retry_after=10.0))
        await asyncio.gather(*tasks)

    run_virtual(main())
    assert [round(time) for time in sent] == [0, 1, 2, 13, 14, 15] or sent[3] >= 12.5
    assert most_within(sent[3:], 0.9) == 1


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-limit-tokens": "30000",
                "x-ratelimit-remaining-tokens": "29000",
                "x-ratelimit-reset-tokens": "1m0.5s",
            },
            Window(500, 499, 0.12),
            Window(30_000, 29_000, 60.5),
        ),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2026-11-27T10:00:02Z",
                "anthropic-ratelimit-input-tokens-limit": "20000",
                "anthropic-ratelimit-input-tokens-remaining": "19000",
            },
            Window(50, 49, 2.0),
            Window(20_000, 19_000, None),
        ),
        (
            {"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "900"},
            Window(None, 9, None),
            Window(None, 900, None),
        ),
        ({"x-ratelimit-limit": "10", "x-ratelimit-reset": "1764237600000"}, Window(10), None),
        ({"x-ratelimit-limit-requests": "many"}, Window(), None),
        ({}, None, None),
    ],
)
def test_dialects(headers: dict[str, str], requests: Window | None, tokens: Window | None) -> None:
    report = read_rate_headers(200, headers, datetime(2026, 11, 27, 10, tzinfo=UTC))
    assert (report.requests, report.tokens) == (requests, tokens)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert read_rate_headers(429, headers).retry_after == seconds


@given(st.dictionaries(st.sampled_from(["x-ratelimit-limit-requests", "x-ratelimit-reset-requests",
       "retry-after", "anthropic-ratelimit-tokens-reset"]), st.text(max_size=20)))  # fmt: skip
def test_any_header_can_be_read(headers: dict[str, str]) -> None:
    limit = RateLimit(now=0.0)
    limit.learn(read_rate_headers(429, headers), 1.0)
    assert limit.reserve(1, 2.0) >= 0


def test_concurrency_grows_to_its_most_and_no_further() -> None:
    rows = ConcurrencyLimit()
    for _ in range(2 * MOST):
        rows.on_answer(1.0, is_limit_used=True)
    assert rows.limit == MOST


def test_concurrency_grows_slowly_after_an_overload() -> None:
    rows = ConcurrencyLimit()
    rows.on_overload(started_as=rows.start())
    assert rows.limit == FIRST // 2
    for _ in range(FIRST // 2):
        rows.on_answer(1.0, is_limit_used=True)
    assert rows.limit == FIRST // 2 + 1


def test_concurrency_does_not_grow_where_answers_wait_in_a_queue() -> None:
    rows = ConcurrencyLimit()
    for _ in range(FIRST):
        rows.on_answer(1.0, is_limit_used=True)
    for _ in range(50):
        rows.on_answer(20.0, is_limit_used=False)
    before = rows.limit
    rows.on_answer(20.0, is_limit_used=True)
    assert rows.limit == before
