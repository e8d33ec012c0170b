from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest
from pydantic import BaseModel

from cellmage import UsageError
from cellmage.batch.engines.batch_function import map_batch
from cellmage.testing import ScriptedServer, answer

say = partial(map_batch, template="Say {{ word }}", model="offline/echo")

WORDS = ["hi", "ho"]
ANSWERS = ["Say hi", "Say ho"]


class City(BaseModel):
    name: str
    people: int | None = None


def test_a_frame_of_pandas_keeps_its_index_and_types() -> None:
    frame = pandas.DataFrame({"word": WORDS, "n": [1, 2]}, index=[7, 3])
    answered = say(frame)
    assert list(answered.columns) == ["word", "n", "answer", "error"]
    assert list(answered.index) == [7, 3]
    assert list(answered["answer"]) == ANSWERS
    assert answered["n"].dtype == frame["n"].dtype
    assert list(frame.columns) == ["word", "n"]


def test_a_frame_of_polars_stays_one() -> None:
    answered = say(polars.DataFrame({"word": WORDS}))
    assert answered["answer"].to_list() == ANSWERS
    assert answered.schema["error"] == polars.String


def test_a_table_stays_one() -> None:
    answered = say(pyarrow.table({"word": WORDS}))
    assert answered.column("answer").to_pylist() == ANSWERS
    assert answered.schema.field("error").type == pyarrow.string()


def test_columns_stay_columns() -> None:
    answered = say({"word": numpy.array(WORDS)})
    assert answered["answer"] == ANSWERS
    assert answered["error"] == [None, None]


@pytest.mark.parametrize(
    "empty",
    [
        pandas.DataFrame({"word": pandas.Series([], dtype="string")}),
        polars.DataFrame({"word": []}, schema={"word": polars.String}),
        pyarrow.table({"word": pyarrow.array([], pyarrow.string())}),
    ],
    ids=lambda frame: type(frame).__module__,
)
def test_an_empty_batch_has_the_same_columns_and_types_and_asks_nobody(
    empty: Any, server: ScriptedServer
) -> None:
    server.play(*answer('{"name": "Rome", "people": 3}'))
    ask = partial(map_batch, template="{{ word }}", schema=City, base_url=server.url, model="m")
    whole = pandas.DataFrame({"word": pandas.Series(["x"], dtype="string")})
    make = {
        "pandas": lambda f: f,
        "polars": polars.from_pandas,
        "pyarrow": pyarrow.Table.from_pandas,
    }
    full = ask(make[type(empty).__module__.split(".")[0]](whole))
    asked = len(server.exchanges)
    answered = ask(empty)
    assert len(server.exchanges) == asked == 1
    assert len(answered) == 0
    names = lambda frame: list(getattr(frame, "column_names", frame.columns))  # noqa: E731
    assert names(answered) == names(full) == ["word", "name", "people", "error"]


def test_a_column_with_the_name_of_an_answer_is_kept_beside_it() -> None:
    for batch in (pandas.DataFrame, polars.DataFrame, pyarrow.table, dict):
        answered = say(batch({"word": WORDS, "answer": [1, 2]}))
        assert list(answered["row_answer"]) == [1, 2] or answered["row_answer"].to_pylist() == [
            1,
            2,
        ]


def test_it_can_be_pickled() -> None:
    again = pickle.loads(pickle.dumps(say))
    assert again({"word": WORDS})["answer"] == ANSWERS


def test_a_row_that_fails_has_its_error() -> None:
    answered = map_batch({"n": [1, 0]}, lambda row: str(1 // row["n"]), model="offline/echo")
    assert answered["answer"] == ["1", None]
    assert answered["error"][1].startswith("usage: the prompt could not be made")


def test_other_batches_are_refused() -> None:
    with pytest.raises(UsageError, match="the batch is a list"):
        say([{"word": "hi"}])
    with pytest.raises(UsageError, match="different lengths"):
        say({"word": ["hi"], "n": []})
    with pytest.raises(UsageError, match="a pydantic model"):
        say({"word": ["hi"]}, schema=int)
