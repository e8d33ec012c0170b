"""No class of an object hangs or fails a prompt, and no text around a value changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.describe import Level, describe, registry
from cellmage.describe.description import MAX_CHARS
from cellmage.prompt.interpolation import interpolate
from tests.repetitions import repeat


def make(**methods: Any) -> Any:
    """Return an object of a class with these methods."""
    return type("Hostile", (), methods)()


def fail(*args: Any) -> Any:
    raise ValueError("no")


def leave(*args: Any) -> Any:
    raise SystemExit


def recurse(self: Any, *args: Any) -> Any:
    return repr(self)


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)

    def __instancecheck__(cls, value: Any) -> bool:
        raise RuntimeError


class OfMeta(metaclass=Meta):
    pass


def generate() -> Iterator[int]:
    yield 1
    raise RuntimeError("was read")


def nest(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value, {"a": value}] if depth < 20 else [value]
    return value


def recursive() -> Any:
    value: list[Any] = [1]
    value += [value, {"self": value}, (value,)]
    return value


HOSTILE: dict[str, Callable[[], Any]] = {
    "repr fails": lambda: make(__repr__=fail),
    "str leaves": lambda: make(__str__=leave),
    "repr recurses": lambda: make(__repr__=recurse),
    "repr is no text": lambda: make(__repr__=lambda self: 5),
    "getattr fails": lambda: make(__getattr__=fail, __getattribute__=fail),
    "class lies": lambda: make(__class__=property(lambda self: str)),
    "class fails": lambda: make(__class__=property(fail)),
    "metaclass fails": lambda: object.__new__(OfMeta),
    "class of metaclass": lambda: OfMeta,
    "bool fails": lambda: make(__bool__=fail, __len__=fail, __eq__=fail, __hash__=fail),
    "own description fails": lambda: make(_ai_repr_=fail, __repr__=lambda self: "its text"),
    "own description is none": lambda: make(_ai_repr_=lambda self: None),
    "generator": generate,
    "recursive": recursive,
    "deep": lambda: nest(10_000),
    "broad": lambda: nest(18),
    "long": lambda: list(range(10**6)),
    "long repr": lambda: make(__repr__=lambda self: "x" * 10**7),
    "huge number": lambda: 10**100_000,
    "surrogates": lambda: "\ud83d lone",
    "mapping": lambda: make(keys=fail, __getitem__=fail, __iter__=fail),
    "list of hostile": lambda: [make(__repr__=fail), 1],
    "dict subclass": lambda: type("D", (dict,), {"items": fail, "__iter__": fail})(a=1),
    "descriptor": lambda: make(_ai_repr_=property(fail)),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("level", ["schema", "rows"])
def test_each_value_is_described(name: str, level: Level) -> None:
    value = HOSTILE[name]()
    described = describe(value, level)
    assert described.parts
    assert len(described.text) <= MAX_CHARS + 200
    result = interpolate("a {{ v }} b", {"v": value}, insert=lambda _, v: describe(v).parts)
    assert result.text.startswith("a ")
    assert result.text.endswith(" b")


def test_cells_are_not_asked_for_their_text() -> None:
    cells = {"a": [make(__repr__=fail), make(__repr__=lambda self: time.sleep(60))], "b": [[1], {}]}
    text = describe(pandas.DataFrame(cells), "rows").text
    assert text.endswith("a | b\n<Hostile> | [1]\n<Hostile> | <dict>")


def test_what_is_left_out_is_named() -> None:
    described = describe(list(range(10**6)))
    assert described.text.startswith("[0, 1, 2,")
    assert described.text.endswith("left out]")
    assert described.counts == "20 000 characters of 1 000 000 values"
    assert "{{ str(name) }} sends all" in described.left_out


@pytest.mark.parametrize("method", ["__repr__", "_ai_repr_"])
def test_a_method_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(registry, "REPR_SECONDS", 0.1)
    value = make(**{method: lambda self: time.sleep(3)})
    assert describe(value).text == "<Hostile: it cannot be shown: it took longer than 0.1 s>"


TEXTS = st.text(st.characters(exclude_characters="{}`$\\~\"'", exclude_categories=["Cs"]))


@given(
    TEXTS, TEXTS, st.sampled_from([name for name in HOSTILE if name not in ("long repr", "long")])
)
@repeat(60)
def test_the_text_around_any_value_survives(before: str, after: str, name: str) -> None:
    value = HOSTILE[name]()
    insert = lambda _, each: describe(each).parts  # noqa: E731
    result = interpolate(f"{before}{{{{ v }}}}{after}", {"v": value}, insert=insert)
    assert isinstance(result.content, str)
    assert (
        result.content == f"{before}{describe(HOSTILE[name]()).text}{after}"
        or " at 0x" in result.text
    )
    assert result.content.startswith(before)
    assert result.content.endswith(after)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(VALUES)
def test_any_plain_value_is_as_python_writes_it(value: Any) -> None:
    expected = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert describe(value).text == expected or len(expected) > MAX_CHARS


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_is_never_looked_at_again(text: str) -> None:
    value = f"{{{{ secret }}}} {text}"
    insert = lambda _, each: describe(each).parts  # noqa: E731
    for each, expected in ((value, value), ([value], repr([value]))):
        result = interpolate("{{ v }}", {"v": each, "secret": "no"}, insert=insert)
        assert result.text == expected


def test_a_megabyte_survives() -> None:
    text = "{single} }} ünï \u2028 " * 60_000
    prompt = text + "{{ v }}" + text
    insert = lambda _, each: describe(each).parts  # noqa: E731
    assert interpolate(prompt, {"v": text}, insert=insert).text == text * 3
