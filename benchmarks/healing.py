"""What a reader sees of markdown that arrives a character at a time, and what healing costs.

    .venv/bin/python -m benchmarks.healing

Needs node, and the network once. Two sets of texts: our corpus, which is what models write, and the
examples of CommonMark's specification, which are its corners. A frame is wrong when its visible
text is not a prefix of the final one. A flip is a block that changes its type on the page; it is
avoidable unless an underline makes a heading of a paragraph. The lag is what has arrived of the
final visible text and is not shown. Times are those of the CPU.
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
from tests.browser.marked import marked
from tests.browser.marked.node import Node
from tests.rendered import MARKDOWN_IT, Frames, Parser

CORPUS = Path(__file__).parents[1] / "tests/data/markdown_stream.json"
Show = Callable[[str, str], str]

SIZE = 1_000_000
PIECE = 1_000
FRAME = 0.010
"""Seconds that a frame may take at most, of an answer of a megabyte."""

MARKERS = 100_000
NESTED = 0.100
UNITS = ["[", "(", "# ", "![a](", "[a](", "<a ", "*a ", "*_", "**", "~~", "`a", "> ", "- ", "1. ",
         "&", "$", "|", "\\", "#", "www.", "```\n"]  # fmt: skip
DEEP = 400
"""Items, each a level below the one before: as many markers as make 160 kB of indentation."""


def remend(texts: list[str]) -> Show:
    """npm's remend, asked for all frames at once."""
    frames = [text[:end] for text in texts for end in range(1, len(text) + 1)]
    with Node("peers.mjs") as node:
        healed = dict(zip(frames, node.ask(frames), strict=True))
    return lambda text, cursor: str(healed[text])


def examples() -> list[str]:
    """The examples of CommonMark 0.31.2."""
    with Node("peers.mjs") as node:
        found: list[str] = node.ask(None)
    return found


def row(name: str, texts: list[str], show: Show, parser: Parser) -> None:
    frames = [Frames(text, show, parser) for text in texts]
    count, wrong = sum(each.count for each in frames), sum(each.wrong for each in frames)
    flips = sum(each.flips for each in frames)
    lags = sorted(lag for each in frames for lag in each.lags)
    print(
        f"  {name:<30}{count:>8}{wrong:>8}{wrong / count:>8.1%}"
        f"{flips + sum(each.demanded for each in frames):>8}{flips:>11}"
        f"{statistics.median(lags):>9g}{lags[int((len(lags) - 1) * 0.95)]:>7}{lags[-1]:>7}",
        flush=True,
    )


def quality(parser: Parser) -> None:
    documents = [document["md"] for document in json.loads(CORPUS.read_text())["documents"]]
    for name, texts in (("the corpus", documents), ("CommonMark's examples", examples())):
        print(
            f"{name + f', {len(texts)} texts':<32}{'frames':>8}{'wrong':>8}{'':>8}{'flips':>8}"
            f"{'avoidable':>11}{'lag p50':>9}{'p95':>7}{'max':>7}"
        )
        row("cellmage", texts, heal, MARKDOWN_IT)
        row("cellmage, seen by marked", texts, heal, parser)
        row("remend 1.4.0", texts, remend(texts), MARKDOWN_IT)
        row("as it is", texts, lambda text, cursor: text, MARKDOWN_IT)
        row("as it is, cursor behind it", texts, lambda text, cursor: text + cursor, MARKDOWN_IT)


def stream(text: str) -> list[float]:
    """Seconds of each frame of an answer in pieces, each of which is painted."""
    live = LiveMarkdown(0.0)
    spent = []
    for n, at in enumerate(range(0, len(text), PIECE)):
        began = time.process_time()
        live.feed(text[at : at + PIECE])
        live.frames_due(n * 60.0)
        spent.append(time.process_time() - began)
    return spent


def cost(function: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    function(text)
    return time.process_time() - began


def limited(what: str, seconds: float, limit: float, more: str = "") -> None:
    figure = f"{seconds * 1000:.1f} ms{more}"
    line(what, figure, f"at most {limit * 1000:g} ms", seconds <= limit)


def nested() -> dict[str, str]:
    """Texts of nothing but markers that open something."""
    texts = {repr(unit): unit * MARKERS for unit in UNITS}
    texts["'- ', indented"] = "".join(f"{'  ' * n}- a\n" for n in range(DEEP))
    return texts


def times() -> None:
    answer = mixed(SIZE)
    gc.freeze()  # what this program has made so far, whose collection takes longer than a frame
    runs = [stream(answer) for _ in range(3)]
    middle = statistics.median(spent for run in runs for spent in run)
    print(f"an answer of 1 MB in pieces of 1 kB, {len(runs[0])} frames, 3 times")
    limited(
        "  the longest frame (heal and sanitize), median of 3",
        statistics.median(map(max, runs)), FRAME, f" (median {middle * 1000:.2f})",
    )  # fmt: skip
    print(f"{MARKERS:,} nested markers; the slower of heal and sanitize")
    for name, text in nested().items():
        healed, safe = cost(lambda text: heal(text, CURSOR), text), cost(sanitize, text)
        limited(f"  {name}", max(healed, safe), NESTED)


def main() -> None:
    with marked() as parser:
        quality(parser)
    times()


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)
