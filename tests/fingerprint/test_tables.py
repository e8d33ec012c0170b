"""Tables: equal ones have equal fingerprints, and any edit of a cell, a name or a type counts."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.fingerprint import fingerprint

COLUMNS: dict[str, Callable[[], Any]] = {
    "int": lambda: [1, 2, 3, 4],
    "float": lambda: [1.0, 2.5, float("nan"), 4.0],
    "text": lambda: ["a", "b", None, "d"],
    "bool": lambda: [True, False, True, True],
    "time": lambda: pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-04"]),
    "zone": lambda: pd.date_range("2026-01-01", periods=4, tz="Europe/Oslo"),
    "period": lambda: pd.period_range("2026-01", periods=4, freq="M"),
    "delta": lambda: pd.to_timedelta([1, 2, 3, 4], unit="h"),
    "category": lambda: pd.Categorical(["x", "y", "x", None]),
    "masked": lambda: pd.array([1, 2, None, 4], dtype="Int64"),
    "object": lambda: pd.array(["a", 1, 2.5, None], dtype=object),
    "arrow": lambda: pd.array([1, 2, None, 4], dtype="int64[pyarrow]"),
    "list": lambda: pd.array([[1], [2, 3], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
}


def frame() -> pd.DataFrame:
    return pd.DataFrame({name: make() for name, make in COLUMNS.items()})


def digest(value: Any) -> str:
    found = fingerprint(value)
    assert found is not None
    return found.digest


@pytest.mark.parametrize("name", COLUMNS)
def test_each_kind_of_column(name: str) -> None:
    one = pd.DataFrame({name: COLUMNS[name]()})
    assert digest(one) == digest(pd.DataFrame({name: COLUMNS[name]()}))
    assert digest(one) == digest(pickle.loads(pickle.dumps(one)))
    assert digest(one) == digest(pd.concat([one[:2], one[2:]]))
    for number in range(4):
        order = [*range(4)]
        order[number] = (number + 1) % 4
        other = one.iloc[order].set_axis(one.index)
        assert (digest(other) == digest(one)) == other.equals(one)
    assert digest(one) != digest(one.iloc[::-1])
    assert digest(one) != digest(one.rename(columns={name: "other"}))


@pytest.mark.slow
def test_a_frame_with_all_of_them_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "frame.pickle"
    frame().to_pickle(path)
    code = (
        "import pandas; from cellmage.fingerprint import fingerprint; "
        f"print(fingerprint(pandas.read_pickle({str(path)!r})).digest)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(frame())


def test_the_index_and_the_types_count() -> None:
    one = pd.DataFrame({"a": [1, 2]})
    assert digest(one) == digest(pd.DataFrame({"a": [1, 2]}, index=pd.Index([0, 1])))
    others = [
        one.set_index(pd.Index([1, 2])),
        one.set_index(pd.Index([0, 1], name="i")),
        one.astype("int32"),
        one.astype("float64"),
        one["a"],
    ]
    assert len({digest(one), *map(digest, others)}) == 1 + len(others)
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    swapped = pd.MultiIndex.from_tuples([("a", 2), ("b", 1)])
    assert digest(one.set_index(levels)) != digest(one.set_index(swapped))


def test_what_lies_beneath_a_null_does_not_count() -> None:
    arrays = [pd.arrays.IntegerArray(np.array([1, n]), np.array([False, True])) for n in (2, 3)]
    assert len({digest(pd.Series(array)) for array in arrays}) == 1


@given(
    st.lists(
        st.tuples(st.integers(-5, 5), st.none() | st.text(max_size=3), st.floats()), min_size=1
    ),
    st.data(),
)
def test_any_rows(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    make = lambda rows: pd.DataFrame(rows, columns=["a", "b", "c"])  # noqa: E731
    one, at = make(rows), data.draw(st.integers(0, len(rows) - 1))
    assert digest(one) == digest(make(list(rows)))
    other = [*rows[:at], (rows[at][0] + 1, *rows[at][1:]), *rows[at + 1 :]]
    assert digest(one) != digest(make(other))
    assert digest(one) != digest(make([*rows, rows[0]]))


POLARS: dict[str, Any] = {
    "int": [1, 2, None],
    "text": ["a", None, "ccc"],
    "date": [date(2026, 1, 1), None, date(2026, 1, 3)],
    "time": [datetime(2026, 1, 1, tzinfo=UTC), None, datetime(2026, 1, 3, tzinfo=UTC)],
    "delta": [timedelta(1), None, timedelta(3)],
    "decimal": [Decimal("1.5"), None, Decimal("2.5")],
    "list": [[1], [], None],
    "struct": [{"a": 1}, {"a": None}, {"a": 3}],
    "bool": [True, None, False],
    "bytes": [b"a", None, b"c"],
}


@pytest.mark.parametrize("name", POLARS)
def test_polars_and_arrow(name: str) -> None:
    one = pl.DataFrame({name: POLARS[name]})
    assert digest(one) == digest(pl.concat([one[:1], one[1:]], rechunk=False))
    assert len({digest(one), digest(one[::-1]), digest(one[:2])}) == 3
    table = one.to_arrow()
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert digest(table) == digest(chunked)
    assert digest(table) != digest(table.slice(1))
    source = io.BytesIO()
    one.write_ipc(source)
    source.seek(0)
    assert digest(pl.read_ipc(source)) == digest(one)


def test_categories_of_polars_and_dictionaries_of_arrow() -> None:
    one = pl.DataFrame({"a": ["x", "y", "x"]}, schema={"a": pl.Categorical})
    assert digest(one) != digest(one.with_columns(pl.Series("a", ["x", "y", "y"], pl.Categorical)))
    two = [
        pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words))
        for codes, words in (([0, 1], ["x", "y"]), ([1, 0], ["y", "x"]))
    ]
    assert digest(two[0]) == digest(two[1])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.DataFrame({"a": range(1204)}), "1 204 rows, 1 column"),
        (pl.DataFrame({"a": [1], "b": [2]}), "1 row, 2 columns"),
        (np.zeros((3, 4)), "3 x 4 float64"),
        ([1, 2], "2 items"),
    ],
)
def test_words(value: Any, words: str) -> None:
    found = fingerprint(value)
    assert found is not None
    assert found.words == words


def test_objects_of_unknown_classes_have_none() -> None:
    assert fingerprint(pd.DataFrame({"a": [object()]})) is None
    assert fingerprint(np.array([object()])) is None
    assert fingerprint(np.zeros(2, dtype=[("a", "i4"), ("b", "i8")])) is None
