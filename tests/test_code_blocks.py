"""The code blocks of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Response
from cellmage.code_blocks import find_code_blocks

LINES = st.lists(st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="`~>")))
WORDS = st.sampled_from(["", "python", "Python", "bash", "c++", "objective-c"])


@given(st.lists(st.tuples(WORDS, LINES)), st.sampled_from(["```", "~~~", "`````"]))
def test_any_blocks_are_found(blocks: list[tuple[str, list[str]]], fence: str) -> None:
    texts = ["\n".join([fence + word, *lines, fence]) for word, lines in blocks]
    found = find_code_blocks("Text.\n\n" + "\n\nMore `text`.\n\n".join(texts) + "\n")
    assert [(block.language, str(block)) for block in found] == [
        (word.lower(), "\n".join(lines)) for word, lines in blocks
    ]


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        ("", []),
        ("``` is a fence", [""]),
        ("```python", [""]),
        ("```python\nx = 1", ["x = 1"]),
        ("1. So:\n\n   ```\n   if x:\n       y\n   ```\n", ["if x:\n    y"]),
        ("````\n```\nx\n```\n````", ["```\nx\n```"]),
        ("```\n~~~\n```", ["~~~"]),
        ("> ```\n> x\n> ```", ["x"]),
        ("```\n>>> x\n```", [">>> x"]),
        ("```py title=a.py\nx\n```", ["x"]),
        ("A `b` and ```c``` d", []),
    ],
)
def test_cases(markdown: str, blocks: list[str]) -> None:
    assert Response(markdown).code == blocks
