"""What the user is asked is what runs, whatever the model writes."""

from __future__ import annotations

import functools
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Tool, ToolCall, tool
from cellmage.tool_requests import format_arguments, parse_arguments
from cellmage.tools import format_call
from tests.repetitions import repeat

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=6,
)  # fmt: skip
BLANKS = (
    "\u3164\u2800\u115f\uffa0\u034f\u17b4\u200b\u202e\u2066\ufe0f\U000e0041\x1b\x9b\xad\u2028\xa0"
)


@tool
def anything(**values: Any) -> str:
    """Return the values."""
    return json.dumps(values)


@repeat(300)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_any_arguments_are_shown_as_they_are(values: dict[str, Any]) -> None:
    arguments = json.dumps(values)
    parsed = parse_arguments(arguments)
    shown = format_arguments(arguments)
    if len(shown) < 1_000:
        rest = shown
        for name, value in parsed.items():
            is_plain = name.isascii() and name.isidentifier()
            if not is_plain:
                key, end = json.JSONDecoder().raw_decode(rest)
                assert key == name
                rest = rest[end:]
            else:
                rest = rest.removeprefix(name)
            item, end = json.JSONDecoder().raw_decode(rest.removeprefix("="))
            assert repr(item) == repr(value)
            rest = rest.removeprefix("=")[end:].removeprefix(", ")
        assert rest == ""


@repeat(300)
@given(st.text(), st.text(alphabet=BLANKS + "ab?)[y/N]\n"))
def test_any_question_is_one_line_of_visible_characters(name: str, value: str) -> None:
    for arguments in (value, json.dumps({value: value})):
        line = format_call(ToolCall("1", name, arguments))
        assert len(line) < 1_200
        assert not set(line) & set(BLANKS)
        assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in line)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"x=1)? [y/N] y\nRun ok(": 1}, "there is no argument 'x=1)? [y/N] y"),
        ({"": 1}, "there is no argument ''"),
        ({"a b": 1}, "there is no argument 'a b'"),
    ],
)
def test_names_are_identifiers(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="there is no argument") as info:
        anything.bind(json.dumps(arguments))
    assert repr(next(iter(arguments))) in str(info.value)
    assert problem[:20] in str(info.value)


@pytest.mark.parametrize("number", ["1e400", "-1e999", '[1, {"a": 1e400}]'])
def test_a_number_that_becomes_infinity_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="a number that is too large"):
        parse_arguments(f'{{"x": {number}}}')


def test_a_large_whole_number_stays_exact() -> None:
    digits = "123456789" * 5
    assert format_arguments(f'{{"x": {digits}}}') == f"x={digits}"
    assert parse_arguments(f'{{"x": {digits}}}') == {"x": int(digits)}


def test_a_long_argument_is_counted() -> None:
    line = format_call(ToolCall("1", "f", json.dumps({"x": "a" * 200_000})))
    assert line.startswith('f(x="aaa')
    assert line.endswith("… (and 199004 more characters))")


def delete(path: str, root: str = "/tmp", **options: int) -> str:
    """Delete a file."""
    return f"{root}/{path} {options}"


def divide(a: int, b: int) -> float:
    """Divide."""
    return a / b


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (functools.partial(delete, root="/safe"), {"path": "x", "root": "/"}),
        (functools.partial(delete, "bound"), {"path": "x"}),
        (functools.partial(divide, 1), {"a": 2, "b": 3}),
        (functools.partial(divide, b=1), {"a": 2, "b": 3}),
        (functools.partial(functools.partial(divide, 1), b=2), {"b": 3}),
        (divide, {"a": 1, "b": 2, "c": 3}),
    ],
)
def test_what_is_bound_is_not_the_models(function: Any, arguments: dict[str, Any]) -> None:
    """The call is bound before the user is asked."""
    with pytest.raises(ValueError, match=r"there is no argument '(root|path|a|b|c)'"):
        Tool(function, name="named").bind(json.dumps(arguments))


def test_what_is_not_bound_is() -> None:
    partial = Tool(functools.partial(delete, root="/safe"), name="delete")
    assert partial.bind('{"path": "x", "force": 1}')() == "/safe/x {'force': 1}"
