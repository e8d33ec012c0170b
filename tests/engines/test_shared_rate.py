from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import ConnectError
from cellmage.batch.concurrency import FIRST
from cellmage.batch.engines.shared_rate import Grant, Message, RateOwner, SharedRateLimiter
from cellmage.batch.rate_headers import RateReport, Window
from cellmage.batch.rate_limit import RateLimit

SIXTY_PER_MINUTE = RateReport(200, Window(60, 0, 1.0))


class Owner:
    """An owner that is asked with a turn of the loop between, as over a connection."""

    def __init__(self) -> None:
        self.owner = RateOwner()
        self.messages: list[Message] = []

    async def exchange(self, message: Message) -> Grant:
        self.messages.append(message)
        await asyncio.sleep(0.001)
        return self.owner.exchange(message)


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


@given(
    limit=st.integers(1, 6000),
    requests=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2)), min_size=1, max_size=200),
)
def test_all_workers_together_get_what_one_would_get(
    limit: int, requests: list[tuple[int, float]]
) -> None:
    """The owner's waits are those of one bucket, in whatever messages the workers ask."""
    now = 0.0
    owner = RateOwner(clock=lambda: now)
    one = RateLimit(now=0.0)
    told = RateReport(200, Window(float(limit), float(limit), 1.0))
    owner.exchange(Message(reports=(told,)))
    one.learn(told, 0.0)
    for count, seconds in requests:
        now += seconds
        grant = owner.exchange(Message(tokens=(5,) * count))
        assert list(grant.waits) == [one.reserve(5, now) for _ in range(count)]


def test_before_a_head_was_seen_the_workers_together_send_what_one_would_send() -> None:
    now = 0.0
    owner = RateOwner(clock=lambda: now)
    grants = [owner.exchange(Message(tokens=(1,) * 10)) for _ in range(4)]
    waits = [wait for grant in grants for wait in grant.waits]
    assert (waits.count(0), waits[:FIRST].count(0)) == (FIRST, FIRST)
    told = owner.exchange(Message(reports=(RateReport(200),)))
    assert told.epoch != grants[-1].epoch, "those that wait ask again"
    assert owner.exchange(Message(tokens=(1,) * 100)).waits == (0.0,) * 100


def test_rows_that_wait_together_share_a_message() -> None:
    owner = Owner()

    async def work() -> None:
        limiter = SharedRateLimiter(owner.exchange)
        await limiter.report(RateReport(200))
        await asyncio.gather(*(limiter.acquire(7) for _ in range(100)))

    run(work)
    assert [message.tokens for message in owner.messages] == [(), (7,) * 100]


def test_a_row_that_need_not_wait_has_not_waited() -> None:
    assert run(lambda: SharedRateLimiter(Owner().exchange).acquire(1)) == 0


def test_a_limit_told_to_one_worker_slows_the_other() -> None:
    owner = Owner()

    async def work() -> float:
        first, second = SharedRateLimiter(owner.exchange), SharedRateLimiter(owner.exchange)
        await first.report(RateReport(200, Window(6000, 1, 1.0)))
        await first.acquire(1)
        return await second.acquire(1)

    assert run(work) > 0


def test_a_pause_told_to_one_worker_makes_the_reservations_of_the_other_void() -> None:
    owner = Owner()

    async def work() -> tuple[float, int]:
        first, second = SharedRateLimiter(owner.exchange), SharedRateLimiter(owner.exchange)
        await first.report(RateReport(200, Window(60, 0, 1.0)))
        await first.acquire(1)  # a second later
        waiting = asyncio.create_task(second.acquire(1))
        await asyncio.sleep(0.05)
        await first.report(RateReport(429, retry_after=1.5))
        return await waiting, owner.owner.exchange(Message()).epoch - 1

    waited, epoch = run(work)
    assert epoch == 1
    assert waited > 1.4


def test_of_heads_that_tell_nothing_the_first_is_sent() -> None:
    owner = Owner()

    async def work() -> None:
        limiter = SharedRateLimiter(owner.exchange)
        for _ in range(10):
            await limiter.report(RateReport(200))
        await limiter.acquire(1)

    run(work)
    assert sum(len(message.reports) for message in owner.messages) == 1, "only that there is none"


def test_of_heads_the_newest_and_all_refusals_are_sent() -> None:
    owner = Owner()

    async def work() -> None:
        limiter = SharedRateLimiter(owner.exchange)
        refusal = RateReport(429, retry_after=0.01)
        for remaining in (9, 8, 7):
            await limiter.report(RateReport(200, Window(60, remaining, 1.0)))
            await limiter.report(refusal)
        await limiter.report(SIXTY_PER_MINUTE)
        await limiter.acquire(1)

    run(work)
    reports = owner.messages[0].reports
    assert [report.status for report in reports] == [429, 429, 429, 200]
    assert reports[-1] is SIXTY_PER_MINUTE


def test_what_a_worker_has_spent_is_known_to_the_others() -> None:
    owner = Owner()

    async def work() -> Decimal:
        first, second = SharedRateLimiter(owner.exchange), SharedRateLimiter(owner.exchange)
        first.add_spent(Decimal("0.25"))
        assert first.spent == Decimal("0.25")
        await first.acquire(1)
        second.add_spent(Decimal("0.5"))
        await second.acquire(1)
        await first.acquire(1)
        assert second.spent == Decimal("0.75")
        return first.spent

    assert run(work) == Decimal("0.75")


def test_rows_that_wait_for_a_lost_owner_fail() -> None:
    async def exchange(message: Message) -> Grant:
        raise ConnectError("the owner is gone")

    async def work() -> list[Any]:
        limiter = SharedRateLimiter(exchange)
        waiting = [limiter.acquire(1) for _ in range(3)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(error) for error in run(work)] == ["the owner is gone"] * 3


def test_a_cancelled_row_does_not_disturb_the_others() -> None:
    async def work() -> float:
        limiter = SharedRateLimiter(Owner().exchange)
        cancelled = asyncio.create_task(limiter.acquire(1))
        other = asyncio.create_task(limiter.acquire(1))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return await other

    assert run(work) == 0
