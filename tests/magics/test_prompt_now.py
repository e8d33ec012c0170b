"""What is known of a prompt without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.magics.prompt_cells import find_calls
from cellmage.magics.prompt_files import PromptFiles
from cellmage.magics.prompt_now import PromptNow, match_holes, read_now


def read(source: str, **variables: Any) -> PromptNow:
    (call,) = find_calls(source)
    return read_now(call, PromptFiles(Path()), variables, has_rules=False)


def test_plain_values_are_in_the_text() -> None:
    now = read(
        "%%llm\n{{ n + 1 }} of {{ d['a'] }}, {{ len(t) }}, {{ t[0].upper }}", n=1, d={"a": 2}
    )
    assert now.unknown == ()
    assert "t" in now.problem
    now = read("%%llm\n{{ n + 1 }} of {{ d['a'] }}, {{ len(t) }}", n=1, d={"a": 2}, t="abc")
    assert (now.text, now.values) == ("2 of 2, 3", {})


def test_other_values_are_fingerprints() -> None:
    now = read("%%llm\nSum {{ numbers }} up", numbers=[1, 2])
    assert list(now.values) == ["numbers"]
    assert now.matches("Sum [1, 2] up")
    assert not now.matches("Add [1, 2] up")


class Popping(list[int]):
    """A list that an expression could change."""


@pytest.mark.parametrize(
    "expression",
    [
        "x.pop()",
        "f(x)",
        "[y for y in x]",
        "(lambda: x.pop())()",
        "len(x.pop())",
        "(y := x)",
        "len2(x)",
    ],
)
def test_what_calls_something_is_not_run(expression: str) -> None:
    x = Popping([1, 2])
    now = read(f"%%llm\nA {{{{ {expression} }}}}", x=x, f=x.remove, len2=len)
    assert now.unknown == [f"{expression} is known when the cell is run"]
    assert x == [1, 2]


def test_a_function_of_the_user_is_not_that_of_python() -> None:
    called: list[object] = []
    assert read("%%llm\n{{ len(x) }}", x=[1], len=called.append).unknown
    assert not called


def test_files_are_compared_and_pages_are_not(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    assert read(f"%%llm --attach {file}\nRead").matches(f"Read\n\nAttached: {file}\ntext")
    assert read("%%llm --attach https://example.org\nRead").unknown
    assert read("%%llm --cells 2\nRead").unknown
    assert read("%%llm --no-interpolate\n{{ f(x) }}").text == "{{ f(x) }}"
    assert "not followed" in read("%%llm\n{{ x").problem


@given(st.lists(st.text("ab", max_size=4), min_size=1, max_size=5), st.data())
def test_a_template_matches_whatever_its_holes_have(pieces: list[str], data: st.DataObject) -> None:
    values = [data.draw(st.text("abc", max_size=3)) for _ in pieces[1:]]
    text = pieces[0] + "".join(map("".join, zip(values, pieces[1:], strict=True)))
    assert match_holes("\0".join(pieces), text)
    assert not match_holes("\0".join([*pieces, "z"]), text)
