"""How long a row may be silent: learned from other rows, since one that stalls is asked again.

The limits of a question are made for a user who waits for one answer that may begin late. Many rows
tell how long an answer takes.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..messages import Request, Response
from ..options import Options

_ANSWERS = 20
"""So many answers tell how long one takes."""

_FACTOR = 10.0
_LEAST_SECONDS = 10.0
_MOST_SECONDS = 60.0
_WEIGHT = 0.1


class TimeLimits:
    """Time limits for rows: ten times the mean of an answer, twice that at the next attempt.

    So a row that is only slow has the usual limits at last. Limits that the user sets stay.

    Example:
        >>> from cellmage import Message, Timings
        >>> limits, request = TimeLimits(), Request((Message("user", "Hi"),), Options(timeout=90))
        >>> for _ in range(20):
        ...     limits.learn(Response("Hello", timings=Timings(0.1, 0.5)))
        >>> options = limits.apply(request, attempts=0).options
        >>> options.timeout, options.idle_timeout
        (90, 16.0)
    """

    def __init__(self) -> None:
        self._answers = 0
        self._mean = 0.0
        self._options: dict[float, Options] = {}

    def learn(self, response: Response) -> None:
        """Take note of how long an answer took."""
        if response.timings is not None:
            self._answers += 1
            weight = max(_WEIGHT, 1 / self._answers)
            self._mean += weight * (response.timings.duration - self._mean)

    def apply(self, request: Request, attempts: int) -> Request:
        """Return a request with time limits.

        Args:
            request: the request of a row; all have the same options.
            attempts: how many attempts there were before.
        """
        if self._answers < _ANSWERS:
            return request
        seconds = max(_LEAST_SECONDS, _FACTOR * self._mean) * 2.0**attempts
        # A power of two: few options are made.
        seconds = 2.0 ** math.ceil(math.log2(seconds))
        if seconds > _MOST_SECONDS:
            return request
        if seconds not in self._options:
            options = request.options
            self._options[seconds] = replace(
                options,
                timeout=options.timeout or seconds,
                idle_timeout=options.idle_timeout or seconds,
                first_byte_timeout=options.first_byte_timeout or seconds,
            )
        return replace(request, options=self._options[seconds])
