"""JSON in pieces: tests/data/partial_json.json, and any document cut anywhere."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellmage import Conversation, OutputValidationError
from cellmage.lenient_json import read_json
from cellmage.relaxed_json import parse_strict
from cellmage.stream.partial_json import NOTHING, PartialJSON
from cellmage.stream.views import JSONView
from cellmage.testing import ScriptedServer, chunk, finish

DATA = json.loads((Path(__file__).parents[1] / "data/partial_json.json").read_text())
CASES = {f"{case['category']}-{case['id']}": case for case in DATA["cases"]}
MALFORMED = "<malformed: keep the last good value>"
DOCUMENTS = int(os.environ.get("DOCUMENTS", "100"))
"""The number of random texts in each of the two searches; `make stress` tries 10 000."""


def build_text(source: Any) -> str:
    if isinstance(source, str):
        return source
    pieces = [
        source["repeat"] % ((n,) * source["repeat"].count("%d")) if "%d" in source["repeat"]
        else source["repeat"]
        for n in range(source["times"])
    ]  # fmt: skip
    return source.get("prefix", "") + "".join(pieces)


def parse(text: str, size: int) -> PartialJSON:
    parser = PartialJSON()
    for start in range(0, len(text), size):
        parser.feed(text[start : start + size])
    return parser


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10**9])
@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, size: int) -> None:
    case = CASES[name]
    text = build_text(case["input"])
    if len(text) > 1000 and size < 20:
        size = 20
    parser = parse(text, size)
    if case["show"] == "<refused>":
        assert parser.value is NOTHING
    elif case["show"] not in ("<any>", MALFORMED):
        assert parser.value == case["show"]
    if case["strict"] == "error":
        with pytest.raises(ValueError, match="line"):
            parse_strict(text)
    elif case["strict"] == "ok":
        assert read_json(text) == (json.loads(text), ())
    elif text.rstrip().endswith("```"):
        assert read_json(text) == (case["show"], ())


def may_follow(before: Any, after: Any) -> bool:
    """Return whether a growing value may follow another; a number at the end may change."""
    if before is NOTHING or isinstance(before, int | float | None):
        return True
    if isinstance(before, str):
        return isinstance(after, str) and after.startswith(before)
    if isinstance(before, list):
        return len(after) >= len(before) and all(map(may_follow, before, after))
    return all(key in after and may_follow(before[key], after[key]) for key in before)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip


def check_prefixes(text: str, limit: int) -> None:
    before: Any = NOTHING
    for end in range(min(len(text), limit) + 1):
        parser = PartialJSON()
        parser.feed(text[:end])
        now = parser.value
        assert may_follow(before, now)
        assert "\ufffd" not in repr(now) or "\ufffd" in text or "\\ufffd" in text
        if end and text[end - 1] not in "0123456789.eE+-":  # a number there may still grow
            before = now


@settings(max_examples=DOCUMENTS)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_any_document_cut_anywhere(value: Any, is_ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    check_prefixes(text, 300)
    assert parse(text, 3).value == read_json(text).value == json.loads(text)


@pytest.mark.parametrize("document", DATA["documents"], ids=lambda document: repr(document)[:20])
def test_documents(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False)
    check_prefixes(text, 10**6)
    for size in (1, 2, 3, 7, 64):
        assert parse(text, size).value == document


@settings(max_examples=DOCUMENTS)
@given(st.text(max_size=60) | st.text('{}[]",:\\u0d8 \n`jsontruefals123.eE-', max_size=60))
def test_no_text_raises_while_it_arrives(text: str) -> None:
    for size in (1, 7):
        parser = PartialJSON()
        for start in range(0, len(text), size):
            parser.feed(text[start : start + size])
            assert parser.value is not None or "null" in text


@pytest.mark.parametrize("depth", ["[", '{"a":'])
def test_depth_is_refused_at_once(depth: str) -> None:
    started = time.process_time()
    parser = parse(depth * 5000, 10**9)
    assert parser.value is NOTHING
    assert time.process_time() - started < 5  # linear; benchmarks/structured.py measures it


def test_the_view(connected: ScriptedServer) -> None:
    connected.play(*map(chunk, ['{"ci', 'ty": "Pa', 'ris"', "}"]), finish())
    view = JSONView(Conversation().stream("hi"))
    assert list(view) == [{}, {"city": "Pa"}, {"city": "Paris"}]
    assert view.result == {"city": "Paris"}

    async def read_async() -> list[Any]:
        return [value async for value in Conversation().stream("hi").partial_json()]

    assert asyncio.run(read_async()) == [{}, {"city": "Pa"}, {"city": "Paris"}]


def test_another_fence_first() -> None:
    text = '```bash\nls [a]\n```\n\n```json\n{"a": 1, "b": NaN}\n```'
    for size in (1, 5, 1000):
        assert parse(text, size).value == {"a": 1}


def test_a_lenient_reading_has_a_notice(connected: ScriptedServer) -> None:
    connected.play(chunk('{"a": 1}\n{"a"'), chunk(": 2}"), finish())
    view = Conversation().stream("hi").partial_json()
    assert list(view) == [{"a": 1}, [{"a": 1}, {"a": 2}]]
    assert "several values" in view.notice
    connected.play(chunk('{"a": 1}'), finish())
    view = Conversation().stream("hi").partial_json()
    assert list(view) == [{"a": 1}]
    assert view.notice == ""


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_an_incomplete_document_is_refused(connected: ScriptedServer, reason: str) -> None:
    connected.play(chunk('{"a": 1'), finish(reason))
    values = iter(Conversation().stream("hi").partial_json())
    assert next(values) == {"a": 1}
    with pytest.raises(OutputValidationError):
        next(values)
