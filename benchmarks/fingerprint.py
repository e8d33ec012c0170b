"""Fingerprints of a frame and an array of 1 GB, beside SHA-256 over plain bytes of the same size.

    python -m benchmarks.fingerprint

Times are those of the CPU; the frame has numbers and texts. The memory is what the peak grows by.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from cellmage.fingerprint import fingerprint

from .table import at_most, kilobytes, line, missed, seconds

ROWS = 8_000_000
MAX_SECONDS = 2.0
MAX_MEGABYTES = 100


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = np.char.add("name", rng.integers(0, 100_000, ROWS).astype(str))
    columns = {f"float{n}": rng.normal(size=ROWS) for n in range(10)}
    columns |= {f"int{n}": rng.integers(0, 100, ROWS) for n in range(3)}
    return pd.DataFrame(columns | {"text": pd.array(names, dtype="str")})


def cpu_seconds(function: Callable[[], object]) -> float:
    started_at = time.process_time()
    function()
    return time.process_time() - started_at


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> int:
    frame, array = make_frame(), np.ones(125_000_000)
    plain = memoryview(array).cast("B")
    fingerprint(frame[:10])
    before = peak_megabytes()
    bytes_seconds = cpu_seconds(lambda: hashlib.sha256(plain).digest())
    frame_seconds = cpu_seconds(lambda: fingerprint(frame))
    array_seconds = cpu_seconds(lambda: fingerprint(array))
    line("SHA-256 of 1 GB of bytes", seconds(bytes_seconds))
    at_most("the fingerprint of a frame of 1 GB", frame_seconds, MAX_SECONDS, seconds)
    at_most("the fingerprint of an array of 1 GB", array_seconds, MAX_SECONDS, seconds)
    at_most("more memory", (peak_megabytes() - before) * 1e6, MAX_MEGABYTES * 1e6, kilobytes)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
