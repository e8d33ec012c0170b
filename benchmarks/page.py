"""What the reader sees: answers in a real JupyterLab page, ours and others', in one run.

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

from .answers import ENDING, Sent, fence, mixed, sender, table
from .lab import Broken, Lab, Seen, jupyterlab
from .peers import WAYS, Way, is_installed
from .table import at_most, kilobytes, line, missed, ratio, seconds


@dataclass
class Sample:
    """One run; `behind` is from the last chunk to the last paint. As it stands: it never ended."""

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
    text: str = ""


def in_second(events: Sequence[tuple[float, float]]) -> float:
    """The largest sum within one second."""
    most = total = 0.0
    begin = 0
    for at, size in events:
        total += size
        while at - events[begin][0] > 1:
            total -= events[begin][1]
            begin += 1
        most = max(most, total)
    return most


def sample(sent: Sent, seen: Seen) -> Sample:
    messages = sorted(seen.messages)
    size = sum(size for _, size in messages)
    return Sample(
        behind=seen.paints[-1] - sent.last if ENDING in seen.text else math.inf,
        first=seen.first - sent.first,
        rate=sent.rate,
        bytes=size,
        bytes_in_second=in_second(messages),
        bytes_a_second=size / (messages[-1][0] - messages[0][0]),
        messages_in_second=in_second([(at, 1) for at, _ in messages]),
        shift_live=sum(value for at, value in seen.shifts if at <= sent.last),
        shift=sum(value for _, value in seen.shifts),
        grown=seen.memory[0],
        peak=seen.memory[1],
        text=" ".join(seen.text.split()),
    )


Samples = dict[str, list[Sample]]


def middle(samples: Samples, way: str, field: str) -> float:
    values: list[float] = [getattr(one, field) for one in samples[way]]
    return statistics.median(values)


@dataclass
class Case:
    """An answer, how fast it comes, who shows it, and what is said of it."""

    name: str
    title: str
    text: str
    rate: float
    ways: list[str]
    report: Callable[[Samples, Case], None]


def megabytes(value: float) -> str:
    return f"{value / 2**20:.0f} MiB"


def score(value: float) -> str:
    return f"{value:.4f}"


def against(samples: Samples, way: str, limit: float) -> None:
    ours, theirs = (middle(samples, name, "behind") for name in ("cellmage", way))
    what = f"  last paint after the last chunk, ours / {way}"
    ratio(what, ours, theirs, limit, seconds)


def report_peers(samples: Samples, case: Case) -> None:
    against(samples, "floor", 1.2)
    against(samples, "textbook", 1 / 50)
    for way in samples:
        if way not in ("floor", "textbook", "cellmage"):
            shown = seconds(middle(samples, way, "behind")) if samples[way] else "not installed"
            line(f"  …, {way}", shown)
    at_most(
        "  layout shift while streaming", middle(samples, "cellmage", "shift_live"), 0.01, score
    )
    at_most("  layout shift, with the collapse", middle(samples, "cellmage", "shift"), 0.05, score)


def report_long(samples: Samples, case: Case) -> None:
    against(samples, "floor", 2)
    ratio(
        "  bytes to the page / text",
        middle(samples, "cellmage", "bytes"),
        len(case.text),
        12,
        kilobytes,
    )


def report_block(samples: Samples, case: Case) -> None:
    report_long(samples, case)
    most, mean = (
        middle(samples, "cellmage", field) for field in ("bytes_in_second", "bytes_a_second")
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
    for way in ("cellmage", "floor"):
        line(f"  last paint after the last chunk, {way}", seconds(middle(samples, way, "behind")))
    mib = 2**20
    at_most("  kernel memory, growth", middle(samples, "cellmage", "grown"), 200 * mib, megabytes)
    at_most("  …, at its largest", middle(samples, "cellmage", "peak"), 200 * mib, megabytes)
    line("  …, at its largest, floor", megabytes(middle(samples, "floor", "peak")))
    most = max(one.messages_in_second for one in ours)
    at_most("  messages in the busiest second", most, 30, lambda value: f"{value:.0f}")


def report_slow(samples: Samples, case: Case) -> None:
    behind, first = (middle(samples, "cellmage", field) for field in ("behind", "first"))
    at_most("  last paint after the last chunk", behind, 0.6, seconds)
    at_most("  first text painted after the first chunk", first, 0.15, seconds)


EVERYONE = [way.name for way in WAYS]
PAIR = ["floor", "cellmage"]
CASES = [
    Case("8kB", "8 kB at 500 chunks/s", mixed(8_000), 500, EVERYONE, report_peers),
    Case("80kB", "80 kB at 1 000 chunks/s", mixed(80_000), 1000, PAIR, report_long),
    Case("1MB", "1 MB at 5 000 chunks/s", mixed(1_000_000), 5000, PAIR, report_huge),
    Case("slow", "8 kB at 50 chunks/s", mixed(8_000), 50, ["cellmage"], report_slow),
    Case("fence", "a 40 kB fence at 1 000 chunks/s", fence(40_000), 1000, PAIR, report_block),
    Case("table", "a 300-row table at 1 000 chunks/s", table(300), 1000, PAIR, report_block),
]


def measure(lab: Lab, case: Case, way: Way, shots: Path | None) -> Sample:
    shot = shots / f"{case.name}-{way.id}.png" if shots else None
    result = lab.run(way, case.text, case.rate, shot)
    one = sample(*result) if result else Sample()
    print(f"{case.name}, {way.name}: {one.behind:.2f} s behind", file=sys.stderr)
    return one


def run(lab: Lab, case: Case, runs: int, shots: Path | None) -> None:
    """Measure a case, the ways in turn, and print what came of it."""
    ways = [way for way in WAYS if way.name in case.ways]
    samples: Samples = {way.name: [] for way in ways}
    present = [way for way in ways if is_installed(way)]
    for _ in range(runs):
        for way in [*present]:
            try:
                samples[way.name].append(measure(lab, case, way, shots))
            except Broken as error:
                if not way.needs:
                    raise
                print(f"{way.name} does not run: {error}", file=sys.stderr)
                present.remove(way)
    rate = middle(samples, "cellmage", "rate")
    print(f"{case.title} ({len(case.text)} bytes, {rate:.0f}/s), medians of {runs}")
    known = len(missed)
    case.report(samples, case)
    missed[known:] = [f"{case.name}: {what}" for what in missed[known:]]


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="benchmarks.page")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--shots", type=Path, help="a folder for a picture of each page")
    chosen = parser.parse_args()
    if chosen.shots:
        chosen.shots.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sender() as server,
        jupyterlab(Path(folder), server) as lab,
    ):
        for case in CASES:
            if case.name in chosen.only:
                run(lab, case, chosen.runs, chosen.shots)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
