"""Measure the markdown that a user sees while an answer arrives, and the cost of healing.

    .venv/bin/python -m benchmarks.healing

Needs node, and the network once. Texts arrive a character at a time. There are two sets: our corpus
is what models write; the examples of CommonMark's specification are its corner cases. A frame is
wrong if its visible text is not a prefix of the final one. A flip is a block that changes its type
on the page; it is avoidable unless an underline makes a heading of a paragraph. The lag is the part
of the final visible text that arrived and is not visible. Times are those of the CPU.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.answers import mixed
from benchmarks.table import line, missed
from cellmage.display import CURSOR, LiveMarkdown, heal, sanitize
from tests.browser.marked import start_marked
from tests.browser.marked.node import Node
from tests.rendered import MARKDOWN_IT, Frames, Parser

CORPUS = Path(__file__).parents[1] / "tests/data/markdown_stream.json"
Show = Callable[[str, str], str]

ANSWER_CHARS = 1_000_000
PIECE_CHARS = 1_000
MAX_FRAME_SECONDS = 0.010
"""Longest time for a frame of an answer of a megabyte."""

MARKERS = 100_000
MAX_NESTED_SECONDS = 0.100
"""Longest time for a text of so many markers."""

UNITS = ["[", "(", "# ", "![a](", "[a](", "<a ", "*a ", "*_", "**", "~~", "`a", "> ", "- ", "1. ",
         "&", "$", "|", "\\", "#", "www.", "```\n"]  # fmt: skip
INDENTED_ITEMS = 400
"""List items, each a level below the one before: 160 kB of indentation."""


def load_remend(texts: list[str]) -> Show:
    """Heal all frames of these texts by npm's remend, in one call, and return the lookup."""
    frames = [text[:end] for text in texts for end in range(1, len(text) + 1)]
    with Node("peers.mjs") as node:
        healed = dict(zip(frames, node.call(frames), strict=True))
    return lambda text, cursor: str(healed[text])


def load_examples() -> list[str]:
    """Return the examples of CommonMark 0.31.2."""
    with Node("peers.mjs") as node:
        examples: list[str] = node.call(None)
    return examples


def print_row(
    name: str,
    texts: list[str],
    show: Show,
    parser: Parser,
    publish: Callable[[str], str] = str,
) -> None:
    frames = [Frames(text, show, parser, publish) for text in texts]
    count, wrong = sum(text.count for text in frames), sum(text.wrong for text in frames)
    flips = sum(text.flips for text in frames)
    lags = sorted(lag for text in frames for lag in text.lags)
    print(
        f"  {name:<30}{count:>8}{wrong:>8}{wrong / count:>8.1%}"
        f"{flips + sum(text.demanded for text in frames):>8}{flips:>11}"
        f"{statistics.median(lags):>9g}{lags[int((len(lags) - 1) * 0.95)]:>7}{lags[-1]:>7}",
        flush=True,
    )


def show_published(text: str, cursor: str) -> str:
    """Return a frame as it is published."""
    return sanitize(heal(text, cursor))


def measure_quality(parser: Parser) -> None:
    documents = [document["md"] for document in json.loads(CORPUS.read_text())["documents"]]
    for name, texts in (("the corpus", documents), ("CommonMark's examples", load_examples())):
        print(
            f"{name + f', {len(texts)} texts':<32}{'frames':>8}{'wrong':>8}{'':>8}{'flips':>8}"
            f"{'avoidable':>11}{'lag p50':>9}{'p95':>7}{'max':>7}"
        )
        print_row("cellmage", texts, show_published, MARKDOWN_IT, sanitize)
        print_row("cellmage, seen by marked", texts, show_published, parser, sanitize)
        print_row("remend 1.4.0", texts, load_remend(texts), MARKDOWN_IT)
        print_row("as it is", texts, lambda text, cursor: text, MARKDOWN_IT)
        print_row("as it is, with a cursor", texts, lambda text, cursor: text + cursor, MARKDOWN_IT)


def measure_frames(text: str) -> list[float]:
    """Return the seconds of each frame of an answer in pieces, each of which is painted."""
    live = LiveMarkdown(0.0)
    seconds = []
    for n, offset in enumerate(range(0, len(text), PIECE_CHARS)):
        start = time.process_time()
        live.feed(text[offset : offset + PIECE_CHARS])
        live.frames_due(n * 60.0)
        seconds.append(time.process_time() - start)
    return seconds


def measure_call(function: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    function(text)
    return time.process_time() - start


def print_limited(label: str, seconds: float, limit: float, note: str = "") -> None:
    figure = f"{seconds * 1000:.1f} ms{note}"
    line(label, figure, f"at most {limit * 1000:g} ms", seconds <= limit)


def build_marker_texts() -> dict[str, str]:
    """Return texts of nothing but markers that open something, by their description."""
    texts = {repr(unit): unit * MARKERS for unit in UNITS}
    texts["'- ', indented"] = "".join(f"{'  ' * n}- a\n" for n in range(INDENTED_ITEMS))
    return texts


def measure_times() -> None:
    answer = mixed(ANSWER_CHARS)
    gc.freeze()  # collecting the objects of this program so far takes longer than a frame
    runs = [measure_frames(answer) for _ in range(3)]
    median = statistics.median(seconds for run in runs for seconds in run)
    print(f"an answer of 1 MB in pieces of 1 kB, {len(runs[0])} frames, 3 times")
    print_limited(
        "  the longest frame (heal and sanitize), median of 3",
        statistics.median(map(max, runs)), MAX_FRAME_SECONDS, f" (median {median * 1000:.2f})",
    )  # fmt: skip
    print(f"{MARKERS:,} nested markers; the slower of heal and sanitize")
    for name, text in build_marker_texts().items():
        healing = measure_call(lambda text: heal(text, CURSOR), text)
        print_limited(f"  {name}", max(healing, measure_call(sanitize, text)), MAX_NESTED_SECONDS)


def main() -> None:
    with start_marked() as parser:
        measure_quality(parser)
    measure_times()


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
