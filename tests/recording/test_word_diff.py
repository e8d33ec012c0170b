"""The difference of two prompts in one short line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.recording.word_diff import diff_words

_WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("", "", ""),
        ("", "Hi", "{+Hi+}"),
        ("Hi there", "Hi", "Hi [-there-]"),
        ("What is 2 + 2?", "What is 2 + 3?", "… 2 + [-2?-] {+3?+}"),
        ("a b c d e f g", "x b c d e f y", "[-a-] {+x+} b c … e f [-g-] {+y+}"),
        ("[-a-] b", "[-a-]  b", ""),
        ("word " * 500 + "old", "word " * 500 + "new", "… word word [-old-] {+new+}"),
    ],
)
def test_a_difference_has_two_words_around_it(old: str, new: str, line: str) -> None:
    assert diff_words(old, new) == line


@given(_WORDS, _WORDS)
def test_texts_are_equal_where_the_line_is_empty(old: str, new: str) -> None:
    assert (diff_words(old, new) == "") == (old.split() == new.split())


def test_long_texts_give_a_short_line() -> None:
    assert len(diff_words("a b " * 10_000, "c d " * 10_000)) <= 200
