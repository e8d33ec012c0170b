"""Names and arguments of tool calls in the shapes that models write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.tool_requests import match_tool, normalize_arguments, parse_arguments

TOOLS = ("weather", "get_time", "Add", "a__b")


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("weather", "weather"),
        (" weather\n", "weather"),
        ("functions.weather", "weather"),
        ("default_api:weather", "weather"),
        ("mcp__server__weather", "weather"),
        ("server/weather", "weather"),
        ("functions.weather:0", "weather"),
        ("weather<|channel|>commentary", "weather"),
        ("functions.weather <|constrain|>json", "weather"),
        ("`weather()`", "weather"),
        ("Weather", "weather"),
        ("get-time", "get_time"),
        ("a__b", "a__b"),
        ("tools.a__b", "a__b"),
    ],
)
def test_names_as_meant(name: str, tool: str) -> None:
    assert match_tool(name, TOOLS) == tool


@pytest.mark.parametrize("name", ["", " ", "weather2", "weatherx", "x.y", "fs.", "<|x|>"])
def test_names_that_fit_no_tool(name: str) -> None:
    assert match_tool(name, TOOLS) == name


def test_a_name_that_fits_two_tools() -> None:
    assert match_tool("x.ADD", ["add", "Add"]) == "x.ADD"
    assert match_tool("x.Add", ["add", "Add"]) == "Add"


@pytest.mark.parametrize("text", ["", " ", "null", " null\n", '"null"', "[]", "{}", '"{}"', "[{}]"])
def test_no_arguments(text: str) -> None:
    assert parse_arguments(text) == {}
    assert parse_arguments(normalize_arguments(text)) == {}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('"{\\"x\\": \\"a\\"}"', {"x": "a"}),
        ('[{"x": 1}]', {"x": 1}),
        ('{"code": "a = 1\n\tb = \\"2\\""}', {"code": 'a = 1\n\tb = "2"'}),
        ('"{\\"code\\": \\"a\\nb\\"}"', {"code": "a\nb"}),
        ('{"n": 12345678901234567890}', {"n": 12345678901234567890}),
        ('```json\n{"x": 1}\n```\n', {"x": 1}),
        ('```\n"{\\"x\\": 1}"```', {"x": 1}),
    ],
)
def test_arguments_as_meant(text: str, arguments: dict[str, Any]) -> None:
    assert parse_arguments(text) == arguments
    assert json.loads(normalize_arguments(text)) == arguments


@pytest.mark.parametrize(
    "text",
    ['{"x": 1', '{"x": 1}}', '{"x": 1} {"y": 2}', '{"x": NaN}', '{"x": 1, "x": 2}', "[1]", '"Oslo"',
     '[{"x": 1}, {"y": 2}]', "{'x': 1}", '{"x": "a}', '{"x": "\ud83d"}', "[null]", '"\\"{}\\""'],
)  # fmt: skip
def test_arguments_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"the arguments are not|surrogates"):
        parse_arguments(text)
    assert normalize_arguments(text) == text


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_any_object_however_often_it_is_encoded(arguments: dict[str, Any]) -> None:
    text = json.dumps(arguments)
    assert normalize_arguments(text) == text
    for shape in (text, json.dumps(text), f"[{text}]"):
        assert parse_arguments(shape) == arguments
