"""What the headers of a reply say about its server's limits, in the dialects of servers; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..providers.error_translation import parse_retry_after

_TOO_MANY_REQUESTS = 429
_OVERLOADED = frozenset({503, 529})

_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

# The names of limit, remaining and reset, the first of a dialect that is there.
_REQUESTS = ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}")
_TOKENS = (
    "x-ratelimit-{}-tokens",
    "anthropic-ratelimit-tokens-{}",
    "anthropic-ratelimit-input-tokens-{}",
)


@dataclass(frozen=True, slots=True)
class Window:
    """A limit on a time.

    Args:
        limit: how much may be sent in it; None if the server did not say.
        remaining: how much of it is left; None if the server did not say.
        reset_seconds: seconds until all of it is there again; None if the server did not say.
    """

    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RateReport:
    """What the head of a reply says about limits.

    Args:
        status: the HTTP status.
        requests: the limit on requests; None if there is none in the head.
        tokens: the limit on tokens; None if there is none in the head.
        retry_after: seconds that the server asks to wait; None if it did not say.

    Example:
        >>> RateReport(429, Window(60, 12)).is_limited, RateReport(429).is_limited
        (False, True)
    """

    status: int
    requests: Window | None = None
    tokens: Window | None = None
    retry_after: float | None = None

    @property
    def is_limited(self) -> bool:
        """True if the request was refused because of a limit that concerns all requests.

        A server that says that something is left of each limit has refused this request alone.
        """
        if self.status != _TOO_MANY_REQUESTS:
            return False
        windows = [window for window in (self.requests, self.tokens) if window is not None]
        return not windows or any(not window.remaining for window in windows)

    @property
    def is_overloaded(self) -> bool:
        """True if the server has less capacity than is asked of it."""
        return self.is_limited or self.status in _OVERLOADED


def read_rate_headers(
    status: int, headers: Mapping[str, str], now: datetime | None = None
) -> RateReport:
    """Return what a reply's head says about limits.

    Args:
        status: the HTTP status.
        headers: the headers; names are in lower case.
        now: the time, for resets that are times of day.

    Example:
        >>> report = read_rate_headers(200, {
        ...     "x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499",
        ...     "x-ratelimit-reset-requests": "120ms"})
        >>> report.requests
        Window(limit=500.0, remaining=499.0, reset_seconds=0.12)
    """
    requests, tokens = (_window(names, headers, now) for names in (_REQUESTS, _TOKENS))
    return RateReport(status, requests, tokens, _retry_after(headers))


def _window(
    templates: Sequence[str], headers: Mapping[str, str], now: datetime | None
) -> Window | None:
    for template in templates:
        limit, remaining, reset = (
            headers.get(template.format(word)) for word in ("limit", "remaining", "reset")
        )
        if limit or remaining:
            seconds = None if reset is None else _seconds(reset, now)
            return Window(_number(limit), _number(remaining), seconds)
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    return parse_retry_after(headers.get("retry-after"))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str, now: datetime | None) -> float | None:
    """Return a duration (``1m0.5s``, ``120ms``, ``60``) or the time until a moment, in seconds."""
    if (number := _number(text)) is not None:
        # Some servers send the moment as seconds or milliseconds of the epoch.
        return number if number < _UNITS["d"] * 31 else None
    if pieces := _DURATION.findall(text):
        return sum(float(count) * _UNITS[unit] for count, unit in pieces)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
