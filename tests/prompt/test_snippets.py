"""Snippets: what is a hole, and that all other text stays as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellmage.prompt.snippets import fill, hole_names

TEXTS = st.text(st.sampled_from("{} ab_1+é\n'\"%") | st.characters(exclude_categories=["Cs"]))


def filled(text: str, values: dict[str, str]) -> str:
    return "".join(map(str, fill("s", text, values, lambda _, value: [value])))


@given(TEXTS, TEXTS, TEXTS)
def test_a_value_is_inserted_once_and_other_text_stays(before: str, value: str, end: str) -> None:
    before, end = before.replace("{", ""), end.replace("}", "")
    assert filled(f"{before}{{{{ name }}}}{end}", {"name": value}) == f"{before}{value}{end}"


@given(TEXTS)
def test_a_text_without_holes_is_itself(text: str) -> None:
    if not hole_names(text):
        assert filled(text, {}) == text


def test_an_expression_is_no_hole() -> None:
    for text in ("{{ 1 + 1 }}", "{{ a.b }}", "{{ f() }}", "{{}}", "{ a }", "{{ 1a }}", "{{ a b }}"):
        assert hole_names(text) == []
        assert filled(text, {}) == text
