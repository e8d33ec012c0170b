"""The cost of an answer, against the textbook loop and a bare loop over the SDK, in one run.

    make bench            all figures, medians of 3
    make bench RUNS=1     quickly

Everything is real: a kernel, a server on loopback in another process than the kernel, the SDK. CPU
is the kernel's own (user and system), bytes are those of the messages on iopub.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cellmage.testing import DONE, ScriptedServer, Step, chunk, finish
from tests.kernel.client import Kernel, Run

from .table import kilobytes, line, missed, ratio, seconds

RUNS = int(os.environ.get("RUNS", "3"))
PIECE = "abcd"

SETUP = """
import os, time
from IPython.display import Markdown, display
from openai import OpenAI
import cellmage
%load_ext cellmage
client = OpenAI(max_retries=0)
def chunks():
    return client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Go"}], stream=True)
"""

OURS = "%%llm --no-history\nGo"

TEXTBOOK = """
full = ""
handle = display(Markdown(full), display_id=True)
for chunk in chunks():
    if chunk.choices and chunk.choices[0].delta.content:
        full += chunk.choices[0].delta.content
        handle.update(Markdown(full + "▌"))
handle.update(Markdown(full))
"""

BARE = """
full = ""
for chunk in chunks():
    if chunk.choices and chunk.choices[0].delta.content:
        full += chunk.choices[0].delta.content
"""

SYNC_VIEW = """
full = ""
for text in cellmage.Conversation().stream("Go"):
    full += text
"""


@dataclass
class Cost:
    cpu: float
    bytes: int
    behind: float


@contextmanager
def kernel(server: ScriptedServer) -> Iterator[Kernel]:
    """Start a kernel in which everything is imported and has run once."""
    env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    running = Kernel(Path(tempfile.mkdtemp()), env)
    server.play(chunk("x"), finish(), DONE)
    try:
        for code in (SETUP, OURS, TEXTBOOK, BARE, SYNC_VIEW):
            assert running.run(code).ok
        yield running
    finally:
        running.close()


def cost(running: Kernel, server: ScriptedServer, code: str) -> Cost:
    before = running.value("time.process_time()")
    run = running.run(code)
    assert run.ok, run.error
    after = running.value("time.process_time()")
    size = sum(len(json.dumps(message.content)) for message in run.frames)
    last = run.frames[-1].time if run.frames else run.reply_time
    return Cost(after - before, size, last - server.last.write_times[-1])


def medians(runs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(run.cpu for run in runs),
        int(statistics.median(run.bytes for run in runs)),
        statistics.median(run.behind for run in runs),
    )


def compare(server: ScriptedServer, steps: list[Step], codes: dict[str, str]) -> dict[str, Cost]:
    """Return the cost of each loop over the same answer; the loops take turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in codes}
    with kernel(server) as running:
        server.play(*steps, finish(), DONE)
        for _ in range(RUNS):
            for name, code in codes.items():
                costs[name].append(cost(running, server, code))
    return {name: medians(runs) for name, runs in costs.items()}


def first_text(server: ScriptedServer, times: int = 20) -> list[float]:
    """Measure the seconds from the server's first write to the first frame on iopub."""
    delays = []
    with kernel(server) as running:
        server.play(0.1, chunk("Hello"), 0.05, finish(), DONE)
        for _ in range(times):
            run = running.run(OURS)
            frame = next(frame for frame in run.frames if "Hello" in frame.markdown)
            delays.append(frame.time - server.last.write_times[0])
    return delays


def interrupts(server: ScriptedServer, times: int = 100) -> tuple[list[float], list[float]]:
    """Measure the seconds from an interrupt to the close at the server and to the cell's end."""
    until_closed, until_done = [], []
    chance = random.Random(1)
    with kernel(server) as running:
        server.play(*[step for _ in range(2000) for step in (chunk("word "), 0.01)])
        for _ in range(times):
            msg_id, run = running.start(OURS), Run()
            running.collect(msg_id, run, frames=1)
            time.sleep(chance.random() / 2)
            pressed = time.monotonic()
            running.interrupt()
            running.finish(msg_id, run)
            assert server.last.finished.wait(5)
            until_done.append(run.reply_time - pressed)
            until_closed.append((server.last.closed_at or 0) - pressed)
    return until_closed, until_done


def delay(name: str, seconds: list[float], limit: float) -> None:
    middle, worst = statistics.median(seconds), max(seconds)
    figure = f"{middle * 1000:.1f} ms (max {worst * 1000:.1f})"
    line(name, figure, f"at most {limit * 1000:g} ms", worst <= limit)


def main() -> None:
    with ScriptedServer() as server:
        paced: list[Step] = [step for _ in range(2000) for step in (chunk(PIECE), 0.002)]
        at_500 = compare(server, paced, {"ours": OURS, "textbook": TEXTBOOK, "bare": BARE})
        fast = compare(server, [chunk(PIECE)] * 20_000, {"view": SYNC_VIEW, "bare": BARE})
        first = first_text(server)
        until_closed, until_done = interrupts(server)

    ours, textbook, bare = at_500["ours"], at_500["textbook"], at_500["bare"]
    print(f"2 000 chunks at 500/s (8 kB), medians of {RUNS}")
    ratio("  published bytes, ours / textbook", ours.bytes, textbook.bytes, 1 / 20, kilobytes)
    ratio("  kernel CPU, ours / textbook", ours.cpu, textbook.cpu, 0.4, seconds)
    ratio("  kernel CPU, ours / bare loop without display", ours.cpu, bare.cpu, 1.4, seconds)
    print(f"20 000 chunks at full speed, medians of {RUNS}")
    ratio("  CPU, sync view / bare loop", fast["view"].cpu, fast["bare"].cpu, 0.3, seconds)
    print("delays, 20 times each: the median, and the longest, which counts")
    delay("  server's first write to first text on iopub", first, 0.02)
    delay("  interrupt to connection closed at the server", until_closed, 0.5)
    delay("  interrupt to cell over", until_done, 0.5)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
