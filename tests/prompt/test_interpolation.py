from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.prompt.interpolation import interpolate


@given(st.text().filter(lambda text: "{{" not in text))
def test_any_text_without_two_braces_is_text(text: str) -> None:
    assert interpolate(text, {}) == text


@given(st.text(), st.text(st.characters(exclude_characters="{")), st.integers())
def test_any_value_is_put_in_once(value: str, around: str, number: int) -> None:
    prompt = f"{around}{{{{ x }}}}{around}{{{{y}}}}"
    assert interpolate(prompt, {"x": value, "y": number}) == f"{around}{value}{around}{number}"


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("{{ x.y }}", r"\{\{ x.y \}\} failed: AttributeError"),
        ("{{ 1 / 0 }}", "failed: ZeroDivisionError: division by zero"),
        ("{{ import os }}", "not followed by a Python expression"),
        ("{{ x", "`interpolate`"),
        ("{{\n}}", "`interpolate`"),
    ],
)
def test_errors_say_what_to_type(prompt: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        interpolate(prompt, {"x": 1})
