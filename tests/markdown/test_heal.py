from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellmage.display import heal, sanitize
from tests.rendered import CURSOR, MARKDOWN_IT, Frames, Parser, is_prefix, render_page
from tests.repetitions import repeat

CORPUS = json.loads((Path(__file__).parents[1] / "data/markdown_stream.json").read_text())

# Pieces of markdown; random strings of them are like the prefixes of a stream.
PIECES = st.sampled_from(
    ["*", "**", "_", "__", "`", "``", "```", "~~", "[", "]", "(", ")", "](", "!", "![", "<", ">",
     "a", "word ", "é", "日", "🧙", "\n", "\n\n", " ", "  ", "\t", "- ", "1. ", "2)", "> ", "# ",
     "|", "---", "|-|", "===", "$", "$$", "&", "&amp;", "\\", "http://x.y", "[1]: x", "<b>",
     "</b>", "<!--", "+", ":", "~~~", "*.py", "\u200b", "."]
)  # fmt: skip
MARKDOWN = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


@pytest.fixture(scope="session")
def parser() -> Parser:
    """Return the parser; tests/browser runs these tests with JupyterLab's."""
    return MARKDOWN_IT


@pytest.mark.parametrize("cursor", [CURSOR, ""])
@pytest.mark.parametrize(
    "case", CORPUS["cases"], ids=lambda case: f"{case['category']}-{case['id']}"
)
def test_case(case: dict[str, Any], cursor: str, parser: Parser) -> None:
    healed = heal(case["prefix"], cursor)
    text, blocks = render_page(healed, parser)
    for part in case["forbid_visible"]:
        assert part not in text, healed
    assert is_prefix(case["min_visible"], text), healed
    if "blocks_allowed" in case:
        assert blocks in case["blocks_allowed"], healed


@pytest.mark.parametrize("case", CORPUS["cursor_cases"], ids=lambda case: case["id"])
def test_cursor_changes_nothing_but_itself(case: dict[str, Any], parser: Parser) -> None:
    with_cursor, without = heal(case["prefix"], CURSOR), heal(case["prefix"])
    marked, plain = parser.render_pages([with_cursor, without])
    assert marked.text == plain.text
    assert with_cursor.count(CURSOR) <= 1
    if without.strip():
        assert marked.blocks == plain.blocks


@pytest.mark.parametrize("document", CORPUS["documents"], ids=lambda document: document["id"])
def test_document(document: dict[str, Any], parser: Parser) -> None:
    frames = Frames(document["md"], heal, parser)
    closes = document["id"] not in CORPUS["bar"]["never_closing"]
    assert frames.wrong <= (0 if closes else frames.count * 0.03)
    assert frames.flips == 0
    assert frames.lag(0.5) <= 2
    assert frames.lag(0.95) <= 25


@repeat(500)
@given(MARKDOWN)
@example("a\\")
@example("**a** *")
@example("$$\n\n$$")
@example("```\na\n\nb\n```")
def test_healing_is_idempotent(text: str) -> None:
    healed = heal(text)
    assert heal(healed) == healed
    assert heal(text, CURSOR).count(CURSOR) <= 1 + text.count(CURSOR)


@repeat(300)
@given(MARKDOWN, MARKDOWN)
@example("", "\x1f")
@example("", "\r")
def test_settled_blocks_do_not_change(first: str, second: str) -> None:
    """Blocks before the last one are shown as they were received."""
    settled = f"Plain **text** and `code`.\n\n{'word ' * 3}\n\n"
    assert heal(settled + second).startswith(settled)


def test_a_line_break_that_a_backslash_makes(parser: Parser) -> None:
    for prefix in ("one\\", "one\\\n"):
        assert render_page(heal(prefix, CURSOR), parser).text == "one"


TABLE = "| type | of |\n|---|---|\n"


@pytest.mark.parametrize(
    ("row", "cells"),
    [("| `int|None` | x |", "int|None x"), ("| `|` | or |", "| or"), ("| `` `|b `` | c |", "`|b c"),
     ("| ` | ` | c |", "` `"), ("| `a | b |", "`a b"), ("| `a\\|b` | c |", "a|b c")],
)  # fmt: skip
def test_code_with_a_pipe_is_one_cell(row: str, cells: str, parser: Parser) -> None:
    """Models write types so; by GFM, the pipe ends the cell and the backticks are shown."""
    final = render_page(sanitize(TABLE + row), parser).text
    assert final == f"type of {cells}"
    for end in range(1, len(row)):
        frame = render_page(sanitize(heal(TABLE + row[:end], CURSOR)), parser).text
        assert is_prefix(frame, final), row[:end]


@pytest.mark.parametrize(
    ("prefix", "text"),
    [("~~gone~~ an", "gone an"), ("~50 users an", "~50 users an"), ("- ~/bin is", "~/bin is"),
     ("~~~py", ""), ("~~", "")],
)  # fmt: skip
def test_a_line_that_begins_with_a_tilde(prefix: str, text: str, parser: Parser) -> None:
    assert render_page(heal(prefix, CURSOR), parser).text == text


@pytest.mark.parametrize(
    ("prefix", "text"),
    [("**bold *it* ", "bold it"), ("*a **b** ", "a b"), ("***a** ", "a"), ("**a * ", "a"),
     ("~~a *b* ", "a b"), ("_a **b** ", "a b")],
)  # fmt: skip
@pytest.mark.parametrize("cursor", [CURSOR, ""])
def test_nested_emphasis_that_was_closed(
    prefix: str, text: str, cursor: str, parser: Parser
) -> None:
    """The mark that closed it is not shown, nor taken for a text."""
    assert render_page(heal(prefix, cursor), parser).text == text


@pytest.mark.parametrize(
    "unit",
    ["[", "*a ", "# ", "|a|\n", "- a\n", "`a", "|", "[a](", "![a](", "<a ", "&a", "*_", "> "],
)
def test_hostile_length(unit: str) -> None:
    assert heal(unit * 50_000, CURSOR).count(CURSOR) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## T ##\n", "## T|\n"),
        ("* * *\n", "* * *\n"),
        ("> - - -\n", "> - - -\n"),
        ("x\n- - -\n", "x\n- - -\n"),
        ("x[i][", "x|"),
        ("x[i][j] ", "x[i][j]| "),
        ("see [a][", "see a|"),
    ],
)
def test_what_has_another_meaning_in_a_frame(text: str, shown: str) -> None:
    """Closing hashes, a rule that looks like lists, an index that looks like a link."""
    assert heal(text, "|").replace("\u200a", "") == shown
