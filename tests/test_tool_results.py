"""Results and errors of tools as the text that the model receives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.tool_results import MAX_RESULT_CHARS, format_error, format_result


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("", "(no output)"),
        ({"a": [1, 2.5]}, '{"a":[1,2.5]}'),
        (object, "<class 'object'>"),
        (b"x", "x"),
    ],
)
def test_results(value: Any, text: str) -> None:
    assert format_result(value) == text


def test_a_long_result_is_cut() -> None:
    text = format_result("x" * (MAX_RESULT_CHARS + 5))
    assert text.endswith("x\n[cut here: these are 20000 of 20005 characters]")


@given(st.text())
def test_an_error_is_one_line(message: str) -> None:
    assert "\n" not in format_error(ValueError(message))
    assert "/home/" not in format_error(ValueError(f"{message} /home/ada/x.txt"))


def test_folders_are_left_out() -> None:
    paths = r"/home/ada/x.csv C:\Users\ada\y.csv ~/notes/z.md"
    assert format_error(ValueError(paths)) == "error: ValueError: x.csv y.csv z.md"


def test_words_that_are_not_folders_stay() -> None:
    message = "dd/mm/yyyy, not 2024/01/05; km/h; https://api.example.com/v1/users/7"
    assert format_error(ValueError(message)) == f"error: ValueError: {message}"
