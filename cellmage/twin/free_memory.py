"""How much memory is free, for this process: of the machine, and of its container."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

RESERVE = 256 * 1024 * 1024
"""The bytes that stay free: the twin is stopped before it takes them."""

_GROUP = Path("/sys/fs/cgroup")
_UNKNOWN = 1 << 62


def free_memory() -> int:
    """Return the bytes that can be taken before the machine or the container has none."""
    return min(_free(), default=_UNKNOWN)


def _free() -> Iterator[int]:
    if sys.platform != "linux":
        return
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        yield int(line.split()[1]) * 1024
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # there is no limit, or it is "max"
            yield int((_GROUP / limit).read_text()) - int((_GROUP / usage).read_text())
