"""One rate of requests for many workers: one place owns the buckets, and workers lease from it.

A worker has at most one message under way. What is asked for meanwhile goes with the next one: the
faster a batch is, the more rows share a message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from ...errors import SpendLimitError
from ...messages import Request, Response
from ..concurrency import FIRST
from ..rate_headers import RateReport
from ..rate_limit import RateLimit
from ..spending import Spending

_FIRST_SECONDS = 1.0
"""Before a head was seen, the requests after the first `FIRST` of all workers wait until this time
after the first one. A model on this machine has no heads."""

_FRESH_SECONDS = 0.25
"""After this time a worker asks whether a pause has begun, before it uses what it has reserved."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a worker sends to the owner.

    Args:
        tokens: of each request that is to be sent.
        reports: what the heads of replies said.
        spent: US dollars since the last message.
    """

    tokens: tuple[int, ...] = ()
    reports: tuple[RateReport, ...] = ()
    spent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner answers.

    Args:
        waits: the seconds until each of the requests may be sent.
        epoch: counts the pauses; a pause makes all reservations void.
        spent: US dollars, by all workers.
    """

    waits: tuple[float, ...]
    epoch: int
    spent: Decimal


class RateOwner:
    """Owns the buckets of a batch; each message is a turn of its own.

    Args:
        clock: returns seconds of a monotonic clock.

    Example:
        >>> RateOwner().exchange(Message(tokens=(10, 20))).waits
        (0.0, 0.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = RateLimit(now=clock())
        self._spent = Decimal(0)
        self._is_told = False
        self._first = FIRST
        self._first_until: float | None = None

    def exchange(self, message: Message) -> Grant:
        """Learn from the reports, and reserve the requests."""
        now = self._clock()
        self._spent += message.spent
        for report in message.reports:
            self._limit.learn(report, now)
        self._is_told = self._is_told or bool(message.reports)
        waits = tuple(self._reserve(tokens, now) for tokens in message.tokens)
        # What was granted without a limit is void as soon as a head was seen.
        return Grant(waits, self._limit.epoch + self._is_told, self._spent)

    def _reserve(self, tokens: int, now: float) -> float:
        if self._first_until is None:
            self._first_until = now + _FIRST_SECONDS
        self._first -= 1
        must_wait = not self._is_told and self._first < 0
        wait = self._first_until - now if must_wait else 0.0
        return max(wait, self._limit.reserve(tokens, now))


Exchange = Callable[[Message], Awaitable[Grant]]
"""Sends a message to the owner, and returns its answer."""


@dataclass(slots=True)
class _Lease:
    """A request that waits for the owner's answer; one without tokens asks for the epoch alone."""

    tokens: int | None
    wait: asyncio.Future[float]


class SharedRateLimiter:
    """A `RateLimiter` of one worker, which asks the owner.

    Args:
        exchange: sends a message to the owner.
        clock: returns seconds of a monotonic clock.
    """

    def __init__(self, exchange: Exchange, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._leases: list[_Lease] = []
        self._reports: list[RateReport] = []
        self._spent_by_all = self._not_told = Decimal(0)
        self._epoch = 0
        self._told_at = clock()
        self._has_told = False
        self._messenger: asyncio.Task[None] | None = None

    @property
    def spent(self) -> Decimal:
        """US dollars, by all workers as far as is known here."""
        return self._spent_by_all + self._not_told

    def add_spent(self, amount: Decimal) -> None:
        """Count what an answer has cost; the owner is told with the next message."""
        self._not_told += amount

    async def acquire(self, tokens: int) -> float:
        """Wait until a request may be sent: see `RateLimiter`."""
        waited = 0.0
        while (wait := await self._lease(tokens)) > 0:
            epoch = self._epoch
            await asyncio.sleep(wait)
            waited += wait
            if self._clock() - self._told_at > _FRESH_SECONDS:
                await self._lease(None)
            if epoch == self._epoch:
                break
        return waited

    async def report(self, report: RateReport) -> None:
        """Tell the owner what a reply said, without waiting for it: see `RateLimiter`."""
        if self._has_told and not (report.requests or report.tokens or report.is_limited):
            return
        self._has_told = True
        # Of replies that refuse nothing, the newest says all.
        self._reports = [old for old in self._reports if old.is_limited]
        self._reports.append(report)
        self._start()

    async def _lease(self, tokens: int | None) -> float:
        lease = _Lease(tokens, asyncio.get_running_loop().create_future())
        self._leases.append(lease)
        self._start()
        return await lease.wait

    def _start(self) -> None:
        if self._messenger is None or self._messenger.done():
            self._messenger = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._leases or self._reports:
            leases, self._leases = self._leases, []
            try:
                await self._send(leases)
            except Exception as error:  # noqa: BLE001 - it is raised where the lease is awaited
                for lease in leases:
                    if not lease.wait.done():
                        lease.wait.set_exception(error)

    async def _send(self, leases: list[_Lease]) -> None:
        requests = [lease for lease in leases if lease.tokens is not None]
        reports, self._reports = tuple(self._reports), []
        spent, self._not_told = self._not_told, Decimal(0)
        tokens = tuple(lease.tokens for lease in requests if lease.tokens is not None)
        grant = await self._exchange(Message(tokens, reports, spent))
        self._epoch, self._spent_by_all = grant.epoch, grant.spent
        self._told_at = self._clock()
        waits = dict(zip(map(id, requests), grant.waits, strict=True))
        for lease in leases:
            if not lease.wait.done():
                lease.wait.set_result(waits.get(id(lease), 0.0))


class SharedSpending(Spending):
    """The cost of one part of a batch, within the budget of all workers.

    Args:
        limit: US dollars for the whole batch; None allows any cost.
        limiter: knows what all workers have spent.
    """

    def __init__(self, limit: float | None, limiter: SharedRateLimiter) -> None:
        super().__init__(limit)
        self._limiter = limiter

    def add(self, request: Request, response: Response) -> None:
        """Add an answer, also one that was cut."""
        before = self.spent
        super().add(request, response)
        self._limiter.add_spent(self.spent - before)

    def allows(self, in_flight: int) -> bool:
        """Return whether a further row may be asked: see `Spending`."""
        if self._limit is None:
            return True
        mean = self.spent / self._answers if self._answers else Decimal(0)
        return self._limiter.spent + mean * in_flight < self._limit

    def error(self) -> SpendLimitError:
        """Return the error of a row that is not asked."""
        of_all = copy(self)
        of_all.spent = self._limiter.spent
        return Spending.error(of_all)
