"""Below the level `rows`, no cell of a table is in a description."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Image
from cellmage.describe import Level, describe, describe_path, message_of
from cellmage.describe.column_stats import MIN_ROWS
from cellmage.describe.exceptions import safe_message
from tests.describe.canaries import CANARY, TEXT, columns, errors, holders, pandas_table, tables

matplotlib.use("Agg")
from matplotlib import pyplot

LOW: list[Level] = ["schema", "stats"]


def found(value: Any, level: Level) -> list[str]:
    described = describe(value, level)
    return CANARY.findall(described.text + described.counts + described.left_out)


def test_ten_thousand_values_are_planted() -> None:
    """The pattern finds all of them, so that no test below passes for nothing."""
    cells = [cell for column in columns().values() for cell in column]
    assert sum(bool(CANARY.search(str(cell))) for cell in cells) >= 10_000
    assert all(found(table, "rows") for table in list(tables())[:3])


@pytest.mark.parametrize("level", LOW)
def test_no_cell_of_a_table(level: Level) -> None:
    for table in tables():
        assert not found(table, level)
        assert "common (" in describe(table, level).text or level == "schema"
    for rows in (1, 3, 4, 5, 6):
        for table in list(tables(rows))[:3]:
            assert not found(table, level)


@pytest.mark.slow
@pytest.mark.parametrize("level", LOW)
def test_no_cell_in_what_holds_a_table(level: Level) -> None:
    for value in holders():
        assert not found(value, level), type(value)


def test_the_holders_show_cells_at_the_level_of_rows() -> None:
    shown = [bool(found(value, "rows")) for value in holders()]
    assert sum(shown) > len(shown) * 0.5


@pytest.mark.parametrize("level", LOW)
def test_no_cell_of_a_file(level: Level, tmp_path: Path) -> None:
    frame = pandas_table()
    frame.to_csv(tmp_path / "a.csv")
    frame.iloc[:, :4].to_csv(tmp_path / "b.csv", header=False)
    frame.to_csv(tmp_path / "c.tsv", sep="\t")
    frame.to_parquet(tmp_path / "d.parquet")
    cell = {"cell_type": "code", "source": "df", "outputs": [{"text": TEXT.format(1)}]}
    (tmp_path / "e.ipynb").write_text(str({"cells": [cell]}).replace("'", '"'))
    for path in sorted(tmp_path.iterdir()):
        described = describe_path(path, level)
        assert not CANARY.findall(described.text), path
        assert CANARY.findall(describe_path(path, "rows").text), path


def test_a_message_that_cannot_be_made_is_empty() -> None:
    class Failing(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert message_of(Failing(), "", "rows") == message_of(Failing(), "", "stats") == ""
    assert message_of(ValueError(TEXT.format(1)), "", "rows") == TEXT.format(1)


def draw(text: str) -> Any:
    figure, (left, right, third, fourth) = pyplot.subplots(1, 4)
    left.bar([text, text + "b"], [1, 2], label=text)
    left.set_title(text)
    left.legend(title=text)
    left.set_xlabel("name")
    right.plot([1, 2, 3])
    right.text(1, 1, text)
    right.annotate(text, (1, 2))
    right.set_yticks([1, 2], [text, text])
    third.table([[text, text]], rowLabels=[text], loc="center")
    third.set_xticks([0.1, 0.9], [text, text], minor=True)
    fourth.pie([1, 2], labels=[text, text], autopct=lambda share: text)
    fourth.bar_label(fourth.bar([1], [1]), [text])
    figure.suptitle(text)
    figure.text(0.5, 0.5, text)
    return figure


def draw_shared(text: str) -> Any:
    figure, (upper, lower) = pyplot.subplots(2, sharex=True, layout="constrained")
    lower.plot([text, text + "c", text + "d"], [1, 2, 3])
    upper.twinx().plot([1, 2, 3], [text, text + "e", text + "f"])
    figure.legend([text])
    return figure


def draw_in_space(text: str) -> Any:
    figure = pyplot.figure()
    axes = figure.add_subplot(projection="3d")
    axes.plot([1, 2], [1, 2], [1, 2], label=text)
    axes.set_zticks([1, 2], [text, text])
    axes.text(1, 1, 1, text)
    return figure


def look(figure: Any) -> list[tuple[bool, str]]:
    """The texts of a figure, and whether they are seen. (A table moves whenever it is drawn.)"""
    figure.draw_without_rendering()
    texts = figure.findobj(pyplot.Text)
    return [(text.get_visible(), text.get_text()) for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("level", LOW)
@pytest.mark.parametrize("draw", [draw, draw_shared, draw_in_space])
def test_no_text_of_a_plot(level: Level, draw: Callable[[str], Any]) -> None:
    """Two plots that differ in their texts alone are one image, byte for byte."""
    figures = [draw(TEXT.format(number)) for number in (1, 222_222)]
    low = [describe(figure, level).parts[0] for figure in figures]
    high = [describe(figure, "rows").parts[0] for figure in figures]
    assert isinstance(low[0], Image)
    assert low[0] == low[1]
    assert high[0] != high[1]
    assert low[0] != high[0]
    before = look(figures[0])
    describe(figures[0], level)
    assert look(figures[0]) == before, "the figure of the user is as it was"
    pyplot.close("all")


def test_messages_keep_what_is_no_data() -> None:
    for error in errors(pandas_table(20)):
        assert not CANARY.search(safe_message(error))
    usual = ["division by zero", "list index out of range", "'NoneType' object is not iterable"]
    usual += ["operands could not be broadcast together with shapes (3,) (4,)"]
    usual += ["not enough values to unpack (expected 3, got 2)"]
    for message in usual:
        assert safe_message(ValueError(message)) == message
    assert safe_message(NameError("name 'total' is not defined"), "total + 1").count("…") == 0


@given(st.lists(st.text("abcdefghi", min_size=6, max_size=8), max_size=60))
def test_a_text_is_shown_if_five_rows_hold_it(values: list[str]) -> None:
    frame = pandas_table(5).head(0)[["name"]].reindex(range(len(values)))
    frame["name"] = values
    line = describe(frame, "stats").text.partition("\n")[2]
    assert [value for value in {*values} if value in line] == [
        value
        for value in {*values}
        if sum(value in other for other in values if values.count(other) >= MIN_ROWS) > 0
    ] or not values


@given(st.lists(st.integers(10**6, 10**9), min_size=5, max_size=40, unique=True))
def test_a_number_that_one_row_holds_is_rounded(values: list[int]) -> None:
    values = [value * 10 + 7 for value in values]
    frame = pandas_table(5).head(0)[["phone"]].reindex(range(len(values)))
    frame["phone"] = values
    text = describe(frame, "stats").text
    assert not [value for value in values if str(value) in text]


NAME = "zqxSmith"


@pytest.mark.parametrize(
    "code", ["{}", "def {}(): 1 / 0\n{}()", "x = 1\nx.{}", "from math import {}"]
)
def test_names_in_code_that_was_made_of_a_cell(code: str) -> None:
    with pytest.raises((NameError, ZeroDivisionError, AttributeError, ImportError)) as caught:
        exec(code.replace("{}", NAME))
    described = describe(caught.value, "stats").text
    assert NAME not in described


def test_a_class_whose_text_is_a_table_of_the_notebook() -> None:
    code = """
class Shared:
    table = frame
    def __repr__(self): return str(self.table)
class Outer:
    def __repr__(self): return str([show(each) for each in "a"])
def show(each): return str(frame)
def make():
    table = frame
    class Inner:
        def __str__(self): return str(table)
    return Inner()
class Plain:
    def __repr__(self): return "plain"
"""
    names = {"__name__": "__main__", "frame": pandas_table()}
    exec(code, names)
    values = [names["Shared"](), names["Outer"](), names["make"](), [names["Outer"]()]]
    assert [CANARY.findall(str(value)) != [] for value in values] == [True] * 4
    assert [found(value, "stats") for value in values] == [[]] * 4
    assert describe(names["Plain"]()).text == "plain"
