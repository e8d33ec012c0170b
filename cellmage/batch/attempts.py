"""After a failed attempt: whether a row is asked again, when, and when all asking ends; pure."""

from __future__ import annotations

import random
from collections.abc import Mapping

from ..errors import CellmageError, Kind, ProviderError

_ATTEMPTS: Mapping[Kind, int] = {
    "rate_limited": 50,
    "server": 8,
    "connect": 8,
    "connection_lost": 8,
    "truncated_no_finish": 5,
    "stalled": 5,
    "timeout_first_byte": 4,
    "timeout_first_token": 4,
    "empty_response": 3,
    "protocol": 3,
    "not_a_stream": 3,
    "provider_error": 3,
}
"""How many times a row is asked at most, by the kind of its failure; else once."""

_SAME_FOR_ALL: frozenset[Kind] = frozenset(
    {"auth", "config", "connect", "not_found", "permission", "quota", "redirect"}
)
"""The failures that all rows would have: a key, an address, an account."""

_FAILURES_IN_SUCCESSION = 5
"""So many rows fail like this, none succeeds between, and no further row is asked."""

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0


def wait_before_retry(error: CellmageError, attempts: int) -> float | None:
    """Return the seconds to wait before a row is asked again; None if it is not.

    Args:
        error: the failure of the newest attempt.
        attempts: how many attempts there were.

    Example:
        >>> wait_before_retry(CellmageError("no", kind="auth"), 1) is None
        True
    """
    if attempts >= _ATTEMPTS.get(error.kind, 1):
        return None
    retry_after = error.retry_after if isinstance(error, ProviderError) else None
    if retry_after is not None:
        return retry_after
    wait = _FIRST_WAIT_SECONDS * float(2 ** min(attempts - 1, 10))
    return min(wait, _LONGEST_WAIT_SECONDS) * random.uniform(0.75, 1.25)


class FailureWatch:
    """Notices that every further row would fail, too.

    Attributes:
        reason: the failure of all rows; None as long as rows may be asked.

    Example:
        >>> watch = FailureWatch()
        >>> for _ in range(5):
        ...     watch.on_failure(CellmageError("wrong key", kind="auth"))
        >>> str(watch.reason)
        'wrong key'
    """

    def __init__(self) -> None:
        self.reason: CellmageError | None = None
        self._failures = 0

    def on_success(self) -> None:
        """Count a row that succeeded."""
        self._failures = 0

    def on_failure(self, error: CellmageError) -> None:
        """Count a row that failed, after all of its attempts."""
        if error.kind in _SAME_FOR_ALL:
            self._failures += 1
            if self._failures >= _FAILURES_IN_SUCCESSION:
                self.reason = self.reason or error
