"""Many rows: `make bench`, or `python -m benchmarks.mapping`.

A server in a process of its own says a rate, and fails for a share of the requests. 10 000 rows are
asked of it, then killed at random moments and resumed; and the CPU of a row is measured beside a
plain asyncio loop with the SDK, at the same number of rows at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import cellmage

from .mapping_server import FAULTS
from .table import at_most, line, missed, ratio, seconds

ROWS = int(os.environ.get("ROWS", "10000"))
RATE = int(os.environ.get("RATE", "6000"))
"""Requests per minute, as the server says."""

LATENCY = 0.5
KILLS = int(os.environ.get("KILLS", "20"))
RUNS = int(os.environ.get("RUNS", "3"))
KILL_ROWS = 2_000
CPU_ROWS = 3_000
AT_ONCE = 50

MAX_TIME_RATIO = 1.15
"""The wall time, as a multiple of the requests by the rate."""

MAX_GROWTH_MIB = 20.0
MAX_CPU_RATIO = 1.5
IDLE_SECONDS = 4.0


# The processes.


@contextmanager
def server(limit: int, latency: float, faults: str) -> Iterator[str]:
    """Yield the URL of a server."""
    command = [sys.executable, "-m", "benchmarks.mapping_server", str(limit), str(latency), faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.kill()


def read_counts(url: str) -> dict[str, Any]:
    """Return what the server has counted."""
    with urllib.request.urlopen(url) as reply:
        counts: dict[str, Any] = json.load(reply)
    return counts


def rows(count: int) -> Iterator[dict[str, int]]:
    return ({"n": n} for n in range(count))


def ask_rows(url: str, count: int, out: str | None, concurrency: Any = "auto") -> Any:
    """Ask rows as a user does; the time limits are short where some rows stall."""
    seconds = IDLE_SECONDS if concurrency == "auto" else None
    return cellmage.map(
        "Row {{ n }}",
        rows(count),
        model="m",
        base_url=url,
        out=out,
        concurrency=concurrency,
        timeout=seconds,
        first_byte_timeout=seconds,
        idle_timeout=seconds,
    )


def run_child(*arguments: str, home: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.mapping", *arguments]
    environ = {**os.environ, "XDG_DATA_HOME": home}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def child_map(url: str, count: str, out: str, concurrency: str) -> None:
    """Ask rows, and print the CPU, the growth in memory and the time."""
    at_once = "auto" if concurrency == "auto" else int(concurrency)
    ask_rows(url, 100, None, at_once)  # imports, connections
    process = psutil.Process()
    before, cpu, started_at = process.memory_info().rss, time.process_time(), time.monotonic()
    ask_rows(url, int(count), out or None, at_once)
    figures = {
        "cpu": time.process_time() - cpu,
        "growth": (process.memory_info().rss - before) / 2**20,
        "seconds": time.monotonic() - started_at,
    }
    print(json.dumps(figures), flush=True)


def child_bare(url: str, count: str, concurrency: str) -> None:
    """Ask rows by the SDK in a plain loop, and print the CPU."""
    import openai  # noqa: PLC0415

    async def main(total: int) -> None:
        async with openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:
            numbers = iter(range(total))

            async def work() -> None:
                for n in numbers:
                    stream = await client.chat.completions.create(
                        model="m",
                        messages=[{"role": "user", "content": f"Row {n}"}],
                        stream=True,
                        stream_options={"include_usage": True},
                    )
                    texts = []
                    async for chunk in stream:
                        if chunk.choices and chunk.choices[0].delta.content:
                            texts.append(chunk.choices[0].delta.content)
                    "".join(texts)

            await asyncio.gather(*(work() for _ in range(int(concurrency))))

    asyncio.run(main(100))
    cpu = time.process_time()
    asyncio.run(main(int(count)))
    print(json.dumps({"cpu": time.process_time() - cpu}), flush=True)


def figures_of(process: subprocess.Popen[str]) -> dict[str, float]:
    output, _ = process.communicate()
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


# The measurements.


def measure_faults() -> None:
    """Ask all rows of a server with faults."""
    with server(RATE, LATENCY, "faults") as url, tempfile.TemporaryDirectory() as home:
        out = Path(home, "out.jsonl")
        figures = figures_of(run_child("map", url, str(ROWS), str(out), "auto", home=home))
        counts = read_counts(url)
        answers = [json.loads(text) for text in out.read_text().splitlines()]
    in_order = [answer["n"] for answer in answers] == list(range(ROWS))
    right = sum(str(answer["answer"]).startswith(f"Row {answer['n']}:") for answer in answers)
    twice = sum(times > 1 for times in counts["answered"].values())
    floor = counts["requests"] / RATE * 60  # a request that fails counts towards the rate, too
    expected = ROWS * sum(FAULTS.values())
    line("rows answered", f"{right} of {ROWS}", f"{ROWS}", right == ROWS)
    line("rows in order", str(in_order), "True", in_order)
    line("requests", f"{counts['requests']} (about {expected:.0f} fail)")
    at_most("rows asked again after their answer", twice, 0, "{:.0f}".format)
    at_most("most requests in a minute", counts["most_in_a_minute"], RATE, "{:.0f}".format)
    at_most(
        "most requests in a second", counts["most_in_a_second"], RATE / 60 * 1.5, "{:.0f}".format
    )
    ratio("time, against requests by rate", figures["seconds"], floor, MAX_TIME_RATIO, seconds)
    at_most("growth in memory", figures["growth"], MAX_GROWTH_MIB, "{:.1f} MiB".format)


def measure_kills() -> None:
    """Kill a batch at random moments, and resume it."""
    moments = random.Random(3)
    lost = worst = 0
    for _ in range(KILLS):
        with server(0, 0.05, "none") as url, tempfile.TemporaryDirectory() as home:
            out = Path(home, "out.jsonl")
            arguments = ("map", url, str(KILL_ROWS), str(out), str(AT_ONCE))
            process = run_child(*arguments, home=home)
            time.sleep(moments.uniform(1.5, 4.5))
            process.kill()
            process.communicate()
            run_child(*arguments, home=home).communicate()
            asked = read_counts(url)["asked"]
            lost += KILL_ROWS - len(out.read_text().splitlines())
            worst = max(worst, sum(times > 1 for times in asked.values()))
    at_most(f"rows lost by {KILLS} kills", lost, 0, "{:.0f}".format)
    at_most("most rows asked twice", worst, AT_ONCE, "{:.0f}".format)


def measure_cpu() -> None:
    """Measure the CPU of a row."""
    arguments = (str(CPU_ROWS), str(AT_ONCE))
    with server(0, 0.02, "none") as url, tempfile.TemporaryDirectory() as home:
        ours = min(
            figures_of(run_child("map", url, arguments[0], "", arguments[1], home=f"{home}/{run}"))[
                "cpu"
            ]
            for run in range(RUNS)
        )
        bare = min(
            figures_of(run_child("bare", url, *arguments, home=home))["cpu"] for _ in range(RUNS)
        )
    ratio("CPU of a row", ours / CPU_ROWS, bare / CPU_ROWS, MAX_CPU_RATIO, microseconds)


def microseconds(value: float) -> str:
    return f"{1e6 * value:.0f} us"


_CHILDREN = {"map": child_map, "bare": child_bare}
_PARTS = {"faults": measure_faults, "kills": measure_kills, "cpu": measure_cpu}


def main(arguments: list[str]) -> int:
    """Run all measurements, or those that are named."""
    if arguments and arguments[0] in _CHILDREN:
        _CHILDREN[arguments[0]](*arguments[1:])
        return 0
    names = arguments or list(_PARTS)
    for name in names:
        _PARTS[name]()
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
