"""Tables full of values that must not leave the machine, and values that hold these tables."""

from __future__ import annotations

import collections
import dataclasses
import random
import re
import types
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow

TEXT = "Zqx{:06d}w"
CANARY = re.compile(
    r"Zqx\d{6}w|(?<![\da-fA-F.])7\d{5}1\d(?![\da-fA-F])|(?<![\d.])3\.\d{3}77[1-9][1-7](?!\d)"
)
"""What is planted: texts, whole numbers of eight digits, and floats with as many. Digits in longer
numbers, such as the ids and times of answers, are none of them."""

ROWS = 2_500


def texts(count: int, first: int = 0) -> list[str]:
    return [TEXT.format(number) for number in range(first, first + count)]


def columns(rows: int = ROWS) -> dict[str, Any]:
    """Four planted values in each row."""
    numbers = random.Random(0)
    return {
        "name": texts(rows),
        "note": [f"about {text}, and more" for text in texts(rows, 100_000)],
        "phone": [int(f"7{numbers.randrange(10**5):05d}1{n % 10}") for n in range(rows)],
        "weight": [float(f"3.{n % 1000:03d}77{n % 9 + 1}{n % 7 + 1}") for n in range(rows)],
        "kind": ["common"] * (rows - 4) + texts(min(4, rows), 200_000),
    }


def pandas_table(rows: int = ROWS) -> Any:
    frame = pandas.DataFrame(columns(rows), index=texts(rows, 300_000))
    frame["kind"] = pandas.Categorical(frame["kind"], [*texts(9, 200_000), "common"])
    frame["mixed"] = pandas.Series([*texts(rows - 1, 400_000), None], frame.index, dtype=object)
    return frame


def tables(rows: int = ROWS) -> Iterator[Any]:
    frame = pandas_table(rows)
    yield frame
    yield frame.reset_index()
    yield polars.from_pandas(frame.reset_index())
    yield polars.DataFrame({"e": ["common"] * 9}, schema={"e": polars.Enum(["common", *texts(3)])})
    yield pyarrow.Table.from_pandas(frame)


class Holder:
    """An object whose text is the table that it holds."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __repr__(self) -> str:
        return f"Holder of {self.table.to_string()}"


@dataclasses.dataclass
class Deep:
    parts: list[Any]


class Slotted:
    __slots__ = ("table",)

    def __init__(self, table: Any) -> None:
        self.table = table

    def __str__(self) -> str:
        return str(self.table)


def errors(frame: Any) -> Iterator[BaseException]:
    """Errors whose messages, causes and groups contain cells."""

    def fail(name: str) -> None:
        try:
            frame.loc[name, "phone"].missing  # noqa: B018
        except AttributeError as error:
            raise ValueError(f"row {name} has no {frame.iloc[1]['note']}") from error

    calls = [
        lambda: frame["name"].astype(float),
        lambda: float(frame["name"].iloc[3]),
        lambda: {}[frame["name"].iloc[4]],
        lambda: fail(frame.index[5]),
        lambda: frame.drop(index=[frame.index[6] + "x"], columns=[frame["name"].iloc[7]]),
    ]
    for call in calls:
        try:
            call()
        except Exception as error:  # noqa: BLE001
            yield error
    yield ExceptionGroup(frame["name"].iloc[8], [ValueError(frame["name"].iloc[9])])


def holders() -> Iterator[Any]:
    """Values that are no tables, and show cells of one."""
    frame = pandas_table()
    yield from (frame[name] for name in frame)
    yield from (frame.index, frame.loc[frame.index[3]], frame.iloc[5:8], frame["kind"].array)
    yield from (frame.T, frame.T.iloc[:, :2], frame.iloc[0], frame.to_numpy(), frame.head(3).values)
    yield frame.pivot_table(index="phone", columns="name", values="weight").iloc[:20]
    yield from (frame.set_index("name"), frame.set_index(["name", "phone"]), frame["name"].str)
    yield frame.set_index("name").head(8).T
    yield from (frame.groupby("name"), frame["name"].value_counts(), getattr(frame, "style", None))
    yield from (next(frame.itertuples()), next(frame.iterrows()), frame.rolling(2), frame.columns)
    yield from (
        dict(iter(frame.head(20).groupby("name"))),
        [(n, g) for n, g in frame.head(9).items()],
    )
    yield from ([frame, 1], {"a": frame}, (frame["name"],), {"a": [{"b": frame}]})
    yield from (Holder(frame), [Holder(frame)], Deep([1, {"x": frame}]), Slotted(frame))
    yield from (Holder([Holder(frame)]), lambda: frame, iter([frame]), [frame.to_numpy()])
    yield from (np.array(texts(20)), np.array(columns(50)["weight"]), np.array(columns(3)["phone"]))
    yield from errors(frame)
    yield [list(errors(frame))]
    few, name = frame.head(20), texts(1)[0]
    yield from (few.groupby("name").groups, few.groupby("name").indices, collections.ChainMap(few))
    yield from (pandas.crosstab(few["name"], few["kind"]), few.melt(), few.iloc, few.describe())
    yield few.set_index(["name", "kind"])["phone"].unstack()
    yield from (types.SimpleNamespace(**{name: few}), collections.deque([few, name]))
    yield from (collections.OrderedDict({name: few}), collections.namedtuple("N", "a b")(few, name))
    records = np.array([(name, 1)], dtype=[("a", "U20"), ("b", "i4")])
    yield from (records, records[0], [records[0]], weakref.ref(few), {"a": few}.items())
    yield from (polars.DataFrame({"a": [{"b": name}] * 9}), polars.DataFrame({"a": [[name]] * 9}))
    yield polars.DataFrame({"a": [["b"]]}, schema={"a": polars.List(polars.Enum(["b", name]))})
    yield from (few["kind"].dtype, polars.Enum([name]), polars.col("a") == name)
    table = polars.from_pandas(frame.reset_index())
    yield from (table["name"], table.lazy(), table.group_by("name"), [table], Holder(table))
    yield table.lazy().filter(polars.col("name") == texts(1)[0])
    arrow = pyarrow.Table.from_pandas(frame)
    yield from (arrow["name"], arrow["name"].chunk(0), arrow["name"][0], arrow.to_batches()[0])
    yield from (arrow["kind"], arrow.schema, [arrow])
