"""Measure answers in a real JupyterLab page, ours and others', in one run.

    python -m benchmarks.page                         all cases, medians of 3
    python -m benchmarks.page --runs 1 --only 80kB    one case, quickly

Everything is real: JupyterLab in headless Chromium, a kernel of its own for each run, a server on
loopback in another process, the SDKs. Times begin at the server's write and end when the page has
been painted; bytes are those that the page received over the kernel's socket.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .answers import (
    ENDING,
    Sent,
    fence,
    formula_table,
    formulas,
    highlighted,
    mixed,
    sender,
    table,
)
from .lab import Broken, Lab, Observation, jupyterlab
from .peers import WAYS, Way, is_installed
from .table import at_most, kilobytes, line, missed, ratio, seconds


@dataclass
class Sample:
    """One run; `behind` is from the last chunk to the last paint. The defaults: it never ended."""

    behind: float = math.inf
    first: float = math.inf
    rate: float = math.nan
    bytes: float = math.inf
    bytes_in_second: float = math.inf
    bytes_a_second: float = math.inf
    messages_in_second: float = math.inf
    shift_live: float = math.inf
    shift: float = math.inf
    grown: float = math.inf
    peak: float = math.inf
    pause: float = math.inf
    usual_pause: float = math.inf
    text: str = ""


def max_per_second(events: Sequence[tuple[float, float]]) -> float:
    """Return the largest sum within one second."""
    most = total = 0.0
    begin = 0
    for time, size in events:
        total += size
        while time - events[begin][0] > 1:
            total -= events[begin][1]
            begin += 1
        most = max(most, total)
    return most


def sample(sent: Sent, page: Observation) -> Sample:
    messages = sorted(page.messages)
    size = sum(size for _, size in messages)
    return Sample(
        behind=page.paints[-1] - sent.last if ENDING in page.text else math.inf,
        first=page.first - sent.first,
        rate=sent.rate,
        bytes=size,
        bytes_in_second=max_per_second(messages),
        bytes_a_second=size / (messages[-1][0] - messages[0][0]),
        messages_in_second=max_per_second([(time, 1) for time, _ in messages]),
        shift_live=sum(value for time, value in page.shifts if time <= sent.last),
        shift=sum(value for _, value in page.shifts),
        grown=page.memory[0],
        peak=page.memory[1],
        pause=max(page.pauses),
        usual_pause=sorted(page.pauses)[len(page.pauses) * 99 // 100],
        text=" ".join(page.text.split()),
    )


Samples = dict[str, list[Sample]]


def median(samples: Samples, renderer: str, field: str) -> float:
    values: list[float] = [getattr(sample, field) for sample in samples[renderer]]
    return statistics.median(values)


@dataclass
class Case:
    """An answer, its speed in chunks a second, its renderers, and the report of the figures."""

    name: str
    title: str
    text: str
    rate: float
    renderers: list[str]
    report: Callable[[Samples, Case], None]


def megabytes(value: float) -> str:
    return f"{value / 2**20:.0f} MiB"


def score(value: float) -> str:
    return f"{value:.4f}"


def compare_with(samples: Samples, renderer: str, limit: float) -> None:
    ours, theirs = (median(samples, name, "behind") for name in ("cellmage", renderer))
    label = f"  last paint after the last chunk, ours / {renderer}"
    ratio(label, ours, theirs, limit, seconds)


def report_peers(samples: Samples, case: Case) -> None:
    compare_with(samples, "floor", 1.2)
    compare_with(samples, "textbook", 1 / 50)
    for renderer in samples:
        if renderer not in ("floor", "textbook", "cellmage"):
            is_installed = bool(samples[renderer])
            figure = (
                seconds(median(samples, renderer, "behind")) if is_installed else "not installed"
            )
            line(f"  …, {renderer}", figure)
    at_most(
        "  layout shift while streaming", median(samples, "cellmage", "shift_live"), 0.01, score
    )
    at_most("  layout shift, with the end", median(samples, "cellmage", "shift"), 0.01, score)


def report_long(samples: Samples, case: Case) -> None:
    compare_with(samples, "floor", 2)
    ratio(
        "  bytes to the page / text",
        median(samples, "cellmage", "bytes"),
        len(case.text),
        12,
        kilobytes,
    )


def report_dear(samples: Samples, case: Case) -> None:
    compare_with(samples, "floor", 1.2)
    first = median(samples, "cellmage", "first")
    at_most("  first text painted after the first chunk", first, 0.15, seconds)


def report_block(samples: Samples, case: Case) -> None:
    report_long(samples, case)
    most, mean = (
        median(samples, "cellmage", field) for field in ("bytes_in_second", "bytes_a_second")
    )
    at_most("  bytes in the busiest second", most, 200_000, kilobytes)
    line("  …, in a second on average", kilobytes(mean))


def report_huge(samples: Samples, case: Case) -> None:
    ours, floor = samples["cellmage"], samples["floor"]
    ended = [one.behind < math.inf for one in ours]
    line("  ends", f"{sum(ended)} of {len(ended)}", "all", all(ended))
    texts = {one.text for one in floor}
    complete = [one.text in texts and one.text.endswith(ENDING) for one in ours]
    line("  page complete", f"{sum(complete)} of {len(complete)}", "all", all(complete))
    lengths = " / ".join(f"{len(some[-1].text)}" for some in (ours, floor))
    line("  …, visible characters, ours / floor", lengths)
    for renderer in ("cellmage", "floor"):
        behind = seconds(median(samples, renderer, "behind"))
        line(f"  last paint after the last chunk, {renderer}", behind)
    at_most("  …, cellmage", median(samples, "cellmage", "behind"), 2, seconds)
    at_most("  longest wait of a click", median(samples, "cellmage", "pause"), 0.1, seconds)
    line("  …, in 99 of 100 moments", seconds(median(samples, "cellmage", "usual_pause")))
    mib = 2**20
    at_most("  kernel memory, growth", median(samples, "cellmage", "grown"), 200 * mib, megabytes)
    at_most("  …, at its largest", median(samples, "cellmage", "peak"), 200 * mib, megabytes)
    line("  …, at its largest, floor", megabytes(median(samples, "floor", "peak")))
    most = max(one.messages_in_second for one in ours)
    at_most("  messages in the busiest second", most, 30, lambda value: f"{value:.0f}")


def report_slow(samples: Samples, case: Case) -> None:
    behind, first = (median(samples, "cellmage", field) for field in ("behind", "first"))
    at_most("  last paint after the last chunk", behind, 0.6, seconds)
    at_most("  first text painted after the first chunk", first, 0.15, seconds)


FLOOR_RATE = 500
"""Chunks a second of the floor, at least."""

EVERYONE = [renderer.name for renderer in WAYS]
PAIR = ["floor", "cellmage"]
CASES = [
    Case("8kB", "8 kB at 500 chunks/s", mixed(8_000), 500, EVERYONE, report_peers),
    Case("80kB", "80 kB at 1 000 chunks/s", mixed(80_000), 1000, PAIR, report_long),
    Case("1MB", "1 MB at 5 000 chunks/s", mixed(1_000_000), 5000, PAIR, report_huge),
    Case("slow", "8 kB at 50 chunks/s", mixed(8_000), 50, ["cellmage"], report_slow),
    Case("fence", "a 40 kB fence at 1 000 chunks/s", fence(40_000), 1000, PAIR, report_block),
    *(
        Case(
            f"formulas-{rate}",
            f"69 formulas at {rate} chunks/s",
            formulas(),
            rate,
            PAIR,
            report_dear,
        )
        for rate in (30, 100, 400)
    ),
    Case("code", "300 lines of code at 100 chunks/s", highlighted(300), 100, PAIR, report_dear),
    Case(
        "cells",
        "a 100-row table of formulas at 100 chunks/s",
        formula_table(100),
        100,
        PAIR,
        report_dear,
    ),
    Case("table", "a 300-row table at 1 000 chunks/s", table(300), 1000, PAIR, report_block),
]


def measure(lab: Lab, case: Case, renderer: Way, shots: Path | None) -> Sample:
    shot = shots / f"{case.name}-{renderer.id}.png" if shots else None
    # The floor shows nothing before the end, so its text need not be slow.
    rate = max(case.rate, FLOOR_RATE) if renderer.name == "floor" else case.rate
    result = lab.run(renderer, case.text, rate, shot)
    one = sample(*result) if result else Sample()
    print(f"{case.name}, {renderer.name}: {one.behind:.2f} s behind", file=sys.stderr)
    return one


def run(lab: Lab, case: Case, runs: int, shots: Path | None) -> None:
    """Measure a case with the renderers in turn, and print the report."""
    renderers = [renderer for renderer in WAYS if renderer.name in case.renderers]
    samples: Samples = {renderer.name: [] for renderer in renderers}
    present = [renderer for renderer in renderers if is_installed(renderer)]
    for _ in range(runs):
        for renderer in [*present]:
            try:
                samples[renderer.name].append(measure(lab, case, renderer, shots))
            except Broken as error:
                if not renderer.needs:
                    raise
                print(f"{renderer.name} does not run: {error}", file=sys.stderr)
                present.remove(renderer)
    rate = median(samples, "cellmage", "rate")
    print(f"{case.title} ({len(case.text)} bytes, {rate:.0f}/s), medians of {runs}")
    count = len(missed)
    case.report(samples, case)
    missed[count:] = [f"{case.name}: {label}" for label in missed[count:]]


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="benchmarks.page")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--shots", type=Path, help="a folder for a picture of each page")
    args = parser.parse_args()
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sender() as server,
        jupyterlab(Path(folder), server) as lab,
    ):
        for case in CASES:
            if case.name in args.only:
                run(lab, case, args.runs, args.shots)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
