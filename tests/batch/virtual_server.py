"""A provider that fails for a share of the requests, and a loop whose clock jumps over waits."""

from __future__ import annotations

import asyncio
import random
import selectors
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from cellmage.errors import HTTPStatusError, IncompleteResponseError
from cellmage.events import Complete, Event, Start, Token
from cellmage.messages import Request
from cellmage.providers.http_client import head_listener

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: its clock jumps to the next timer.

    Nothing but timers may be waited for: no socket, no thread.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self._loop.jump(timeout)
        return super().select(0)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class FaultyProvider:
    """A provider with a rate, which it says in its heads and enforces, and with faults.

    Args:
        limit: requests per minute; more are refused, and counted in ``refused``.
        faults: the share of requests with each fault: 429, 500, "cut", "stall".
        latency: seconds until an answer.
        says_rate: False sends no headers.

    Attributes:
        times: when the requests came.
        asked, answered: how often by prompt.
    """

    name = "faulty"

    def __init__(
        self,
        limit: int,
        faults: dict[Any, float],
        latency: float = 0.5,
        *,
        says_rate: bool = True,
        seed: int = 1,
    ) -> None:
        self.limit = limit
        self.faults = faults
        self.latency = latency
        self.says_rate = says_rate
        self.random = random.Random(seed)
        self.times: list[float] = []
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.refused = 0
        self.most_at_once = self._at_once = 0

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        yield Start("m", self.name)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            prompt = request.messages[-1].text
            self.asked[prompt] += 1
            fault = self._draw_fault()
            await self._begin(fault)
            yield Token("half ")
            if fault == "cut":
                raise IncompleteResponseError("the connection was lost before the answer ended")
            yield Token(prompt)
            self.answered[prompt] += 1
            yield Complete("stop")
        finally:
            self._at_once -= 1

    async def _begin(self, fault: Any) -> None:
        now = asyncio.get_running_loop().time()
        recent = len(self.times) - bisect_right(self.times, now - 60)
        self.times.append(now)
        is_refused = recent >= self.limit
        self.refused += is_refused
        await asyncio.sleep(self.latency)
        status = 429 if is_refused else fault if isinstance(fault, int) else 200
        if (listener := head_listener.get()) is not None:
            left = max(0, self.limit - recent - 1)
            names = {
                "x-ratelimit-limit-requests": str(self.limit),
                "x-ratelimit-remaining-requests": str(left),
            }
            retry = {"retry-after": "2"} if status == 429 else {}
            await listener(status, (names if self.says_rate else {}) | retry)
        if fault == "stall":
            await asyncio.sleep(1e6)
        if status != 200:
            error = HTTPStatusError("later", kind="rate_limited" if status == 429 else "server")
            error.retries, error.retry_after = 2, 2.0 if status == 429 else None
            raise error

    def _draw_fault(self) -> Any:
        share = self.random.random()
        for fault, part in self.faults.items():
            if share < part:
                return fault
            share -= part
        return None


def most_within(times: list[float], seconds: float) -> int:
    """Return the most times in any span of so many seconds."""
    most = start = 0
    for end, time in enumerate(times):
        while time - times[start] >= seconds - 1e-6:
            start += 1
        most = max(most, end - start + 1)
    return most
