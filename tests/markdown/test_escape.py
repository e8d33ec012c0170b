"""Plain text as markdown: it shows what it is, and nothing in it acts."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, cast

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cellmage.markdown.escape import escape_code, escape_markdown
from cellmage.text import strip_control_chars
from tests.markdown.test_sanitize import MARKDOWN
from tests.rendered import PERMISSIVE_PARSER
from tests.repetitions import repeat

BYPASSES = json.loads((Path(__file__).parents[1] / "data/sanitizer_bypasses.json").read_text())[
    "cases"
]
TITLES = [case["source"] for case in BYPASSES] + [
    "$a$ and $b$", r"\(a\) \[b\] \begin{a}b\end{a} \ref{c}", "@@0@@", "https://x.y", "www.x.y",
    "a@b.c", "a | b", "1. a", "- a", "<b onclick=x>", "&lt;", "```\n<b>", "a\x1b[2J\x00b",
    "a\u202eb\u2028c", ":smile:", "==a== ^b^ ~c~ {.d}", "[a]: javascript:x", "![a](https://x.y/z)",
]  # fmt: skip
CONTEXTS = [
    "{}", "**{}**", "*{}*", "- {}", "> {}", "# {}", "| a |\n| --- |\n| {} |", "[{}](<a.md>)",
    "<small>{}</small>", "x {} y {}", "<details><summary>{}</summary>\n\n1. {}\n\n</details>",
    "<table><tr><td>{}</td></tr></table>",
]  # fmt: skip
TAGS = re.compile("</?(?:span|small|details|summary|table|tr|td)>")


def mistune_text(markdown: str) -> str:
    """Return the text of the HTML that mistune, nbconvert's parser, makes of markdown."""
    parser = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])
    page = cast("str", parser(markdown))
    return re.sub("<[^>]*>", "", page)


def unsafe_tokens(markdown: str) -> list[str]:
    """Return what is not text, by a parser that finds addresses in plain text as well."""
    unsafe: list[str] = []
    for block in PERMISSIVE_PARSER.parse(markdown):
        for token in (block, *(block.children or ())):
            if token.type in ("html_block", "html_inline"):
                unsafe += re.findall("<.*", TAGS.sub("", token.content))
            elif token.type in ("image", "fence", "code_block", "code_inline", "s_open"):
                unsafe.append(token.type)
            elif token.type == "link_open" and token.attrs["href"] != "a.md":
                unsafe.append(str(token.attrs["href"]))
    return unsafe


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_text_in_every_place(title: str, context: str) -> None:
    assert unsafe_tokens(context.replace("{}", escape_markdown(title))) == []


@repeat(300)
@given(MARKDOWN | st.text("\\`*_{}[]<>()#+-.!|~$&:@=^/\"' \nab1"), st.sampled_from(CONTEXTS))
def test_any_text_is_text_in_every_place(text: str, context: str) -> None:
    escaped = escape_markdown(text)
    assert escaped.splitlines() in ([escaped], [])
    assert unsafe_tokens(context.replace("{}", escaped)) == []
    assert set(re.findall("<[^>]*>", escaped)) <= {"<span>", "</span>"}
    # Nothing that JupyterLab or MathJax takes for a formula or a mark stands in one text.
    assert not re.search(r"[$\\`@]", re.sub(r"\\[!-/:-@\[-`{-~]", "", escaped))


@repeat(300)
@given(st.text("\\`*_{}[]<>()#+-.!|~$&:@=^/\"' ab1"))
def test_the_text_is_seen(text: str) -> None:
    (paragraph,) = MarkdownIt("commonmark").parseInline(f"x {escape_markdown(text)} y")
    children: list[Any] = paragraph.children or []
    visible = "".join(token.content for token in children if token.type != "html_inline")
    assert visible.split() == ["x", *text.split(), "y"]


@pytest.mark.parametrize("title", TITLES)
def test_another_parser_shows_the_same(title: str) -> None:

    page_text = html.unescape(mistune_text(f"x {escape_markdown(title)} y")).split()
    text = re.sub("[\x00-\x1f\u2028-\u202e]", " ", title)
    assert page_text == ["x", *text.split(), "y"]


@repeat(300)
@given(MARKDOWN | st.text("\\`*_<>$&@\n \"'ab"))
def test_code_is_one_line_of_html(text: str) -> None:
    content = escape_code(text)
    (block,) = PERMISSIVE_PARSER.parse(f"<pre>{content}</pre>")
    assert (block.type, block.content) == ("html_block", f"<pre>{content}</pre>")
    assert not re.search(r"[<>$\\@`\n]", content)
    assert html.unescape(content) == strip_control_chars(text)
