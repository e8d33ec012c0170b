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
from cellmage.stream.partial_json import NOTHING, PartialJSON
from cellmage.stream.views import JSONView
from cellmage.testing import ScriptedServer, chunk, finish

DATA = json.loads((Path(__file__).parents[1] / "data/partial_json.json").read_text())
CASES = {f"{case['category']}-{case['id']}": case for case in DATA["cases"]}
MALFORMED = "<malformed: keep the last good value>"
DOCUMENTS = int(os.environ.get("DOCUMENTS", "300"))
"""Random texts in each of the two searches; `make documents` tries 10 000."""


def text_of(source: Any) -> str:
    if isinstance(source, str):
        return source
    parts = [
        source["repeat"] % ((n,) * source["repeat"].count("%d")) if "%d" in source["repeat"]
        else source["repeat"]
        for n in range(source["times"])
    ]  # fmt: skip
    return source.get("prefix", "") + "".join(parts)


def read(text: str, size: int) -> PartialJSON:
    reader = PartialJSON()
    for at in range(0, len(text), size):
        reader.feed(text[at : at + size])
    return reader


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10**9])
@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, size: int) -> None:
    case = CASES[name]
    text = text_of(case["input"])
    if len(text) > 1000 and size < 20:
        size = 20
    reader = read(text, size)
    if case["show"] == "<refused>":
        assert reader.value is NOTHING
    elif case["show"] not in ("<any>", MALFORMED):
        assert reader.value == case["show"]
    if case["strict"] == "error":
        with pytest.raises(OutputValidationError, match="line"):
            reader.close()
    elif case["strict"] == "ok":
        assert reader.close() == json.loads(text)
    elif text.rstrip().endswith("```"):
        assert reader.close() == case["show"]


def grows(before: Any, now: Any) -> bool:
    """Whether a value may follow another: but for numbers, which are exempt at the end."""
    if before is NOTHING or isinstance(before, int | float | None):
        return True
    if isinstance(before, str):
        return isinstance(now, str) and now.startswith(before)
    if isinstance(before, list):
        return len(now) >= len(before) and all(map(grows, before, now))
    return all(key in now and grows(before[key], now[key]) for key in before)


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
        reader = PartialJSON()
        reader.feed(text[:end])
        now = reader.value
        assert grows(before, now)
        assert "\ufffd" not in repr(now) or "\ufffd" in text
        if end and text[end - 1] not in "0123456789.eE+-":  # a number there may still grow
            before = now


@settings(max_examples=DOCUMENTS)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_any_document_cut_anywhere(value: Any, is_ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    check_prefixes(text, 300)
    assert read(text, 3).close() == json.loads(text)


@pytest.mark.parametrize("document", DATA["documents"], ids=lambda each: repr(each)[:20])
def test_documents(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False)
    check_prefixes(text, 10**6)
    for size in (1, 2, 3, 7, 64):
        assert read(text, size).close() == document


@settings(max_examples=DOCUMENTS)
@given(st.text(max_size=60) | st.text('{}[]",:\\u0d8 \n`jsontruefals123.eE-', max_size=60))
def test_no_text_raises_while_it_arrives(text: str) -> None:
    for size in (1, 7):
        reader = PartialJSON()
        for at in range(0, len(text), size):
            reader.feed(text[at : at + size])
            assert reader.value is not None or "null" in text


@pytest.mark.parametrize("depth", ["[", '{"a":'])
def test_depth_is_refused_at_once(depth: str) -> None:
    began = time.process_time()
    reader = read(depth * 5000, 10**9)
    assert reader.value is NOTHING
    assert time.process_time() - began < 5  # no explosion; the bound is in benchmarks


def test_the_view(connected: ScriptedServer) -> None:
    connected.play(*map(chunk, ['{"ci', 'ty": "Pa', 'ris"', "}"]), finish())
    view = JSONView(Conversation().stream("hi"))
    assert list(view) == [{}, {"city": "Pa"}, {"city": "Paris"}]
    assert view.result == {"city": "Paris"}

    async def read_async() -> list[Any]:
        return [value async for value in Conversation().stream("hi").partial_json()]

    assert asyncio.run(read_async()) == [{}, {"city": "Pa"}, {"city": "Paris"}]


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_what_is_cut_is_refused(connected: ScriptedServer, reason: str) -> None:
    connected.play(chunk('{"a": 1'), finish(reason))
    values = iter(Conversation().stream("hi").partial_json())
    assert next(values) == {"a": 1}
    with pytest.raises(OutputValidationError):
        next(values)
