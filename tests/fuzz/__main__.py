"""Publish random texts and their beginnings, and count what acts in five parsers.

SEED=N repeats a run; TEXTS=N sets the number of texts; a run ends with status 1 if anything acts.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import islice

import cmarkgfm
from cmarkgfm.cmark import Options as CMarkOptions
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from cellmage.markdown.heal import heal
from cellmage.markdown.sanitize import sanitize
from tests.browser.marked.node import Node
from tests.rendered import CURSOR

from .judge import find_acts
from .texts import texts

_find_acts = lru_cache(16)(find_acts)
"""Parsers often make the same page."""

PARSERS = ("marked (JupyterLab)", "markdown-it", "markdown-it (VS Code)", "mistune (nbconvert)",
           "cmark-gfm")  # fmt: skip
CUTS = 8
_BATCH = 200
_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]


def frames(text: str, rng: random.Random, cuts: int) -> set[str]:
    """Return what is published of a text: at its end, and at some of its beginnings."""
    ends = [rng.randrange(len(text) + 1) for _ in range(cuts)]
    return {sanitize(text), *(sanitize(heal(text[:end], CURSOR)) for end in ends)}


def render(published: list[str], node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the pages of each text, by the parsers."""
    pages = node.call(published)
    for text, (marked, plain, vscode) in zip(published, pages, strict=True):
        github = cmarkgfm.markdown_to_html_with_extensions(
            text, options=CMarkOptions.CMARK_OPT_UNSAFE, extensions=_EXTENSIONS
        )
        yield marked.replace("<!--raw-->", ""), plain, vscode, markdown2html_mistune(text), github


def fuzz(seed: int, count: int, cuts: int = CUTS) -> tuple[int, list[tuple[str, str, str]]]:
    """Return the number of published texts, and what acts: the parser, the tag, and the source."""
    rng = random.Random(seed)
    acts, total = [], 0
    with Node("fuzz.mjs") as node:
        for sources in _batched(islice(texts(seed), count), _BATCH):
            by_frame = {frame: text for text in sources for frame in frames(text, rng, cuts)}
            total += len(by_frame)
            for frame, pages in zip(by_frame, render(list(by_frame), node), strict=True):
                for parser, page in zip(PARSERS, pages, strict=True):
                    acts += [(parser, tag, by_frame[frame]) for tag in _find_acts(page)]
    return total, acts


def _batched(items: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch


def main() -> int:
    """Fuzz on all cores, and print what acts."""
    seed = int(os.environ.get("SEED") or random.randrange(10**9))
    count, workers = int(os.environ.get("TEXTS", "200000")), os.cpu_count() or 1
    print(f"SEED={seed} TEXTS={count}", flush=True)
    started_at, total, acts = time.monotonic(), 0, 0
    size = min(2_000, -(-count // workers))
    chunks = range(-(-count // size))
    with ProcessPoolExecutor(workers) as pool:
        for frames_count, found in pool.map(fuzz, [seed + n for n in chunks], [size] * len(chunks)):
            total += frames_count
            acts += len(found)
            for parser, tag, source in found[:5]:
                print(f"{parser}: {tag!r} in {source!r}", flush=True)
    seconds = time.monotonic() - started_at
    print(f"{count} texts, {total} published, {acts} act, {total / seconds:.0f} a second")
    return 1 if acts else 0


if __name__ == "__main__":
    sys.exit(main())
