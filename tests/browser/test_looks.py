"""What cannot act looks the same after sanitizing, in markdown-it and in marked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from cellmage.markdown.sanitize import sanitize
from tests.browser.marked.node import Node
from tests.fuzz.judge import find_acts
from tests.fuzz.tree import read_tree

pytestmark = pytest.mark.browser

ANSWERS = sorted((Path(__file__).parents[1] / "data/answers").glob("*.md"))
_RELATIVE = re.compile(r"(?<![\w/:.])/(?=ur[il]|bar|path|my)")


class Look(NamedTuple):
    """A text, and its pages before and after sanitizing, by marked and by markdown-it."""

    source: str
    marked: tuple[str, str]
    markdown_it: tuple[str, str]


def acts(look: Look) -> bool:
    """Raw HTML, images, and links to other places than http, https and mailto."""
    return "<!--raw-->" in look.marked[0] or any(
        find_acts(page.replace("<!--raw-->", "")) for page in (look.marked[0], look.markdown_it[0])
    )


KINDS: Mapping[str, Callable[[Look], object]] = {
    "it acts": acts,
    "emphasis in Chinese, Japanese or Korean": lambda look: re.search(
        r"[*_][^\x00-\u10ff]|[^\x00-\u10ff][*_]", look.source
    ),
    "a formula": lambda look: re.search(r"\$|\\[(\[]", look.source),
    "a markdown fence that contains fences": lambda look: "```markdown" in look.source,
    "a bare URL reaches to the next space, as in GFM": lambda look: re.search(
        r"(?<!<)https?://[^\s<]*\]\(https?:", look.source
    ),
}
"""Why a page may look different."""

MOST = {"it acts": 125, "a formula": 2}
"""How many texts may look different for a reason; others: one."""


@pytest.fixture(scope="module")
def looks() -> list[Look]:
    """Return the examples of CommonMark and the answers; half of the examples link to "/url"."""
    with Node("peers.mjs") as node:
        examples = [_RELATIVE.sub("https://x.y/", text) for text in node.call(None)]
    texts = [*examples, *(path.read_text() for path in ANSWERS)]
    with Node("fuzz.mjs") as node:
        before = node.call(texts)
        after = node.call([sanitize(text) for text in texts])
    return [
        Look(text, (old[0], new[0]), (old[1], new[1]))
        for text, old, new in zip(texts, before, after, strict=True)
    ]


def test_texts_look_the_same(looks: list[Look]) -> None:
    """Where the two parsers disagree about a source, the page is as markdown-it reads it."""
    assert len(looks) == 652 + len(ANSWERS)
    counts: Counter[str] = Counter()
    for look in looks:
        expected = read_tree(look.markdown_it[0])
        allowed = {"marked": [expected, read_tree(look.marked[0])], "markdown-it": [expected]}
        pages = {"marked": look.marked[1], "markdown-it": look.markdown_it[1]}
        changed = [name for name, page in pages.items() if read_tree(page) not in allowed[name]]
        if changed:
            kind = next((kind for kind, applies in KINDS.items() if applies(look)), "")
            counts[kind] += 1
            print(f"{' and '.join(changed)}: {kind or 'no reason'}: {look.source[:60]!r}")
            assert kind, (look.source, read_tree(pages[changed[0]]), allowed[changed[0]])
    print(f"{len(looks)} texts: {len(looks) - counts.total()} the same, {dict(counts)}")
    assert {kind: n for kind, n in counts.items() if n > MOST.get(kind, 1)} == {}
