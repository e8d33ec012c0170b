"""Tables that magics show: text, markdown, and a sequence of rows."""

from __future__ import annotations

from cellmage.display.listing import Listing
from tests.markdown.test_escape import TITLES
from tests.rendered import PARSER

ROWS = [{"name": "a", "size": "1", "hidden": "x"}, {"name": "b" * 50, "size": "22"}]


def test_it_is_a_sequence_of_rows() -> None:
    listing = Listing(["name", "size"], {"": ROWS[:1], "More": ROWS[1:]})
    assert (len(listing), list(listing), listing[0]["hidden"], listing[1:]) == (
        2, ROWS, "x", ROWS[1:]
    )  # fmt: skip


def test_its_text_has_columns_and_headings() -> None:
    listing = Listing(["name", "size"], {"": ROWS[:1], "More": ROWS[1:]}, "The end.", text_chars=6)
    assert repr(listing).splitlines() == [
        "name    size", "a       1", "", "More", "bbbbb…  22", "The end."
    ]  # fmt: skip


def test_excerpts_share_the_room_that_a_terminal_has() -> None:
    rows = [{"model": "m" * 20, "question": "q" * 60, "answer": "a" * 60}]
    listing = Listing(list(rows[0]), {"": rows}, excerpts=("question", "answer"))
    line = repr(listing).splitlines()[1]
    assert line == "m" * 20 + "  " + "q" * 27 + "…  " + "a" * 27 + "…"
    assert len(line) <= 80
    rows[0]["question"] = "Short?"
    assert repr(listing).splitlines()[1].endswith(f"  {'a' * 47}…"), "what it leaves"
    rows[0] |= {"model": "m" * 60, "question": "q" * 60}
    assert "qqq…  aaa" in repr(listing), "they keep a few characters"


def test_its_markdown_is_one_table() -> None:
    listing = Listing(["name", "size"], {"Few": ROWS[:1], "More": ROWS[1:]}, "*The end.*")
    lines = listing._repr_markdown_().splitlines()
    assert lines[:4] == ["| name | size |", "| --- | --- |", "| <b>Few</b> |  |", "| a | 1 |"]
    assert lines[-1] == "&#42;The end.&#42;"


def test_cells_are_text() -> None:
    listing = Listing(["a"], {title: [{"a": title}] for title in TITLES})
    tokens = PARSER.parse(listing._repr_markdown_())
    assert [token.type for token in tokens if not token.level and token.nesting >= 0] == [
        "table_open"
    ]
    assert sum(token.type == "td_open" for token in tokens) == 2 * len(TITLES)
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "html_inline"}
