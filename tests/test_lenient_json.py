"""JSON as models write it: the one reading that fits, and what is never read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.lenient_json import read_json

REPORTS = json.loads((Path(__file__).parent / "data/reports.json").read_text())["cases"]

AS_MEANT: list[tuple[str, Any, str]] = [
    ('```json\n{"a": 1}\n```\nSee [docs] for more.', {"a": 1}, "text around"),
    ('```bash\nls [a]\n```\n\n```json\n{"a": 1}\n```', {"a": 1}, "text around"),
    ('~~~\nls\n~~~\n{"a": 1}', {"a": 1}, "text around"),
    ('Here it is:\n\n{"a": 1}\n\nAnything else?', {"a": 1}, "text around"),
    ('Sure! {"a": [1, {"b": 2}]}', {"a": [1, {"b": 2}]}, "text around"),
    ('The answer is {"a": 1}, as in [1] and [2, 3].', {"a": 1}, "text around"),
    ('As pages [1-3] say:\n["x"]', ["x"], "text around"),
    ("The sizes are: [1, 2]", [1, 2], "text around"),
    ('x = {"a": 1}  # done', {"a": 1}, "text around"),
    ('json\n{"a": 1}', {"a": 1}, "text around"),
    ('A draft:\n{"a": 1}\nAnd the same, at the end:\n{"a": 1}', {"a": 1}, "text around"),
    ("```python\n{'a': True}\n```", {"a": True}, "Python's words"),
    ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}], "several values"),
    ('{"a": 1},\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}], "several values"),
    ('{\n"a": 1\n}\n{\n"a": 2\n}', [{"a": 1}, {"a": 2}], "several values"),
    ('Records:\n{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}], "several values"),
    ("```jsonl\n1\n\"x\"\n```", [1, "x"], "several values"),
    ('{"a": "x\ny\tz"}', {"a": "x\ny\tz"}, "line breaks"),
    (r'{"re": "\d+\.", "it": "it\'s"}', {"re": r"\d+\.", "it": "it's"}, "backslashes"),
    (r'{"p": "C:\Users\ada", "t": "\( \frac{a}{b} \).\nThus"}',
     {"p": r"C:\Users\ada", "t": "\\( \\frac{a}{b} \\).\nThus"}, "backslashes"),
    ('```json\n{"a": 1}\nI hope that this helps.', {"a": 1}, "text around"),
    ('```\ncurl -d \'{"x": 1}\'\n```\nIt answers {"a": 1}.', {"a": 1}, "text around"),
    (r'{"u": "\u12", "ok": "\u00e9\n"}', {"u": r"\u12", "ok": "é\n"}, "backslashes"),
    ("{'a': None, 'b': 'say \"x\"', 'c': 'it\\'s'}",
     {"a": None, "b": 'say "x"', "c": "it's"}, "other quotes"),
    ("{“a”: “x”}", {"a": "x"}, "other quotes"),
    ('{"a": [1, 2,], "b": {"c": 3,},}', {"a": [1, 2], "b": {"c": 3}}, "trailing commas"),
    ('{"a": 1, // one\n # two\n "b": "//" /* x */}', {"a": 1, "b": "//"}, "comments"),
    ("{a: 1, $b: 2}", {"a": 1, "$b": 2}, "keys without quotes"),
]  # fmt: skip

NEVER = [
    '{"x": NaN}', '{"x": Infinity}', '{"x": -Infinity}', "{'x': nan,}", '{"x": 1e999}',
    '{"a": 1', 'Here: {"a": {"b": 1}, "c": ', '```json\n{"a": 1\n```', "{'a': 'b", "[1, 2, ...]",
    '{"a": 1, ...}', '{"a": 1}}', '{"a": 1}, "b": 2}', '"x": {"a": 1}', '"a": 1, "b": [2]',
    '{"a": 1} and {"b": 2}', '{"a": 1}{"b": 2}', '```json\n{"a":1}\n```\n```json\n{"a":2}\n```',
    "[1,,2]", "[,]", '{"a": "he said "hi" to"}', '{"a" "b"}', '{"a": 1 "b": 2}', "{1: 2}", "[1}",
    r'{"p": "C:\Users\new"}', r'{"t": "\(\theta\)"}', '{"a": undefined}', "",
    "Sorry, I cannot.", "[docs]", "As [1] says, it is [2, 3].",
    "```json\n```", '{"a": {"b": 1}, c',
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "correction"), AS_MEANT)
def test_as_meant(text: str, value: Any, correction: str) -> None:
    reading = read_json(text)
    assert reading.value == value
    assert correction in reading.notice


@pytest.mark.parametrize("text", NEVER)
def test_no_reading(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|values|JSON compliant"):
        read_json(text)


@pytest.mark.parametrize("case", [case for case in REPORTS if case["kind"] == "json"])
def test_public_reports(case: dict[str, Any]) -> None:
    if case["expected"].startswith("an error"):
        with pytest.raises(ValueError, match="line"):
            read_json(case["input"])
    else:
        assert read_json(case["input"]).value == {"a": 1}


@pytest.mark.parametrize("fence", ["```", "```json", "```JSON ", "~~~json"])
def test_a_fence_around_everything_is_no_correction(fence: str) -> None:
    assert read_json(f'\ufeff\n{fence}\n{{"a": "```x"}}\n{fence[:3]}\n') == ({"a": "```x"}, ())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
CONTAINERS = st.lists(VALUES, min_size=1, max_size=3) | st.dictionaries(
    st.text(max_size=4), VALUES, min_size=1, max_size=3
)


@given(CONTAINERS, st.sampled_from(["{}", "Sure:\n\n{}\n\nDone.", "```json\n{}\n```\nDone."]))
def test_any_value_in_any_notation(value: Any, frame: str) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert read_json(frame.replace("{}", text)).value == value


@given(CONTAINERS)
def test_python_writes_what_is_read(value: Any) -> None:
    text = repr(value)
    if "\\" not in text:  # the escapes of Python are not all those of JSON
        assert read_json(text).value == value


@given(CONTAINERS, st.data())
def test_a_value_that_was_cut_is_never_read(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    for prose in ("", "Here you are:\n", "```json\n"):
        with pytest.raises(ValueError, match=r"line|values"):
            read_json(prose + cut)


@pytest.mark.parametrize("piece", ["[", "[1 ", "[1,", '{"a":', "[a ", "[1] ", '["', "```\n", "{a:"])
def test_long_texts_take_linear_time(piece: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=r"line|values|trailing"):
        read_json(piece * 20_000 + "x")
    assert time.process_time() - started < 10  # quadratic took 35 s for a quarter of it
