"""What is sent for each type of value."""

from __future__ import annotations

import functools
import json
import math
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import matplotlib
import numpy as np
import pandas
import PIL.Image
import polars
import pyarrow
import pytest

from cellmage import Image
from cellmage.content import Part
from cellmage.describe import Description, Level, catalogue, describe, register
from cellmage.options import DATA_LEVELS
from tests.attachments import png

matplotlib.use("Agg")
from matplotlib import pyplot


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b  # the sum


NAME = "Smith"


class Sum:
    """A class of the user."""

    def __init__(self) -> None:
        self.total = 0


def test_levels_are_those_of_the_option() -> None:
    assert get_args(Level) == DATA_LEVELS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a {{ b }}", "a {{ b }}"),
        (5, "5"),
        (1.5, "1.5"),
        (None, "None"),
        (Decimal("1.50"), "1.50"),
        (date(2024, 1, 2), "2024-01-02"),
        ([], "[]"),
        ((1,), "(1,)"),
        ({1: ["a"]}, "{1: ['a']}"),
        (set(), "set()"),
        (frozenset({1}), "frozenset({1})"),
        (np.float64(1.5), "1.5"),
        (pandas.Timestamp("2024-01-02"), "2024-01-02 00:00:00"),
        (Path("no/such/file"), "no/such/file"),
    ],
)
def test_plain_values_are_their_text(value: Any, text: str) -> None:
    assert describe(value) == Description((text,))


def test_code() -> None:
    for value in (add, functools.partial(add, 1)):
        assert "return a + b  # the sum" in describe(value).text
    assert describe(Sum).text.startswith("class Sum:")
    assert "self.total = 0" in describe(Sum().__init__).text
    assert describe(math.floor).text.startswith("floor(x, /)\n\nReturn the floor")
    module = describe(json).text
    assert module.startswith("module json\nJSON (JavaScript Object Notation)")
    assert "- dumps: Serialize ``obj`` to a JSON formatted ``str``." in module


def test_an_exception_is_its_traceback() -> None:
    def fail(secret: str) -> None:
        raise ValueError(f"the name {secret} is not known")

    try:
        try:
            fail(NAME)
        except ValueError as error:
            raise KeyError("total") from error
    except KeyError as caught:
        described, full = describe(caught), describe(caught, "rows")
    assert "ValueError: the name … is not known" in described.text
    assert "KeyError: 'total'" in described.text
    assert 'raise ValueError(f"the name {secret} is not known")' in described.text
    assert f"ValueError: the name {NAME} is not known" in full.text


TABLE = {"city": ["Rome"] * 6 + ["Oslo"], "size": [1, 2, 3, 4, 5, 6, 1234567]}


@pytest.mark.parametrize(
    "table", [pandas.DataFrame(TABLE), polars.DataFrame(TABLE), pyarrow.table(TABLE)], ids=str
)
def test_a_table_by_level(table: Any) -> None:
    schema, stats, rows = (describe(table, level).text.splitlines() for level in get_args(Level))
    assert schema[0] == stats[0]
    assert schema[0].endswith(": 7 rows, 2 columns")
    assert [line.partition(":")[0] for line in schema[1:]] == ["- city", "- size"]
    assert all(line.endswith(", 0 nulls") for line in schema[1:])
    assert stats[1].endswith("0 nulls, held by at least 5 rows: Rome (6)")
    assert stats[2].endswith("range 1 to 1230000, quartiles 2, 4, 5, mean 176000")
    assert rows[: len(stats)] == stats
    assert rows[3:6] == ["The first 7 rows:", "city | size", "Rome | 1"]
    assert describe(table).counts == ("2 columns (names, types and statistics), 0 of 7 rows")
    assert describe(table, "rows").counts.endswith("7 of 7 rows")


def test_names_that_are_not_sent_are_told() -> None:
    """Texts as an index may be names of columns, so the labels of the columns may be values."""
    frame = pandas.DataFrame({"city": ["Rome"] * 6}, index=list("abcdef"))
    schema, stats, rows = (describe(frame, level) for level in get_args(Level))
    assert schema.counts == "1 column (types), 0 of 6 rows"
    assert stats.counts == "1 column (types and statistics), 0 of 6 rows"
    assert stats.left_out == "names of columns, which may be values; --data rows sends them"
    assert "city" in rows.text
    assert not rows.left_out


def test_columns_of_a_table() -> None:
    start = datetime(2024, 3, 5)
    frame = pandas.DataFrame(
        {
            "time": [start] * 7,
            "none": [None] * 7,
            "gaps": [1.0, math.nan, 2, 3, 4, 5, math.inf],
            "list": [[1]] * 7,
            "flag": [True] * 6 + [False],
            "span": pandas.to_timedelta(range(7), unit="s"),
            "whole": pandas.array([1, None, 3, 4, 5, 6, 7], dtype="Int64"),
        }
    )
    lines = describe(frame).text.splitlines()[1:]
    found = {line[2:].partition(":")[0]: line.partition(", ")[2] for line in lines}
    assert found["time"] == "0 nulls, from 2024-03 to 2024-03"
    assert found["none"] == "7 nulls"
    assert found["gaps"] == "1 null, range 1 to inf, quartiles 2, 3, 4, mean inf"
    assert found["list"] == "0 nulls"
    assert found["flag"] == "0 nulls, held by at least 5 rows: True (6)"
    assert found["span"] == "0 nulls, range 0.0 s to 6 s"
    assert found["whole"] == "1 null, range 1 to 7, quartiles 3, 4, 5, mean 4.33"


def test_a_large_table_is_sampled_and_a_wide_one_cut() -> None:
    tall = pandas.DataFrame({"n": np.arange(50_000), "k": ["a", "b"] * 25_000})
    text = describe(tall).text
    assert "range 0 to 50000, quartiles 125" in text
    assert text.endswith("are those of 10 000 sampled rows.")
    assert "a (5" in text or "a (4" in text
    wide = describe(pandas.DataFrame(np.zeros((5, 300))))
    assert "… and 200 more columns" in wide.text
    assert wide.left_out == "200 columns left out; choose columns"


def test_arrays() -> None:
    assert describe(np.arange(12).reshape(3, 4)).text == (
        "ndarray (numpy): 3 x 4, int64\nrange 0 to 11, quartiles 2, 5, 8, mean 5.5"
    )
    assert "0 to" not in describe(np.arange(12), "schema").text
    assert describe(np.arange(3), "rows").text.endswith("The first 3 values: [0, 1, 2]")
    assert describe(np.array([math.nan] * 6)).text.endswith("6 NaN")


def test_figures_and_images() -> None:
    figure, axes = pyplot.subplots()
    axes.plot([1, 3, 2])
    for value in (figure, axes):
        (part,) = describe(value).parts
        assert isinstance(part, Image)
        assert part.size == (640, 480)
    pyplot.close("all")
    described = describe(PIL.Image.new("CMYK", (3_000, 10)))
    (part,) = described.parts
    assert isinstance(part, Image)
    assert part.size[0] == 2_000
    assert described.left_out == "scaled down from 3000 x 10 pixels"


class Reported:
    def __init__(self, report: Any) -> None:
        self._report = report

    def _ai_repr_(self) -> Any:
        return self._report


class Leveled:
    async def _ai_repr_(self, level: str) -> str:
        return f"at {level}"


IMAGE = Image(png())


@pytest.mark.parametrize(
    ("report", "parts"),
    [
        ("text", ("text",)),
        (IMAGE, (IMAGE,)),
        (["a", IMAGE], ("a", IMAGE)),
        ({"image/png": png(), "text/plain": "b"}, (IMAGE,)),
        ({"text/markdown": "c", "text/plain": "d"}, ("c",)),
    ],
)
def test_an_object_describes_itself(report: Any, parts: tuple[Part, ...]) -> None:
    assert describe(Reported(report)).parts == parts
    assert describe(Leveled(), "rows").text == "at rows"


def test_users_extend() -> None:
    class Tide:
        pass

    class Spring(Tide):
        pass

    class MyFrame(pandas.DataFrame):
        pass

    register(Tide, lambda value, level: f"a tide at {level}")
    assert describe(Spring(), "schema").text == "a tide at schema"
    assert describe(MyFrame({"a": [1]})).text.startswith("DataFrame (pandas): 1 row")

    @register(MyFrame)
    def describe_mine(value: Any, level: str) -> Any:
        return ["mine", IMAGE]

    assert describe(MyFrame({"a": [1]})).parts == ("mine", IMAGE)
    register(Spring, lambda value, level: 5)
    assert describe(Spring()).text == "<Spring: it cannot be shown: TypeError>"


LIBRARIES = (
    "{'numpy', 'pandas', 'polars', 'pyarrow', 'matplotlib', 'plotly', 'altair', 'PIL', 'pypdf'}"
)


def test_no_library_is_imported_to_look() -> None:
    code = (
        "import sys, cellmage.describe as d\n"
        "class numpy: pass\n"
        "for value in (1, [1], numpy, numpy(), d, len, ValueError('a')): d.describe(value)\n"
        f"print({LIBRARIES} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_catalogue() -> None:
    variables = {"frame": pandas.DataFrame(TABLE), "_hidden": 1, "a": 1, "b": "text", "c": 2}
    described = catalogue(variables)
    assert described.text == "DataFrame: frame (7 x 2)\nint: a, c\nstr: b"
    assert described.counts == "4 names"
    many = catalogue({f"a_long_name_{number}": number for number in range(1_000)})
    assert len(many.text) < 2_200
    assert many.text.endswith("more variables")
    assert "left out; name them with --attach" in many.left_out
