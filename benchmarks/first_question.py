"""The first question of a kernel, with the warm-up and without it, in one run.

    python -m benchmarks.first_question         5 kernels each
    RUNS=1 python -m benchmarks.first_question  quickly

The extension is loaded, an empty cell is run at once, and two seconds later the first prompt. The
server waits a tenth of a second before its first chunk.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellmage.testing import DONE, ScriptedServer, chunk, finish
from tests.kernel.client import Kernel

from .table import line, missed

RUNS = int(os.environ.get("RUNS", "5"))

PAUSE_SECONDS = 2.0
"""Time between the empty cell and the first prompt: a user reads and types."""

SERVER_SECONDS = 0.1
"""Time that the server lets pass between the request and its first chunk."""

NO_WARM_UP = "import cellmage.providers.warm_up as w; w.IDLE_SECONDS = float('inf')"
LIMIT_SECONDS = 0.05
NOISE_SECONDS = 0.05
"""Difference that two runs of the same cell have on a busy machine."""


@dataclass
class Times:
    """Seconds of one kernel."""

    load: float
    """``%load_ext``."""
    empty: float
    """The empty cell after it."""
    sent: float
    """From the start of the first cell to its request at the server."""
    first: float
    """From the server's first chunk to the first text on iopub."""


def seconds_of(kernel: Kernel, code: str) -> float:
    started = time.monotonic()
    assert kernel.run(code).ok
    return time.monotonic() - started


def measure(server: ScriptedServer, has_warm_up: bool) -> Times:
    env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    kernel = Kernel(Path(tempfile.mkdtemp()), env)
    try:
        # Both import the package here, so that `%load_ext` finds the same.
        assert kernel.run("import cellmage.providers.warm_up" if has_warm_up else NO_WARM_UP).ok
        load, empty = seconds_of(kernel, "%load_ext cellmage"), seconds_of(kernel, "")
        time.sleep(PAUSE_SECONDS)
        started = time.monotonic()
        run = kernel.run("%%llm\nGo")
        frame = next(frame for frame in run.frames if "Hello" in frame.markdown)
        chunk_time = server.last.write_times[0]
        return Times(load, empty, chunk_time - SERVER_SECONDS - started, frame.time - chunk_time)
    finally:
        kernel.close()


def milliseconds(with_warm_up: float, without: float) -> str:
    return f"{with_warm_up * 1000:.0f} ms, without it {without * 1000:.0f} ms"


def main() -> None:
    runs: dict[bool, list[Times]] = {True: [], False: []}
    with ScriptedServer() as server:
        server.play(SERVER_SECONDS, chunk("Hello"), 0.05, finish(), DONE)
        for _ in range(RUNS):
            for has_warm_up, times in runs.items():
                times.append(measure(server, has_warm_up))

    def compare(field: str, reduce: Callable[[list[float]], float]) -> tuple[float, float]:
        with_it, without = ([getattr(run, field) for run in runs[key]] for key in (True, False))
        return reduce(with_it), reduce(without)

    print(
        f"the first question, {PAUSE_SECONDS:g} s after %load_ext, with the warm-up; {RUNS} kernels"
    )
    first, sent = (compare(field, statistics.median) for field in ("first", "sent"))
    limit = f"at most {LIMIT_SECONDS * 1000:g} ms"
    line(
        "  server's first chunk to first text",
        milliseconds(*first),
        limit,
        first[0] <= LIMIT_SECONDS,
    )
    is_shorter = sent[0] <= sent[1] / 4
    line("  start of the cell to its request", milliseconds(*sent), "at most a quarter", is_shorter)
    for name, field in (("%load_ext", "load"), ("the empty cell after it", "empty")):
        # The least of the runs: other programs can only make a cell slower.
        least = compare(field, min)
        is_same = least[0] <= least[1] + NOISE_SECONDS
        line(f"  {name}, least", milliseconds(*least), "as without it", is_same)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
