"""What the twin takes of memory: its limit, and its measure."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PAGE = resource.getpagesize()


def limit_memory(size: int) -> None:
    """Let an allocation fail that would take more, and let the system end the twin before others.

    Args:
        size: the bytes that may be taken beside what there is.
    """
    with suppress(OSError, ValueError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with suppress(OSError, ValueError):
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = pages * _PAGE + size
        bounds = [bound for bound in (limit, soft, hard) if bound != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(bounds), hard))


@dataclass(frozen=True, slots=True)
class Usage:
    """The memory of this process at one time.

    Args:
        resident: its bytes in memory, those that it shares included.
    """

    resident: int

    @classmethod
    def now(cls) -> Usage:
        """Measure it."""
        with suppress(OSError), open("/proc/self/statm") as file:
            return cls(int(file.read().split()[1]) * _PAGE)
        return cls(_peak())

    def growth(self) -> int:
        """Return about how many bytes it has taken since at its peak: new ones, or copies."""
        return max(0, _peak() - self.resident, _private())


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _private() -> int:
    with suppress(OSError), open(f"/proc/{os.getpid()}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
    return 0
