"""Tool calls from the pieces in which servers send them: one case for each habit of the table."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.providers.tool_calls import ToolCallAccumulator


def piece(
    index: int | None = None, id: Any = None, name: str | None = None, arguments: Any = None
) -> dict[str, Any]:
    fields = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return {field: value for field, value in fields.items() if value is not None}


ADD_1, ADD_2 = ("add", '{"x": 1}'), ("add", '{"x": 2}')
HABITS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    "as OpenAI": (
        [
            piece(0, "a", "add", ""),
            piece(0, arguments='{"x"'),
            piece(0, arguments=": 1}"),
            piece(1, "b", "add", '{"x": 2}'),
        ],
        [ADD_1, ADD_2],
    ),
    "arguments under another name": (
        [
            {"index": 0, "id": "a", "function": {"name": "add", "parameters": {"x": 1}}},
            {"index": 1, "id": "b", "name": "add", "input": '{"x": 2}'},
        ],
        [ADD_1, ADD_2],
    ),
    "no index": ([piece(None, "a", *ADD_1), piece(None, "b", *ADD_2)], [ADD_1, ADD_2]),
    "every index is 0": ([piece(0, "a", *ADD_1), piece(0, "b", *ADD_2)], [ADD_1, ADD_2]),
    "no index, no id": ([piece(None, None, *ADD_1), piece(None, None, *ADD_2)], [ADD_1, ADD_2]),
    "a new id in every piece": (
        [piece(0, "a", "add", '{"x"'), piece(0, "b", None, ": 1}")],
        [ADD_1],
    ),
    "name and id in every piece": (
        [piece(0, "a", "add", '{"x"'), piece(0, "a", "add", ": 1}")],
        [ADD_1],
    ),
    "the name in every piece": (
        [piece(0, None, "add", '{"x"'), piece(0, None, "add", ": 1}")],
        [ADD_1],
    ),
    "the name once more at the end": ([piece(0, "a", *ADD_1), piece(0, None, "add")], [ADD_1]),
    "the name in pieces": ([piece(0, "a", "a"), piece(0, None, "dd", '{"x": 1}')], [ADD_1]),
    "arguments as an object": ([piece(0, "a", "add", {"x": 1})], [ADD_1]),
    "no arguments": ([piece(0, "a", "add")], [("add", "{}")]),
    "every head is 0, and the second tail is 1": (
        [
            piece(0, "a", "add", ""),
            piece(0, arguments='{"x": 1}'),
            piece(0, "b", "add", ""),
            piece(1, arguments='{"x": 2}'),
        ],
        [ADD_1, ADD_2],
    ),
    "the index counts the pieces": (
        [piece(0, "a", "add"), piece(1, arguments='{"x"'), piece(2, arguments=": 1}")],
        [ADD_1],
    ),
    "the tail has the index of a complete call": (
        [piece(0, "a", *ADD_1), piece(1, "b", "add"), piece(0, arguments='{"x": 2}')],
        [ADD_1, ADD_2],
    ),
    "calls take turns": (
        [
            piece(0, "a", "add", '{"x"'),
            piece(1, "b", "add", '{"x"'),
            piece(0, arguments=": 1}"),
            piece(1, arguments=": 2}"),
        ],
        [ADD_1, ADD_2],
    ),
    "the name after the id": ([piece(0, "a"), piece(0, None, *ADD_1)], [ADD_1]),
    "the name after the arguments": (
        [piece(0, "a", None, '{"x": 1}'), piece(0, None, "add")],
        [ADD_1],
    ),
    "fields beside the function": ([{"id": "a", "name": "add", "arguments": {"x": 1}}], [ADD_1]),
}

NAMELESS: dict[str, list[dict[str, Any]]] = {
    "alone": [piece(0, "a", None, '{"x": 1}')],
    "after a complete call": [piece(0, "a", *ADD_1), piece(1, "b", None, '{"x": 2}')],
    "before a call": [piece(0, "a", None, '{"x": 2}'), piece(1, "b", *ADD_1)],
}


@pytest.mark.parametrize("habit", HABITS)
def test_habits_of_servers(habit: str) -> None:
    pieces, calls = HABITS[habit]
    accumulator = ToolCallAccumulator()
    assert not accumulator
    for one_piece in pieces:
        accumulator.feed([one_piece])
    assert accumulator.current_name
    assert not accumulator.has_nameless
    assert [(call.name, call.arguments) for call in accumulator.calls()] == calls


@pytest.mark.parametrize("position", NAMELESS)
def test_a_call_without_a_name_runs_nothing(position: str) -> None:
    accumulator = ToolCallAccumulator()
    for one_piece in NAMELESS[position]:
        accumulator.feed([one_piece])
    assert accumulator.has_nameless
    calls = [(call.name, call.arguments) for call in accumulator.calls()]
    assert calls == ([] if position == "alone" else [ADD_1])


def test_one_piece_in_place_of_a_list() -> None:
    accumulator = ToolCallAccumulator()
    accumulator.feed(piece(0, "a", *ADD_1))
    assert [call.arguments for call in accumulator.calls()] == [ADD_1[1]]


@pytest.mark.parametrize("id", [7, ["a"], "\ud800", "a b", "x" * 99, None])
def test_an_id_that_servers_do_not_accept_is_empty(id: Any) -> None:
    accumulator = ToolCallAccumulator()
    accumulator.feed([piece(0, id, "add")])
    assert [call.id for call in accumulator.calls()] == [""]


@pytest.mark.parametrize("pieces", [[None], ["add"], [{"function": "add"}], [piece(0, "a", 5)]])  # type: ignore[arg-type]
def test_a_piece_of_another_shape_is_an_error(pieces: list[Any]) -> None:
    with pytest.raises((AttributeError, TypeError)):
        ToolCallAccumulator().feed(pieces)


NAMES = st.sampled_from(["f", "get_date", "f2"])
ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers(), max_size=3)
CALLS = st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=4)


@given(CALLS, st.data(), st.sampled_from(["indexed", "first id only", "all zero", "none"]))
def test_calls_in_any_pieces(
    calls: list[tuple[str, dict[str, int]]], data: st.DataObject, habit: str
) -> None:
    accumulator = ToolCallAccumulator()
    for index, (name, arguments) in enumerate(calls):
        text = json.dumps(arguments)
        cuts = sorted(data.draw(st.lists(st.integers(1, len(text)), max_size=4)))
        texts = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
        for number, part in enumerate(texts):
            has_id = habit == "indexed" or (habit != "none" and number == 0)
            sent_index = {"all zero": 0, "none": None}.get(habit, index)
            call_id = f"call{index}" if has_id else None
            accumulator.feed([piece(sent_index, call_id, None if number else name, part)])
    parsed = [(call.name, json.loads(call.arguments)) for call in accumulator.calls()]
    assert parsed == calls
