"""Which differences of two answers count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.recording.changes import AnswerKind, find_change


def block(code: str, language: str = "python", before: str = "So:", after: str = "Done.") -> str:
    return f"{before}\n\n```{language}\n{code}\n```\n\n{after}\n"


CODE = "def area(r):\n    # the area of a circle\n    return 3.14 * r**2\n"

SAME: list[tuple[str, str, AnswerKind]] = [
    ("It  is\n4.", "It is 4.\n", "text"),
    ("- a\n- b", "* a\n* b", "text"),
    ("Caf\u00e9", "Cafe\u0301", "text"),
    (block(CODE), block('def area( r ):\n\n  return (3.14*r ** 2)  # "r"'), "text"),
    (block("x = 'a'", ""), block('x = "a"', ""), "text"),
    (block("%pip install x\ny = 1"), block("%pip install x\ny=1 # one"), "text"),
    (block("if (a) {\n  b();\n}", "js"), block("if (a) { b( ); }", "js"), "text"),
    (block("ls  -l\n\ncd x", "bash"), block("ls -l\ncd x", "bash"), "text"),
    (block('{"a": 1, "b": [2]}', "json"), block('{"b":[2],"a":1}', "json"), "text"),
    ('{"a": 1, "b": 2}', '{"b": 2,\n "a": 1.0}', "text"),
    ('{"a": 1}', '```json\n{"a": 1}\n```', "value"),
    ('{"a": 1}', 'Here it is: {"a": 1}', "value"),
    ("none", "none ", "value"),
    (block("x = 1"), block("x=1", before="Other words", after="Bye."), "code"),
]
DIFFERENT: list[tuple[str, str, AnswerKind, str, str]] = [
    ("It is 4.", "It is 5.", "text", "text", "67 % of the words are the same"),
    ("a -5", "a 5", "text", "text", "50 %"),
    (block("x = 1"), block("x = 2"), "text", "code", "the code block (python) differs"),
    (block("x = 1") * 2, block("x = 1") + block("x = 2"), "text", "code", "block 2 of 2"),
    (block("x = 1"), "x = 1", "text", "code", "1 code block then, 0 now"),
    (block("x = 1"), block("x = 1", after="Bye."), "text", "text", "%"),
    (block("x = 1"), block("x = 1", "bash"), "text", "code", "(bash) differs"),
    (block("s = 'a  b'"), block("s = 'a b'"), "text", "code", "differs"),
    (block('s("a  b")', "js"), block('s("a b")', "js"), "text", "code", "differs"),
    (block("a:\n  b: 1", "yaml"), block("a:\nb: 1", "yaml"), "text", "code", "differs"),
    (block("ls\nrm", "bash"), block("ls rm", "bash"), "text", "code", "differs"),
    (block("%pip install x"), block("%pip install y"), "text", "code", "differs"),
    (block("x = 1"), block("x = 2"), "code", "code", "differs"),
    ("yes", "no", "code", "text", "0 %"),
    ('{"a": [{"b": 1}]}', '{"a": [{"b": 2}]}', "value", "value", "a[0].b: 1 → 2"),
    ('{"a": 1}', '{"a": true}', "value", "value", "a: 1 → true"),
    ('{"a": 1}', '{"a": 1, "b": null}', "value", "value", "b: nothing → null"),
    ('{"a": 1, "b": 2}', '{"a": 2, "b": 3}', "value", "value", "a: 1 → 2; and 1 more"),
    ("[1, 2]", "[1]", "value", "value", "value: 2 items → 1 items"),
    ('{"a": 1}', "I cannot.", "value", "value", "no value now"),
    ("I cannot.", '{"a": 1}', "value", "value", "no value then"),
]


@pytest.mark.parametrize(("old", "new", "kind"), SAME)
def test_a_difference_that_does_not_count(old: str, new: str, kind: AnswerKind) -> None:
    assert find_change(old, new, kind) is None
    assert find_change(new, old, kind) is None


@pytest.mark.parametrize(("old", "new", "kind", "what", "words"), DIFFERENT)
def test_a_difference_that_counts(
    old: str, new: str, kind: AnswerKind, what: str, words: str
) -> None:
    change = find_change(old, new, kind)
    assert change is not None
    assert (change.kind, words in change.words) == (what, True), change


def test_long_texts_are_compared_at_once() -> None:
    old = "a b " * 50_000
    change = find_change(old, f"{old} c")
    assert change is not None
    assert change.words == "99 % of the words are the same"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


def is_same(old: Any, new: Any) -> bool:
    return json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


@given(VALUES, VALUES)
def test_values_change_exactly_where_their_json_does(old: Any, new: Any) -> None:
    texts = json.dumps({"v": old}), json.dumps({"v": new}, indent=2, sort_keys=True)
    assert (find_change(*texts, "value") is None) == is_same(old, new)


@given(st.text(max_size=60), st.sampled_from(["text", "code", "value"]))
def test_an_answer_is_the_same_as_itself(text: str, kind: AnswerKind) -> None:
    assert find_change(text, text, kind) is None
