from __future__ import annotations

from pathlib import Path
from typing import Any

import polars
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Response, UsageError
from cellmage.batch.columns import Column
from cellmage.batch.engines import parts
from cellmage.batch.engines.part_answers import PartAnswers
from cellmage.batch.engines.part_files import add_columns, write_part
from cellmage.batch.engines.parts import make_parts
from cellmage.batch.row_result import RowResult


def write(path: Path, numbers: range, group: int = 1500) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({"n": numbers})
    pyarrow.parquet.write_table(table, path, row_group_size=group)


def numbers_of(path: Path) -> list[int]:
    pieces = make_parts(path, as_tables=True)
    numbers: list[int] = []
    for index, part in enumerate(pieces):
        rows = part.source.read_rows()
        assert (part.index, part.first, part.count) == (index, len(numbers), len(rows))
        assert part.count <= parts.PART_ROWS
        numbers += [row["n"] for row in rows]
    return numbers


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    write(tmp_path / "b.parquet", range(2000, 5200))
    write(tmp_path / "a" / "1.parquet", range(2000))
    write(tmp_path / "_batch" / "hidden.parquet", range(9))
    write(tmp_path / ".part.parquet", range(9))
    assert numbers_of(tmp_path) == list(range(5200))


@pytest.mark.parametrize("group", [1, 999, 1000, 1001, 5000])
def test_each_row_of_a_file_is_in_one_part(tmp_path: Path, group: int) -> None:
    count = min(2 * group + 3, 4001)
    write(tmp_path / "rows.parquet", range(count), group)
    assert numbers_of(tmp_path / "rows.parquet") == list(range(count))


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no parquet files"):
        make_parts(tmp_path, as_tables=True)


def test_folders_that_stand_for_a_column_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "lang=de" / "rows.parquet", range(3))
    with pytest.raises(UsageError, match="lang=de stands for a column"):
        make_parts(tmp_path, as_tables=True)


def test_frames_and_lists_become_tables_of_one_schema() -> None:
    rows = [{"n": n, "t": None if n < 1000 else "x"} for n in range(1500)]
    for given_rows in (
        rows,
        polars.DataFrame(rows, infer_schema_length=None),
        pyarrow.Table.from_pylist(rows),
    ):
        tables = [part.source.read_table() for part in make_parts(given_rows, as_tables=True)]
        assert [table.num_rows for table in tables] == [1000, 500]
        assert tables[0].schema == tables[1].schema
        assert tables[1].column("t").to_pylist() == ["x"] * 500


def test_rows_that_fit_no_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="leave out `out`"):
        make_parts([{"a": 1}, {"a": "text"}], as_tables=True)


def test_the_identity_of_a_file_changes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    write(file, range(10))
    before = [part.source.identity() for part in make_parts(file, as_tables=True)]
    assert before == [part.source.identity() for part in make_parts(file, as_tables=True)]
    write(file, range(11))
    assert before != [part.source.identity() for part in make_parts(file, as_tables=True)]


COLUMNS = [Column("n", "integer"), Column("tags", "json"), Column("t", "string")]


def test_columns_have_the_types_of_the_schema_also_without_a_value() -> None:
    table = pyarrow.table({"n": ["own", "other"], "error": [1, 2]})
    results = [
        RowResult(0, None, error=UsageError("no")),
        RowResult(1, {"tags": [1], "t": "\ud83d"}),
    ]
    answered = add_columns(table, results, COLUMNS)
    assert answered.schema.names == ["row_n", "row_error", "n", "tags", "t", "error"]
    assert [str(kind) for kind in answered.schema.types[2:]] == ["int64", *["string"] * 3]
    assert answered.to_pylist() == [
        {"row_n": "own", "row_error": 1, "n": None, "tags": None, "t": None, "error": "usage: no"},
        {"row_n": "other", "row_error": 2, "n": None, "tags": "[1]", "t": "\\ud83d", "error": None},
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)


@given(values=st.lists(st.fixed_dictionaries({"n": json_values, "tags": json_values}), max_size=5))
def test_a_value_of_another_type_is_an_error_of_its_row_alone(values: list[Any]) -> None:
    table = pyarrow.table({"id": list(range(len(values)))})
    results = [RowResult(index, value) for index, value in enumerate(values)]
    rows = add_columns(table, results, COLUMNS).to_pylist()
    for row, value in zip(rows, values, strict=True):
        number = value["n"]
        if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**63:
            assert (row["n"], row["error"]) == (number, None)
        elif row["n"] is None:
            assert (row["error"] is None) == (number is None)


def test_under_its_name_a_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "part-000000.parquet"
    write_part(pyarrow.table({"a": [1]}), path)
    write_part(pyarrow.table({"a": [2]}), path)
    assert pyarrow.parquet.read_table(path).to_pylist() == [{"a": 2}]
    assert list(tmp_path.iterdir()) == [path]


def test_answers_of_a_killed_worker_are_found_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "part.jsonl"
    with PartAnswers(path) as answers:
        answers.add("key", 1, Response("one"))
        answers.add("key", 2, Response("two\n\ud800"))
    assert path.stat().st_mode & 0o077 == 0
    with path.open("ab") as file:
        file.write(b'["other", 1, "cut')  # the worker was killed here
    with PartAnswers(path) as answers:
        assert answers.find("key", 1) == Response("one")
        assert answers.find("key", 2) == Response("two\n\ud800")
        assert answers.find("other", 1) is None
        answers.add("other", 1, Response("again"))
    with PartAnswers(path) as answers:
        assert answers.find("other", 1) == Response("again")
        answers.remove()
    assert not path.exists()


@given(cut=st.integers(0, 400))
def test_a_file_that_is_cut_anywhere_has_the_answers_before(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "part.jsonl"
    with PartAnswers(path) as answers:
        for number in range(5):
            answers.add("key", number, Response(f"answer {number}"))
    lines = path.read_bytes()[:cut].split(b"\n")
    path.write_bytes(b"\n".join(lines))
    with PartAnswers(path) as answers:
        found = [answers.find("key", number) for number in range(5)]
    texts = [response.text for response in found if response is not None]
    assert texts == [f"answer {number}" for number in range(len(texts))]
    assert len(texts) == sum(line.endswith(b"]") for line in lines)
