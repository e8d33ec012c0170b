"""Measure the slowest frame of hostile texts, on a page and in a terminal.

    SEED=1 TEXTS=2000 .venv/bin/python -m benchmarks.hostile

Each text has 10 to 100 kB: fragments of markdown that are repeated, mixed or nested. It arrives at
once, and in pieces of which each makes a frame. Times are those of the CPU, the best of three.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.table import at_most, missed
from cellmage.display import LiveMarkdown
from cellmage.display.parts import Part
from cellmage.markdown.long_blocks import end_of_long_block
from cellmage.markdown.plain_tokens import clean_markdown, parse_plain
from cellmage.markdown.sanitize import sanitize
from tests.fuzz.texts import ACTS, LINES, MARKS, PREFIXES

MAX_FRAME_SECONDS = 0.050
PIECES = 5
FRAGMENTS = [*MARKS, *ACTS, *(f"{text}\n" for text in [*LINES, *PREFIXES]), "a\n\n", "- a\n",
             "1. a\n",
             "| a | b |\n", "|-|-|\n", "**a ", "[a](", "![a](", "`a ", "$a$ ", "\\(a\\) ", "> a\n",
             "\n  - ", "# a\n", "    a\n", "a b c ", "<details>\n", "字**a**"]  # fmt: skip


class Slowest(NamedTuple):
    """The slowest frame: its seconds, and the text that it shows."""

    seconds: float
    text: str


def hostile_text(rng: random.Random) -> str:
    """Return a text of 10 to 100 kB."""
    size = rng.randint(10_000, 100_000)
    fragments = rng.choices(FRAGMENTS, k=rng.choice([1, 1, 2, 2, 3, 8]))
    if rng.random() < 0.2:  # nested ever deeper
        unit, lines, length = rng.choice(["> ", "- ", "  ", "1. "]), [], 0
        while length < size:
            lines.append(unit * min(len(lines), 300) + "".join(fragments))
            length += len(lines[-1]) + 1
        return "\n".join(lines)[:size]
    if rng.random() < 0.3:
        picked = rng.choices(fragments, k=size // min(map(len, fragments)) + 1)
        return "".join(picked)[:size]
    start = rng.choice(["", "", "a ", "```\n", "- ", "> ", "| a |\n|-|\n", "$$\n", "<details>\n"])
    unit = "".join(fragments)
    return (start + unit * (size // len(unit) + 1))[:size]


def cpu_seconds(make_frame: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        started_at = time.process_time()
        make_frame()
        best = min(best, time.process_time() - started_at)
        if best < MAX_FRAME_SECONDS / 2:
            break
    return best


def frame_of(text: str) -> object:
    """Return the frame of a text that has arrived at once, as a page shows it."""
    part = Part(0, sanitize)
    part.pending.append(text)
    return part.live_frame()


def walk(text: str) -> float:
    """Return the seconds of the slowest frame while a text arrives in pieces."""
    live, slowest = LiveMarkdown(0.0), 0.0
    size = len(text) // PIECES + 1
    for number in range(PIECES):
        live.feed(text[number * size : (number + 1) * size])
        started_at = time.process_time()
        live.frames_due(1_000.0 * (number + 1))
        slowest = max(slowest, time.process_time() - started_at)
    return slowest


def terminal_frame(text: str) -> object:
    return parse_plain(end_of_long_block(clean_markdown(text)))


MEASURES: dict[str, Callable[[str], float]] = {
    "a page, at once": lambda text: cpu_seconds(lambda: frame_of(text)),
    "a page, in pieces": lambda text: min(walk(text) for _ in range(2)),
    "a terminal": lambda text: cpu_seconds(lambda: terminal_frame(text)),
}


def main() -> int:
    """Print the slowest frames, and return 1 if one takes too long."""
    seed, count = int(os.environ.get("SEED", "1")), int(os.environ.get("TEXTS", "2000"))
    rng = random.Random(seed)
    slowest = dict.fromkeys(MEASURES, Slowest(0.0, ""))
    for _ in range(count):
        text = hostile_text(rng)
        for name, measure in MEASURES.items():
            slowest[name] = max(slowest[name], Slowest(measure(text), text))
    print(f"{count} hostile texts of 10 to 100 kB, SEED={seed}: the slowest frame (CPU)")
    for name, (slow, text) in slowest.items():
        at_most(f"{name}: {text[:20]!r}", slow, MAX_FRAME_SECONDS, milliseconds)
    return 1 if missed else 0


def milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
