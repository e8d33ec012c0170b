from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.magics.words import Words, has_dash, plain_dashes


def words_of(line: str) -> list[str]:
    words, result = Words(line), []
    while words.remainder():
        result.append(words.next_word())
    return result


@given(st.text(st.sampled_from("ab =-'\"\\#\t")))
def test_plain_lines_are_read_as_by_a_shell(line: str) -> None:
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    try:
        expected = list(lexer)
    except ValueError:
        with pytest.raises(UsageError, match="a quote is not closed"):
            words_of(line)
    else:
        assert words_of(line) == expected


@given(st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"])))
def test_a_quoted_value_means_itself(value: str) -> None:
    assert words_of(f'-s "{value}" -x="{value}"') == ["-s", value, f"-x={value}"]


@given(st.text())
def test_any_line_ends(line: str) -> None:
    try:
        words = words_of(line)
    except UsageError:
        return
    assert "".join("".join(words).split()) or not "".join(words)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a\u00a0b\u202fc\u3000d\u200be", ["a", "b", "c", "d", "e"]),
        (
            "\u201ca b\u201d \u2018c d\u2019 \u201ee f\u201c \u00abg h\u00bb",
            ["a b", "c d", "e f", "g h"],
        ),
        ("--x=\u201ca b\u201d", ["--x=a b"]),
        ("it\u2019s \u2018it\u2019s\u2019", ["it\u2019s", "it\u2019s"]),
        ('\u201ca \u2018b\u2019 "c"\u201d', ['a \u2018b\u2019 "c"']),
        ("\u201da b\u201d", ["a b"]),
    ],
)
def test_word_processors(line: str, expected: list[str]) -> None:
    assert words_of(line) == expected


@pytest.mark.parametrize(
    ("word", "plain"),
    [
        ("\u2014model", "--model"),
        ("\u2013model=a\u2014b", "--model=a\u2014b"),
        ("\u2212t", "-t"),
        ("-\u2013max\u2011tokens", "--max-tokens"),
        ("--model", "--model"),
        ("-mgpt", "-mgpt"),
    ],
)
def test_dashes(word: str, plain: str) -> None:
    assert plain_dashes(word) == plain
    assert has_dash(word)


def test_a_lone_dash_is_no_flag() -> None:
    assert not any(map(has_dash, ["\u2014", "--", "", "word"]))
