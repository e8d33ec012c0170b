"""The first question of a kernel, with the warm-up and without it, in one run.

    python -m benchmarks.first_question         medians of 5 kernels each
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
from dataclasses import astuple, dataclass, fields
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


def medians(runs: list[Times]) -> Times:
    return Times(*(statistics.median(column) for column in zip(*map(astuple, runs), strict=True)))


def milliseconds(with_warm_up: float, without: float) -> str:
    return f"{with_warm_up * 1000:.0f} ms (without the warm-up: {without * 1000:.0f} ms)"


def main() -> None:
    runs: dict[bool, list[Times]] = {True: [], False: []}
    with ScriptedServer() as server:
        server.play(SERVER_SECONDS, chunk("Hello"), 0.05, finish(), DONE)
        for _ in range(RUNS):
            for has_warm_up, times in runs.items():
                times.append(measure(server, has_warm_up))
    ours, without = medians(runs[True]), medians(runs[False])
    print(f"the first question, {PAUSE_SECONDS:g} s after %load_ext; medians of {RUNS} kernels")
    line(
        "  server's first chunk to first text",
        milliseconds(ours.first, without.first),
        f"at most {LIMIT_SECONDS * 1000:g} ms",
        ours.first <= LIMIT_SECONDS,
    )
    line(
        "  start of the cell to its request at the server",
        milliseconds(ours.sent, without.sent),
        "at most a quarter",
        ours.sent <= without.sent / 4,
    )
    for name in (field.name for field in fields(Times)[:2]):
        with_it, without_it = getattr(ours, name), getattr(without, name)
        label = {"load": "  %load_ext", "empty": "  the empty cell after it"}[name]
        ok = with_it <= without_it + NOISE_SECONDS
        line(label, milliseconds(with_it, without_it), "no more than without", ok)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
