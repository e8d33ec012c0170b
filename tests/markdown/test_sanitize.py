from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.display import heal, sanitize
from cellmage.markdown.sanitize import is_safe_url
from tests.rendered import MARKDOWN_IT, Parser, visible_text
from tests.repetitions import repeat

CASES = json.loads((Path(__file__).parents[1] / "data/output_injection.json").read_text())["cases"]

PIECES = st.sampled_from(
    ["*", "`", "``", "```\n", "~~~\n", "[", "]", "(", ")", "](", "![", "<", "a b", "\n", "\n\n",
     "- ", "> ", "# ", "|", "$", "$$", "&", "\\", "https://x.y", "javascript:x", " ", "    ",
     "<b>", "<!--", "-->", "<script>", "</script>", "<img src=x onerror=y>", "[1]: ", "'", '"',
     '="', "=", "<https://a.b>", "<javascript:a>", "[a](data:x)", '<a href="`">', "\t", "\u202e",
     "<div", "<?", "<![CDATA[", "[1]: javascript:a\n", "![a](https://x.y/z)"]
)  # fmt: skip
MARKDOWN = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


def source(case: dict[str, Any]) -> str:
    text = case["markdown"]
    return text if isinstance(text, str) else text["repeat"] * text["times"]


@pytest.fixture(scope="session")
def parser() -> Parser:
    """Return the parser; tests/browser runs these tests with JupyterLab's."""
    return MARKDOWN_IT


def find_unsafe(parser: Parser, *texts: str) -> dict[str, list[str]]:
    results = zip(texts, parser.find_unsafe(texts), strict=True)
    return {text: unsafe for text, unsafe in results if unsafe}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case: dict[str, Any], parser: Parser) -> None:
    text = sanitize(source(case))
    if case["category"] != "dos":
        assert find_unsafe(parser, text) == {}
    if "must_show_text" in case:
        assert case["must_show_text"] in visible_text(text, parser)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["category"] != "dos"], ids=lambda c: c["id"]
)
def test_every_frame_of_a_case(case: dict[str, Any], parser: Parser) -> None:
    text = source(case)
    frames = [sanitize(heal(text[:end], "▌")) for end in range(len(text) + 1)]
    assert find_unsafe(parser, *frames) == {}


@repeat(1000)
@given(MARKDOWN)
def test_no_text_is_unsafe(text: str) -> None:
    assert find_unsafe(MARKDOWN_IT, sanitize(text)) == {}


@pytest.mark.parametrize(
    "text",
    ["List<int> is a type", "cp <src> <dst>", "a < b", "x <= y", "if a<b and c>d", "<- back",
     "<3", "1 << 2", "a <-> b", "#include <stdio.h>", "Vec<Option<T>>", "<placeholder>", "a<b>c",
     "AT&T, R&D"],
)  # fmt: skip
def test_plain_text_stays_readable(text: str, parser: Parser) -> None:
    assert visible_text(sanitize(text), parser) == text
    assert visible_text(sanitize(f"see\n\n{text}\n\nend"), parser) == f"see {text} end"


@pytest.mark.parametrize(
    "text",
    ["`<b>` and ``a ` <script>``", "```html\n<script>x</script>\n```", "    <indented code>\n",
     "- a\n\n  ```html\n  <b>x</b>\n  ```\n", "$a < b$ and $$x<1$$", "$$\na < b\n$$",
     "[a](https://x.y/z?a=b&c=(d) \"t\")", "[a][1]\n\n[1]: https://x.y", "<https://x.y>",
     "mail <me@x.y>", "| `a<b` | c |\n|---|---|\n| `<i>` | d |", "a[0] and f(x)", "[x] done"],
)  # fmt: skip
def test_code_formulas_and_good_links_look_the_same(text: str, parser: Parser) -> None:
    assert visible_text(sanitize(text), parser) == visible_text(text, parser)
    assert find_unsafe(parser, sanitize(text)) == {}


@pytest.mark.parametrize(
    "text",
    ["https://x.y`<img src=x onerror=y>`", "www.x.y``![a](https://x.y/z)``",
     "https://x.y\\<b>", "`a\n|-|-|\n<b>` c", "a\r`\x0b<b>`"],
)  # fmt: skip
def test_code_that_marked_does_not_see(text: str, parser: Parser) -> None:
    """marked is JupyterLab's parser: it takes what follows a bare URL for a part of it."""
    assert find_unsafe(parser, sanitize(text)) == {}


def test_images() -> None:
    image = "![a](https://Pics.example/x.png)"
    assert sanitize(image, image_hosts=["pics.example"]) == image
    assert sanitize(image) == "[a (image at pics.example)](https://Pics.example/x.png)"
    assert sanitize("![](https://x.y/z)") == "[(image at x.y)](https://x.y/z)"


@pytest.mark.parametrize(
    "url",
    ["javascript:x", "JAVASCRIPT:x", "java\tscript:x", "&#106;avascript:x", "%6aavascript:x",
     "\x01javascript:x", "java\\script:x", "data:x", "//x.y", "x", "#a", "vscode://x", "",
     "http:x"],
)  # fmt: skip
def test_unsafe_urls(url: str) -> None:
    assert not is_safe_url(url)


def test_emphasis_nested_500_levels_deep_is_text() -> None:
    text = "<x> " + "*a **b " * 250 + "c** d*" * 250
    assert visible_text(sanitize(text), MARKDOWN_IT).strip() == text
