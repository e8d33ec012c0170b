"""Measure the description of a large table, and of many variables.

    .venv/bin/python -m benchmarks.describe            10 million rows, 50 columns; 5 GB of memory
    ROWS=1000000 .venv/bin/python -m benchmarks.describe

Times are the fastest of three. Memory is the largest size of the process while it describes the
table, beyond that before. Each figure is that of a process of its own, with all libraries imported,
as in a notebook.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas
import polars
import psutil

from cellmage.context_window import estimate_tokens
from cellmage.describe import Description, catalogue, describe

from .table import at_most, line, missed, seconds

ROWS = int(os.environ.get("ROWS", "10000000"))
RUNS = 3
VARIABLES = 200
MAX_SECONDS = 1.5
MAX_BYTES = 300e6
MAX_CATALOGUE_SECONDS = 0.050
MAX_CATALOGUE_TOKENS = 600


def columns() -> dict[str, Any]:
    """Fifty columns: floats, some of them with gaps, integers, categories, times and texts."""
    random = np.random.default_rng(0)
    made: dict[str, Any] = {f"float {i}": random.standard_normal(ROWS) for i in range(25)}
    for i in range(5):
        made[f"gaps {i}"] = np.where(random.random(ROWS) < 0.1, np.nan, made[f"float {i}"])
    made |= {f"whole {i}": random.integers(0, 10**6, ROWS) for i in range(10)}
    start = np.datetime64("2020-01-01", "us")
    made |= {f"time {i}": start + random.integers(0, 10**13, ROWS) for i in range(3)}
    made |= {f"flag {i}": random.random(ROWS) < 0.5 for i in range(2)}
    return made


def pandas_table() -> Any:
    random = np.random.default_rng(1)
    names = [f"city {i}" for i in range(50)]
    texts = {
        f"text {i}": pandas.Series(np.array(names)[random.integers(0, 50, ROWS)], dtype="str")
        for i in range(2)
    }
    categories = {
        f"category {i}": pandas.Categorical.from_codes(random.integers(0, 50, ROWS), names)
        for i in range(3)
    }
    return pandas.DataFrame(columns() | texts | categories, copy=False)


def polars_table() -> Any:
    random = np.random.default_rng(1)
    names = polars.Series([f"city {i}" for i in range(50)])
    texts = {f"text {i}": names.gather(random.integers(0, 50, ROWS)) for i in range(5)}
    return polars.DataFrame(columns() | texts)


TABLES: dict[str, Callable[[], Any]] = {"pandas": pandas_table, "polars": polars_table}


@contextmanager
def watch_memory(peak: list[int]) -> Iterator[None]:
    """Add the largest size of the process in the block, beyond that at its beginning."""
    process, is_over = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    peak.append(0)

    def watch() -> None:
        while not is_over.wait(0.002):
            peak[-1] = max(peak[-1], process.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    is_over.set()
    thread.join()


def measure_table(name: str) -> None:
    table, peak = TABLES[name](), list[int]()
    describe(table.head(100))  # imports, as the first prompt of a notebook does them
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        with watch_memory(peak):
            described = describe(table, "stats")
        times.append(time.perf_counter() - start)
    assert described.text.count("\n- ") == 50, described.text
    assert described.text.count("quartiles") >= 40
    print(min(times), max(peak))


def measure_catalogue() -> None:
    frame = pandas.DataFrame({"a": [1], "b": ["x"]})
    kinds: list[Any] = [1, "text", [1], {"a": 1}, frame, np.zeros(3), measure_table, 1.5]
    names = ["count", "title", "rows", "config", "frame", "weights", "load", "share"]
    variables = {f"{names[i % 8]}_{i}": kinds[i % 8] for i in range(VARIABLES)}
    start = time.perf_counter()
    described: Description = catalogue(variables)
    elapsed = time.perf_counter() - start
    what = f"catalogue of {VARIABLES} variables"
    at_most(f"{what}, time", elapsed, MAX_CATALOGUE_SECONDS, lambda s: f"{s * 1000:.1f} ms")
    at_most(f"{what}, tokens", estimate_tokens(described.text), MAX_CATALOGUE_TOKENS, str)
    line(f"{what}, named", described.counts)


def main() -> int:
    if len(sys.argv) > 1:
        measure_table(sys.argv[1])
        return 0
    for name in TABLES:
        command = [sys.executable, "-m", "benchmarks.describe", name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        elapsed, peak = map(float, output.split())
        what = f"statistics of {ROWS:,} rows, 50 columns, {name}"
        at_most(f"{what}", elapsed, MAX_SECONDS, seconds)
        at_most("  memory", peak, MAX_BYTES, lambda size: f"{size / 1e6:.0f} MB")
    measure_catalogue()
    return len(missed)


if __name__ == "__main__":
    sys.exit(main())
