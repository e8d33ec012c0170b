"""A part of ``make fuzz``: random texts, published, judged by the parsers of five front ends."""

from __future__ import annotations

import random

import pytest

from tests.browser.marked.node import Node
from tests.fuzz.__main__ import PARSERS, frames, fuzz, render
from tests.fuzz.judge import find_acts
from tests.fuzz.texts import CORPUS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("seed", [1, 2])
def test_no_random_text_acts(seed: int) -> None:
    total, acts = fuzz(seed, 2_500, cuts=1)
    assert total > 2_500
    assert acts == []


def test_no_text_that_acted_once_acts() -> None:
    rng = random.Random(1)
    sources = {frame: text for text in CORPUS for frame in frames(text, rng, cuts=8)}
    with Node("fuzz.mjs") as node:
        for frame, pages in zip(sources, render(list(sources), node), strict=True):
            for parser, page in zip(PARSERS, pages, strict=True):
                assert find_acts(page) == [], (parser, sources[frame], frame)


def test_the_judge_sees_what_acts() -> None:
    texts = ["<img src=x onerror=y>", "[a](javascript:x)", "![a](https://x.y/z)", "<b onclick=x>"]
    with Node("fuzz.mjs") as node:
        for text, pages in zip(texts, render(texts, node), strict=True):
            acting = [name for name, page in zip(PARSERS, pages, strict=True) if find_acts(page)]
            # Some parsers refuse such addresses themselves.
            assert acting == list(PARSERS) or "javascript" in text
            assert len(acting) >= 2
