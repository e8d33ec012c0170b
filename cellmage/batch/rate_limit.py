"""The rate of requests: token buckets that learn from what a server says.

OpenAI, Azure and Anthropic may enforce a limit per minute over a second. So requests are spread
evenly, and never sent as fast as the minute's limit would allow at once.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Protocol

from .rate_headers import RateReport, Window

_MINUTE = 60.0

_BURST_SECONDS = 0.25
"""A bucket is full after this time without a request: it makes up for a loop that was busy."""

_SHARE = 0.99
"""The share of the limit that is used: a busy machine sends some of the requests late."""

_UNTOLD_PAUSE_SECONDS = 1.0
"""The pause after a refusal that does not say how long to wait."""


class RateLimiter(Protocol):
    """Decides when the next request may be sent; several workers may share one."""

    async def acquire(self, tokens: int) -> float:
        """Wait until a request of this many tokens may be sent.

        Returns:
            the seconds that were waited.
        """

    async def report(self, report: RateReport) -> None:
        """Learn from the head of a reply."""


class Bucket:
    """A token bucket; pure, the clock is the caller's.

    A reservation may make the level negative: the debt is the wait, so waits are first in, first
    out. In any minute no more than the limit is taken.

    Args:
        limit: how much may be taken in a minute; None if it is not known.
        now: seconds of the caller's clock.

    Example:
        >>> bucket = Bucket(60, now=0.0)
        >>> [round(bucket.reserve(1, now=0.0), 1) for _ in range(3)]
        [0.0, 1.0, 2.0]
    """

    def __init__(self, limit: float | None, now: float) -> None:
        self.limit: float | None = None
        self._rate = self._capacity = math.inf
        self._level = 0.0
        self._updated_at = now
        if limit is not None:
            self._set_limit(limit)

    def reserve(self, amount: float, now: float) -> float:
        """Take an amount, and return the seconds until it may be used."""
        if self.limit is None:
            return 0.0
        self._fill(now)
        # An amount above the capacity waits for a full bucket, and leaves a debt.
        missing = min(amount, self._capacity) - self._level
        self._level -= amount
        return max(0.0, self._updated_at - now + missing / self._rate)

    def stop(self, until: float, now: float) -> None:
        """Forget all reservations, and let nothing flow in until a time."""
        self._fill(now)
        self._level = 0.0
        self._updated_at = max(self._updated_at, until)

    def learn(self, window: Window, now: float) -> None:
        """Take over the limit that the server says, and what it says is left.

        A limit on an hour or a day is not a rate: only what is left of it counts.
        """
        is_rate = window.reset_seconds is None or window.reset_seconds <= _MINUTE
        if is_rate and window.limit and window.limit != self.limit:
            self._fill(now)
            self._set_limit(window.limit)
        if self.limit is not None and window.remaining is not None:
            self._fill(now)
            self._level = min(self._level, float(window.remaining))

    def _set_limit(self, limit: float) -> None:
        is_first = self.limit is None
        self.limit = limit
        self._capacity = max(1.0, limit / _MINUTE * _BURST_SECONDS)
        # A full bucket and a minute's inflow together are the limit, but for a little: requests
        # do not arrive at quite the distances at which they are sent.
        self._rate = _SHARE * max(limit - self._capacity + 1, 1e-9) / _MINUTE
        self._level = min(1.0 if is_first else self._level, self._capacity)

    def _fill(self, now: float) -> None:
        if self.limit is not None:
            inflow = max(0.0, now - self._updated_at) * self._rate
            self._level = min(self._capacity, self._level + inflow)
        self._updated_at = max(self._updated_at, now)


@dataclass(frozen=True, slots=True)
class Rate:
    """What is known of a rate, for the user.

    Args:
        requests: per minute; None if it is not known.
        tokens: per minute; None if it is not known.
    """

    requests: float | None
    tokens: float | None


class RateLimit:
    """A limit on requests and one on tokens, and the pauses that a server asks for; pure.

    Args:
        requests: per minute; None until a server says it.
        tokens: per minute; None until a server says it.
        now: seconds of the caller's clock.

    Attributes:
        epoch: counts the pauses; a pause makes all reservations void.

    Example:
        >>> limit = RateLimit(now=0.0)
        >>> limit.reserve(100, now=0.0)
        0.0
        >>> limit.learn(RateReport(429, Window(60, 0, 1.0), retry_after=5.0), now=0.0)
        >>> limit.pause(now=0.0)
        5.0
    """

    def __init__(
        self, requests: float | None = None, tokens: float | None = None, *, now: float
    ) -> None:
        self._requests = Bucket(requests, now)
        self._tokens = Bucket(tokens, now)
        self._paused_until = now
        self.epoch = 0

    @property
    def rate(self) -> Rate:
        """What is known of the rate."""
        return Rate(self._requests.limit, self._tokens.limit)

    def reserve(self, tokens: int, now: float) -> float:
        """Take one request of this many tokens; return the seconds until it may be sent."""
        waits = (self._requests.reserve(1, now), self._tokens.reserve(tokens, now))
        return max(*waits, self.pause(now))

    def pause(self, now: float) -> float:
        """Return the seconds for which nothing may be sent."""
        return max(0.0, self._paused_until - now)

    def learn(self, report: RateReport, now: float) -> None:
        """Learn from the head of a reply."""
        for bucket, window in ((self._requests, report.requests), (self._tokens, report.tokens)):
            if window is not None:
                bucket.learn(window, now)
        if report.is_limited:
            wait = _UNTOLD_PAUSE_SECONDS if report.retry_after is None else report.retry_after
            self._pause_until(now + wait, now)

    def _pause_until(self, until: float, now: float) -> None:
        self._paused_until = max(self._paused_until, until)
        self.epoch += 1
        for bucket in (self._requests, self._tokens):
            bucket.stop(self._paused_until, now)


class LocalRateLimiter:
    """A `RateLimiter` of one event loop.

    Args:
        limit: the limit; None makes one that knows nothing yet.
    """

    def __init__(self, limit: RateLimit | None = None) -> None:
        self.limit = limit or RateLimit(now=0.0)

    async def acquire(self, tokens: int) -> float:
        """Wait until a request of this many tokens may be sent: see `RateLimiter`."""
        waited = 0.0
        clock = asyncio.get_running_loop().time
        while (wait := self.limit.reserve(tokens, clock())) > 0:
            epoch = self.limit.epoch
            await asyncio.sleep(wait)
            waited += wait
            if epoch == self.limit.epoch:
                break
        return waited

    async def report(self, report: RateReport) -> None:
        """Learn from the head of a reply: see `RateLimiter`."""
        self.limit.learn(report, asyncio.get_running_loop().time())
