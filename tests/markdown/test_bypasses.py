"""Texts that passed a sanitizer once, judged by the parsers of Python; tests/browser has others."""

from __future__ import annotations

from collections.abc import Callable

import mistune
import pytest
from markdown_it import MarkdownIt

from cellmage.markdown.heal import heal
from cellmage.markdown.sanitize import sanitize
from tests.fuzz.judge import find_acts
from tests.fuzz.texts import CORPUS
from tests.rendered import CURSOR

_MISTUNE = mistune.create_markdown(
    escape=False, plugins=["strikethrough", "table", "url", "task_lists", "def_list"]
)
PARSERS: dict[str, Callable[[str], str]] = {
    "markdown-it": MarkdownIt("commonmark").enable(["table", "strikethrough"]).render,
    # As nbconvert has it, but that it looks for no formulas.
    "mistune": lambda text: str(_MISTUNE(text)),
}


@pytest.mark.parametrize("parser", PARSERS)
def test_no_text_acts(parser: str) -> None:
    render = PARSERS[parser]
    for text in CORPUS:
        for end in range(0, len(text), 5):
            frame = sanitize(heal(text[:end], CURSOR))
            assert find_acts(render(frame)) == [], (text, frame)
        assert find_acts(render(sanitize(text))) == [], text


def test_the_corpus_acts_as_it_is() -> None:
    pages = [[render(text) for render in PARSERS.values()] for text in CORPUS]
    assert sum(any(map(find_acts, page)) for page in pages) > len(CORPUS) / 2
