"""What a terminal shows of our dialect: the text of the tokens, and their emphasis."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it.token import Token

from cellmage.markdown.plain_tokens import clean_markdown, parse_plain
from tests.repetitions import repeat

CASES = json.loads((Path(__file__).parents[1] / "data/formulas.json").read_text())["cases"]
STYLES = {"strong": "**", "em": "*", "s": "~~", "code": "`"}
RAW = re.compile(r"\\[()\[\]]|\$\$|</?span>|&#\d+;|\\begin|\\frac")


def shown(markdown: str, encoding: str = "utf-8") -> str:
    """Return the text of the tokens; emphasis is marked as in markdown."""
    blocks = []
    for token in parse_plain(clean_markdown(markdown), encoding):
        if token.type == "inline":
            blocks.append("".join(map(_shown, token.children or [])))
        elif token.type in ("fence", "code_block"):
            blocks.append(f"```{token.content}```")
        elif token.type == "hr":
            blocks.append("---")
    return "\n\n".join(blocks)


def _shown(token: Token) -> str:
    mark = STYLES.get(token.tag, "")
    if token.type == "link_close":
        return "]"
    if token.type == "link_open":
        return "["
    if token.type in ("softbreak", "hardbreak"):
        return " " if token.type == "softbreak" else "\n"
    assert token.type in ("text", "code_inline") or mark, token
    return f"`{token.content}`" if token.type == "code_inline" else mark or token.content


VISIBLE = {
    "paren_inline": "Let x² be small.",
    "bracket_display": "So\n\n    J(β) = ½‖y − Xβ‖₂²\n\nholds.",
    "bracket_in_list": "First\n\n    a = b\n\nc",
    "bracket_in_paragraph": "since\n    v^⊤v > 0;\nit is unique",
    "underscores": "x₁ and y₂ ∗ z₃ ∗ w",
    "in_table": "a\n\nb\n\nσ\n\n0",
    "pipe_in_table": "a\n\n|x|",
    "in_bold": "**so a** here",
    "in_heading": "The case n = 1",
    "in_quote": "    a",
    "env_in_brackets": "    a = b\n      = c",
    "bare_env": "    E = mc²",
    "dollars": "Euler: e^(iπ) + 1 = 0, and\n    ∫₀¹ x dx",
    "currency_bold": "**$5** or **$6**",
    "currency_table": "plan\n\nprice\n\na\n\n$5\n\nb\n\n$10",
    "currency_and_formula": "At $5 each, n items cost 5n dollars, so $20 for four.",
    "code_span": "Write `\\(x\\)` or `$5 and $6`.",
    "code_fence": "```\\[ x \\]\n$a$ \\(b\\)\n```",
    "mhchem": "H₂O",
    "cjk": "因此x成立，且\n    y\n。",
    "unclosed_end": "and so ( x + y",
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_formulas_and_dollars(case: dict[str, Any]) -> None:
    text = shown(case["source"])
    expected = VISIBLE.get(case["id"], case.get("visible"))
    if expected is not None:
        assert text == expected
    source = re.sub(r"\\[A-Za-z]+(?:\{[a-z]+\})?|```\w+", "", case["source"])
    assert set(letters(source)) <= set(letters(text))


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("H<sub>2</sub>O, x<sup>n+1</sup>", "H₂O, xⁿ⁺¹"),
        ("x<sup>*q*</sup> and y<sub>q w</sub>", "x^(*q*) and y_(q w)"),
        ("a<br>b", "a\nb"),
        ("<b>a</b> <i>b</i> <u>c</u> <s>d</s> <mark>e</mark>", "**a** *b* *c* ~~d~~ **e**"),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd>", "`Ctrl`+`C`"),
        ("<small>a</small> <ins>b</ins>", "a *b*"),
        ("a <!-- gone --> b", "a  b"),
        ("a <b> c <script>x</script>", "a <b> c <script>x</script>"),
        ("<details>\n<summary>More</summary>\n\nText.\n\n</details>", "**More**\n\nText."),
        ("<details><summary>A *b*</summary>\nText.\n</details>", "**A *b***\n\nText."),
        ("**a <details> b** c\n\n</details>", "**a <details> b** c\n\n</details>"),
        ("a\n<hr>\nb", "a\n\n---\n\nb"),
        ("It is \\$5 and &#36;6.", "It is $5 and $6."),
        ("**注意：**当`n`时", "**注意：**当`n`时"),
        ("![a cat](https://x.org/c.png)", "[a cat (image at x.org)]"),
        ("[![a](https://x.org/c.png)](https://y.org)", "[a (image at x.org)]"),
        ("see https://x.org/a_b and <https://y.org>", "see https://x.org/a_b and https://y.org"),
        ("so \\(\\foo\n{x}\\) is", "so `\\foo {x}` is"),
        ("\\[\\foo{x}\\].", "```\\foo{x}.\n```"),
        ("| a |\n|---|\n| \\(\\begin{matrix}1\\\\2\\end{matrix}\\) |",
         "a\n\n`\\begin{matrix}1\\\\2\\end{matrix}`"),
        ("a &#27;[2J &#x202e;b", "a \ufffd[2J b"),
        ("a\rb\u2028c", "a b c"),
        ("x " * 3_000 + "**b**", "x " * 3_000 + "**b**"),
    ],
)  # fmt: skip
def test_what_is_shown(markdown: str, text: str) -> None:
    assert shown(markdown) == text


def test_a_wide_formula_of_several_lines_is_shown_as_tex() -> None:
    row = " & ".join(f"x_{{{n}}}" for n in range(30))
    assert shown(f"\\[\\begin{{matrix}}{row} \\\\ {row}\\end{{matrix}}\\]").startswith("```\\begin")


def test_what_the_encoding_of_the_terminal_lacks_is_shown_as_tex() -> None:
    text = "\\(x^2\\), \\(\\beta\\), m<sup>2</sup>, x<sub>2</sub>"
    assert shown(text, "cp1252") == "x², `\\beta`, m², x_(2)"


TEXTS = st.lists(
    st.one_of(
        st.text("abäж注意：「 ", max_size=6),
        st.sampled_from(
            ["*", "**", "~~", "_", "$", "$$", "\\(", "\\)", "\\[", "\\]", "{", "}", "^", "\n",
             "\n\n", "- ", "> ", "# ", "1. ", "|", "\n|---|\n", "<sub>", "</sub>", "<b>", "</b>",
             "<details>", "</details>", "<summary>", "</summary>", "<p>", "<hr>", "<br>", "`"]
        ),
    ),
    max_size=20,
).map("".join)  # fmt: skip


TAG_IN_ANY_TEXT = re.compile(r"\s*<\s*/?(?:sub|b|details|summary|p|hr|br)\s*>\s*")


def letters(text: str) -> list[str]:
    return [char for char in unicodedata.normalize("NFKC", text) if char.isalpha()]


@repeat(300)
@given(TEXTS)
def test_no_letter_is_lost(text: str) -> None:
    bare, visible = (TAG_IN_ANY_TEXT.sub("", source) for source in (text, shown(text)))
    # The info of a fence is not shown, nor are the cells of a table that its head does not have.
    # In a formula, a tag is a relation and a name.
    assume(not re.search(r"\n\|?-+\||~~~|```|\$[^$]*<[^$]*\$", text))
    assert letters(visible) == letters(bare)


@given(TEXTS)
def test_emphasis_is_balanced(text: str) -> None:
    for token in parse_plain(text):
        depth = 0
        for child in token.children or []:
            depth += child.nesting
            assert depth >= 0
        assert depth == 0


def test_a_text_that_parsers_take_long_for_is_shown_as_it_is() -> None:
    text = "[" * 20_000 + "\nb"
    start = time.process_time()
    assert shown(text) == text
    assert time.process_time() - start < 30  # not minutes


ANSWERS = sorted((Path(__file__).parents[1] / "data/answers").glob("*.md"))


@pytest.mark.parametrize("path", ANSWERS, ids=[path.stem for path in ANSWERS])
def test_answers_of_models(path: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", shown(path.read_text()), flags=re.DOTALL)
    assert not RAW.search(prose)
