"""What the user is asked is what runs, whatever the model writes."""

from __future__ import annotations

import functools
import json
import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Tool, ToolCall, tool
from cellmage.approvals import format_call
from cellmage.text import spell_out
from cellmage.tool_requests import SHOWN_CHARS, format_arguments, parse_arguments
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


def parse_shown(line: str) -> dict[str, Any]:
    """The arguments that a line shows; JSON with names instead of keys."""
    values, decoder = {}, json.JSONDecoder()
    while line:
        if line.startswith('"'):
            name, end = decoder.raw_decode(line)
        else:
            name = line.partition("=")[0]
            end = len(name)
        values[name], size = decoder.raw_decode(line[end:].removeprefix("="))
        line = line[end + 1 + size :].removeprefix(", ")
    return values


def is_plainly_visible(line: str) -> bool:
    return not set(line) & set(BLANKS) and all(
        char == " " or unicodedata.category(char)[0] not in "CZ" for char in line
    )


@repeat(300)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_what_is_shown_is_what_the_function_receives(values: dict[str, Any]) -> None:
    arguments = json.dumps(values)
    for chars in (SHOWN_CHARS, sys.maxsize):
        shown = format_arguments(arguments, chars)
        assert is_plainly_visible(shown)
        if "more characters" not in shown:
            assert repr(parse_shown(shown)) == repr(parse_arguments(arguments))
    if all(name.isidentifier() for name in values):
        assert json.loads(anything.bind(arguments)()) == parse_shown(shown)


@repeat(300)
@given(st.dictionaries(st.text(), st.text() | st.integers(), max_size=60), st.integers(20, 900))
def test_no_line_is_longer_than_a_screen(values: dict[str, Any], chars: int) -> None:
    values = {
        name: value * 50 if isinstance(value, str) else value for name, value in values.items()
    }
    shown = format_arguments(json.dumps(values), chars)
    assert is_plainly_visible(shown)
    assert len(shown) <= 4 * chars + 200


@repeat(300)
@given(st.text(), st.text(alphabet=BLANKS + "ab?)[y/N]\n"))
def test_any_question_is_one_line_of_visible_characters(name: str, value: str) -> None:
    for arguments in (value, json.dumps({value: value})):
        line = format_call(ToolCall("1", name, arguments))
        assert len(line) < 1_200
        assert is_plainly_visible(line)


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


@pytest.mark.parametrize("value", ["1e400", "inf", "NaN", 10**400])
def test_no_text_becomes_infinity(value: Any) -> None:
    def halve(x: float, limit: float = float("inf")) -> float:
        """Halve."""
        return min(x / 2, limit)

    with pytest.raises(ValueError, match=r"finite|valid number"):
        Tool(halve).bind(json.dumps({"x": value}))()
    bound = Tool(functools.partial(halve, limit=float("inf")), name="bound")
    assert Tool(halve).bind('{"x": 3}')() == bound.bind('{"x": "3"}')() == 1.5


def test_a_large_whole_number_stays_exact() -> None:
    digits = "123456789" * 5
    assert format_arguments(f'{{"x": {digits}}}') == f"x={digits}"
    assert parse_arguments(f'{{"x": {digits}}}') == {"x": int(digits)}


def test_a_long_argument_hides_no_other() -> None:
    long = "a" * 200_000
    line = format_call(ToolCall("1", "f", json.dumps({"x": long, "path": "/etc", "y": [long]})))
    assert line.startswith('f(x="aaa')
    counts = re.findall(r"… \(and (\d+) more characters\)", line)
    assert [200_000 - int(count) for count in counts] == pytest.approx([290, 290], abs=20)
    assert ', path="/etc", y=["aaa' in line


def test_right_to_left_text_moves_no_item() -> None:
    """A terminal or a page shows what is between two such letters from right to left."""
    hebrew = "\u05d0\u05d1"
    shown = format_arguments(json.dumps({"x": hebrew, hebrew: 1, "y": {hebrew: [hebrew, 2]}}))
    spelled = '"\\u05d0\\u05d1"'
    assert shown == f'x="{hebrew}", {spelled}=1, y={{{spelled}: [{spelled}, 2]}}'


def test_many_arguments_are_counted() -> None:
    line = format_arguments(json.dumps({f"x{n}": "a" * 99 for n in range(999)}))
    shown = line.count("=")
    assert 10 < shown < 100
    assert line.endswith(f", … (and {999 - shown} more arguments)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tiếng Việt", "Tiếng Việt"),
        ("หนี้ที่", "หนี้ที่"),
        ("हिन्दी", "हिन्दी"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 3 + "\\u0301" * 6),
        ("\u0301)", "\\u0301)"),
        ("r\u0336m\u20dd", "r\\u0336m\\u20dd"),
        ("\n    x" + " " * 80 + "y", "\\n    x" + " " * 16 + "\\u0020" * 64 + "y"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_marks_cover_nothing(text: str, shown: str) -> None:
    assert spell_out(text) == shown


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


class Account:
    """An account, to which its methods are bound."""

    def pay(self, amount: int, **options: int) -> str:
        """Pay."""
        return f"{amount} {options}"

    @classmethod
    def close(cls, name: str, **options: int) -> str:
        """Close."""
        return f"{name} {options}"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (Account().pay, {"amount": 1, "self": 2}),
        (Account.close, {"name": "x", "cls": 2}),
        (functools.partial(Account().pay, 1), {"amount": 2}),
        (functools.partial(Account.pay, Account()), {"amount": 2, "self": 1}),
        (functools.partial(Account().pay, amount=1), {"amount": 2}),
        (functools.partial(Account().pay, fee=1), {"amount": 2, "fee": 0}),
    ],
)
def test_what_a_method_has_bound_is_not_the_models(function: Any, arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"there is no argument '(self|cls|amount|fee)'"):
        Tool(function, name="named").bind(json.dumps(arguments))


def test_what_is_not_bound_is() -> None:
    partial = Tool(functools.partial(delete, root="/safe"), name="delete")
    assert partial.bind('{"path": "x", "force": 1}')() == "/safe/x {'force': 1}"
