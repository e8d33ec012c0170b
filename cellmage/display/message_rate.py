"""The rate at which a kernel sends messages: Jupyter Server drops those that exceed its limit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from IPython.core.getipython import get_ipython

WINDOW_SECONDS = 3.0
"""``rate_limit_window`` of Jupyter Server, by default."""

MAX_MESSAGES = 1_500
"""Messages in one window; half of the default ``iopub_msg_rate_limit``, 1 000 a second."""


class MessageRate:
    """Tell whether a message that is sent now may be dropped.

    Jupyter Server drops messages without telling the kernel. So the rate is estimated by the number
    that `jupyter_client` gives to each message. It is counted between samples: at the begin of each
    cell, and at each frame.

    Args:
        count: returns the number of messages that were sent.
        clock: returns the time in seconds.

    Example:
        >>> counts, times = iter([0, 10, 5_000, 5_010]), iter([0.0, 0.1, 0.2, 9.0])
        >>> rate = MessageRate(lambda: next(counts), lambda: next(times))
        >>> rate.sample()
        >>> rate.is_high(), rate.is_high(), rate.is_high()
        (False, True, False)
    """

    def __init__(
        self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, *_: Any) -> None:
        """Count the messages; the arguments of IPython's events are ignored."""
        now = self._clock()
        self._samples.append((now, self._count()))
        while len(self._samples) > 2 and self._samples[1][0] < now - WINDOW_SECONDS:
            self._samples.popleft()

    def is_high(self) -> bool:
        """Return whether the last messages exceed half of the default limit."""
        self.sample()
        (start, before), (now, count) = self._samples[0], self._samples[-1]
        windows = max((now - start) / WINDOW_SECONDS, 1)
        return (count - before) / windows > MAX_MESSAGES


def _count_messages() -> int:
    session = getattr(getattr(get_ipython(), "kernel", None), "session", None)
    return int(getattr(session, "message_count", 0))


KERNEL_MESSAGES = MessageRate(_count_messages)
"""The rate of this process, which has one kernel at most."""
