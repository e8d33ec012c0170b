"""Texts of attackers: what no parser looks at, and what a comment may hide."""

from __future__ import annotations

import html

from cellmage.markdown.definitions import find_definitions
from cellmage.markdown.literals import MAX_COMMENT_CHARS
from cellmage.markdown.sanitize import sanitize
from cellmage.markdown.settled import find_settled_end

DEFINITION = "[k]: https://x.y"


def test_a_text_that_no_parser_looks_at_defines_nothing() -> None:
    assert find_definitions(f"> - \n{DEFINITION}\n" * 10)
    assert find_definitions(f"> - \n{DEFINITION} '\n|a|b|\n" * 500) == {}


def test_a_comment_is_hidden_up_to_a_length() -> None:
    assert "words" not in sanitize("<!--\nwords\n\n-->\n\nafter")
    long = "words " * (MAX_COMMENT_CHARS // 6 + 1)
    assert "words" in sanitize(f"<!--\n{long}\n\n-->\n\nafter")


def test_comments_that_never_end_settle() -> None:
    unit = "<!--abcdefgh\n\n"
    text = unit * 600
    assert len(text) - find_settled_end(text) <= MAX_COMMENT_CHARS + len(unit)


def test_a_title_that_is_shown_as_text_is_no_formula() -> None:
    """marked sees no link where emphasis begins outside of it and ends inside of it."""
    title = "$\\href{javascript:x}{y}$ or \\(a\\)"
    shown = html.unescape(sanitize(f'*[*[a][k] b*](https://x.y "{title}")*'))
    assert "$" not in shown
    assert "\\(" not in shown
