"""A value in a terminal: a table, with tables within it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cellmage.display import LiveMarkdown
from cellmage.display.base import FinalOutput
from cellmage.display.tables import LiveTable
from cellmage.display.terminal import TerminalDisplay
from cellmage.display.terminal_tables import value_table
from tests.display.test_terminal import Screen, console


def lines(value: Any, width: int = 60) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=width).print(value_table(value))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_records_have_a_head() -> None:
    assert lines([{"n": 1, "s": ["a", "b"]}, {"n": 2}]) == ["n  s", "1  a", "   b", "2"]


def test_the_name_of_a_record_is_not_broken() -> None:
    records = [{"model": "gpt-4o-2024-11-20", "kept": "yes", "duration": "2.50 s"}]
    assert any(line.startswith("gpt-4o-2024-11-20  ") for line in lines(records, 28))


def test_an_object_within_an_object() -> None:
    assert lines({"trip": {"city": "Rio", "days": [1, 2]}, "ok": None}) == [
        "trip  city  Rio", "      days  1", "            2", "ok    null",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["a\x1b[2J [bold]b[/bold]", {"a\x1b[2J [bold]b[/bold]": []}])
def test_nothing_acts(value: Any) -> None:
    assert lines(value)[0].startswith("a[2J [bold]b[/bold]")


def test_long_texts_are_complete() -> None:
    assert "".join("".join(lines({"a": "x" * 200})).split()) == "a" + "x" * 200


def test_the_end_of_an_answer_that_is_a_value() -> None:
    written, screen = io.StringIO(), Screen()
    live = LiveTable(lambda: lambda text: {"trip": [{"city": "Rio"}]}, True, str)
    live.feed("{}")
    TerminalDisplay(console(written)).finish(
        FinalOutput(live.final_frames(), live.complete_frame())
    )
    screen.write(written.getvalue())
    assert [line.rstrip() for line in screen.lines if line.strip()] == ["trip  city", "      Rio"]
    assert LiveMarkdown(now=0.0).complete_frame().value is None
