from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellmage.magics.pasting import plain_cell


@given(st.lists(st.text(st.characters(exclude_characters="%\uff05`~"))))
def test_other_cells_are_unchanged(lines: list[str]) -> None:
    assert plain_cell(lines) == lines


@given(st.text())
def test_no_prompt_is_changed(text: str) -> None:
    lines = text.splitlines(keepends=True)
    assert plain_cell(["%%llm\u00a0-t 1\n", *lines]) == ["%%llm -t 1\n", *lines]


def test_only_a_fence_around_all_is_removed() -> None:
    fenced = ["```py\n", "%%llm\n", "```\n", "code\n", "```\n", "```\n", "\n"]
    assert plain_cell(fenced) == fenced[1:5]
    for other in (["```\n", "x = 1\n", "```\n"], ["```\n", "%%llm\n", "hi\n"], ["```\n", "```\n"]):
        assert plain_cell(other) == other
