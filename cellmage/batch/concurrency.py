"""How many rows are asked at once: additive increase, multiplicative decrease; pure."""

from __future__ import annotations

from typing import Literal

Concurrency = int | Literal["auto"]
"""How many rows are asked at once; "auto" finds it."""

FIRST = 16
"""The rows that are asked at once in the beginning."""

MOST = 512
"""The most rows that are asked at once."""

_SLOW_FACTOR = 4.0
"""Answers that take so many times longer than at first wait in a queue of the server."""

_WEIGHT = 0.1
"""The weight of the newest answer in the mean duration."""


class ConcurrencyLimit:
    """Finds how many rows may be asked at once.

    The limit doubles with each round of answers until a server is overloaded, as TCP's does, and
    then grows by one in each round. It is halved at most once for the requests that were under way
    together.

    Args:
        concurrency: a fixed number, or "auto".

    Attributes:
        limit: how many may be asked at once now.

    Example:
        >>> rows = ConcurrencyLimit()
        >>> rows.limit, rows.on_answer(0.5, is_limit_used=True), rows.limit
        (16, None, 17)
        >>> rows.on_overload(started_as=0), rows.on_overload(started_as=0), rows.limit
        (None, None, 8)
    """

    def __init__(self, concurrency: Concurrency = "auto") -> None:
        self._is_fixed = concurrency != "auto"
        self.limit = FIRST if concurrency == "auto" else concurrency
        self._threshold = float(MOST)
        self._grown = 0.0
        self._first_seconds = self._mean_seconds = 0.0
        self._answers = 0
        self._started = 0
        self._decreased_at = -1

    def start(self) -> int:
        """Count a request that is sent now, and return its number."""
        self._started += 1
        return self._started

    def on_answer(self, seconds: float, *, is_limit_used: bool) -> None:
        """Grow after an answer.

        Args:
            seconds: how long it took.
            is_limit_used: False if fewer rows were under way than may be, or they waited for a
                rate limit: more at once would not be faster.
        """
        self._note(seconds)
        if self._is_fixed or not is_limit_used or self._is_slow:
            return
        self._grown += 1 if self.limit < self._threshold else 1 / self.limit
        whole = int(self._grown)
        self._grown -= whole
        self.limit = min(MOST, self.limit + whole)

    def on_overload(self, *, started_as: int) -> None:
        """Halve the limit, unless that was done since the request was sent.

        Args:
            started_as: the number of the request that was refused.
        """
        if self._is_fixed or started_as <= self._decreased_at:
            return
        self._decreased_at = self._started
        self.limit = max(1, self.limit // 2)
        self._threshold = float(self.limit)

    @property
    def _is_slow(self) -> bool:
        return self._mean_seconds > _SLOW_FACTOR * self._first_seconds

    def _note(self, seconds: float) -> None:
        self._answers += 1
        if self._answers <= FIRST:  # the mean of the first round
            self._first_seconds += (seconds - self._first_seconds) / self._answers
            self._mean_seconds = self._first_seconds
        else:
            self._mean_seconds += _WEIGHT * (seconds - self._mean_seconds)
