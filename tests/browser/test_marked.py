"""Sanitizing, judged by marked, the parser of JupyterLab; no browser is needed for that."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cellmage.display import sanitize
from tests.browser.marked import Marked, start_marked
from tests.markdown.test_sanitize import (
    MARKDOWN,
    PIECES,
    find_unsafe,
)
from tests.markdown.test_sanitize import test_case as test_hostile_case  # noqa: F401

pytestmark = pytest.mark.browser

TEXTS = 3000

# What JupyterLab reads in its own way: formulas, which it hides from marked and restores as they
# were, and the names of languages, which it puts into an attribute.
LAB_PIECES = st.sampled_from(
    ["{", "}", "\\\\(", "\\\\)", "\\begin{a}", "\\end{a}", "@@0@@", "\\$", "```py", "~~~", '" ',
     "~", " onclick=x ", "\n  ", "\n\t\n", ">\t", "-\t", "**", "_", "www.x.y", "a@b.c", "|-|-|\n",
     "1. "]
)  # fmt: skip
DENSE = st.lists(PIECES | LAB_PIECES, min_size=8, max_size=25).map("".join)


@pytest.fixture(scope="session")
def parser() -> Iterator[Marked]:
    with start_marked() as marked:
        yield marked


@pytest.mark.parametrize("strategy", [MARKDOWN, DENSE], ids=["markdown", "dense"])
def test_no_text_is_unsafe(parser: Marked, strategy: st.SearchStrategy[str]) -> None:
    """All texts are drawn first, and rendered in one call."""
    texts: list[str] = []

    @seed(1)
    @settings(
        max_examples=TEXTS, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def draw(text: str) -> None:
        texts.append(sanitize(text))

    draw()
    assert len(texts) > TEXTS / 2
    assert find_unsafe(parser, *texts) == {}


LAB_ONLY = [
    # The name of a language is put into an attribute as it is.
    '```py" onmouseover="x" y="\nx = 1\n```',
    "```\"><img src=x onerror=y>\nx\n```",
    ">\t  ~~~(\"\n\na",
    # The last line of a paragraph opens no fence before its line ends.
    "a\n~~~<img src=x onerror=y>",
    "a\n```<img src=x onerror=y>",
    # A quotation mark in a formula ends the attribute that contains the formula.
    '[a](https://x.y/$"onmouseover="x"$)',
    '[a](https://x.y "$" onmouseover="x"$")',
    'see https://x.y/$"onmouseover="x"$',
    'https://x.y/\\\\("onmouseover="x"\\\\)',
    '[a]\n\n[a]: https://x.y/$"onmouseover="x"$',
    # A formula swallows what opened the code.
    '- a $x\n  ```\n  y" $\n  <img src=x onerror=y>\n  ```',
    '- ```py$a\n  b" onmouseover=x $\n  ```',
    # Parentheses need not balance.
    "[a](javascript:x()",
    "[1]: javascript:x(\n\n[1]",
    # Tildes and the backticks after them are text together.
    "~`<img src=x onerror=y>`",
    "a ~~~`![a](https://x.y/z)`",
    # What looks like HTML, a link or code hides the backtick that is one.
    '*]<`-->*}<a href="`">',
    "[`?``\\[](javascript:x)``",
    "~a `b~ <img src=x onerror=y>`",
    "*``x`*<img src=x onerror=y>``*",
    'http://x`\n`[`<a f="`">',
    # What ends a fence, what makes a line blank, how far a tab or a list reaches.
    "~~~\na\n~~~```\n<img src=x onerror=y>\n~~~",
    "a\n\t\n    <img src=x onerror=y>",
    "`\n\t\n`<a href=\"`\">",
    "> \t```\n> <script>",
    "1. >\n a\n\n    <script>",
    # A bare URL may begin within a word.
    'xwww.x.y`<a href="`">',
    # An address of mail, or a comment.
    "a <!--a@b.c> <img src=x onerror=y> -->",
]  # fmt: skip
"""Answers that would be unsafe in JupyterLab, and nowhere else."""


@pytest.mark.parametrize("text", LAB_ONLY)
def test_text_that_is_unsafe_in_jupyterlab_only(parser: Marked, text: str) -> None:
    assert find_unsafe(parser, sanitize(text), sanitize(f"see\n\n{text}\n\nend")) == {}


@pytest.mark.parametrize(
    "text",
    ["![a](https://x.y/z)", '![a](https://x.y/z "t")', '![$"onload=x y="$](https://x.y/z)',
     '![a](https://x.y/$"onload="x"$)', '![a](https://x.y "$"onload="x"$")'],
)  # fmt: skip
def test_an_image_that_may_load_does_nothing_else(parser: Marked, text: str) -> None:
    (tags,) = parser.find_unsafe([sanitize(text, image_hosts=["x.y"])])
    plain = r'<img src="https://x\.y[^"<>]*" alt="[^"<>]*"(?: title="[^"<>]*")?>'
    assert [tag for tag in tags if not re.fullmatch(plain, tag)] == []
