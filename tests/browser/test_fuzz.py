"""A part of ``make fuzz``: random texts, published, judged by the parsers of five front ends."""

from __future__ import annotations

import pytest

from tests.browser.marked.node import Node
from tests.fuzz.__main__ import PARSERS, fuzz, render
from tests.fuzz.judge import find_acts

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("seed", [1, 2])
def test_no_random_text_acts(seed: int) -> None:
    total, acts = fuzz(seed, 2_500, cuts=1)
    assert total > 2_500
    assert acts == []


def test_the_judge_sees_what_acts() -> None:
    texts = ["<img src=x onerror=y>", "[a](javascript:x)", "![a](https://x.y/z)", "<b onclick=x>"]
    with Node("fuzz.mjs") as node:
        for text, pages in zip(texts, render(texts, node), strict=True):
            acting = [name for name, page in zip(PARSERS, pages, strict=True) if find_acts(page)]
            # Some parsers refuse such addresses themselves.
            assert acting == list(PARSERS) or "javascript" in text
            assert len(acting) >= 2
