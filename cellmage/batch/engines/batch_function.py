"""`cellmage.map_batch`: a batch in, the same with the answers out; for pipelines of the user."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, Unpack

from ...errors import UsageError
from ...options import OptionFields, Options
from ...output_schema import make_schema
from ...runtime.loop import background_loop
from ..asker import RowTask
from ..columns import ERROR, Column, error_line, value_columns, value_fields
from ..concurrency import Concurrency
from ..frames import make_frame
from ..rate_limit import LocalRateLimiter
from ..row_result import RowResult
from ..rows import PromptOf, iterate_rows, make_prompts
from ..worker import Question, answer_rows
from .part_files import add_columns
from .part_worker import make_prompt

Batch = TypeVar("Batch")


def map_batch(
    batch: Batch,
    template: str | PromptOf,
    *,
    schema: Any = None,
    concurrency: Concurrency = "auto",
    **options: Unpack[OptionFields],
) -> Batch:
    """Ask a model about each row of a batch, and return the batch with the answers.

    A function for pipelines: Ray Data's ``map_batches``, Dask's ``map_partitions``, Spark's
    ``mapInPandas``. `functools.partial` of it can be pickled. The answers are in the column
    ``answer``, with a schema in one for each of its fields; the column ``error`` says why a row has
    none. All calls of a process keep to one rate.

    Args:
        batch: a DataFrame of pandas or polars, a table of pyarrow, or a dict of columns.
        template: the prompt, as for `map`.
        schema: a pydantic model or a JSON schema.
        concurrency: how many rows are asked at once; "auto" finds it.
        options: options by name: ``model="openai/…"``; None is the default model.

    Raises:
        UsageError: the batch is of another type.
        ConfigError: the model has no key or no address.

    Example:
        >>> map_batch({"word": ["hi"]}, "Say {{ word }}", model="offline/echo")
        {'word': ['hi'], 'answer': ['Say hi'], 'error': [None]}
    """
    task = RowTask(Options.from_fields(options), make_schema(schema))
    read, add_answers = _kind_of(batch)
    results = _answer(task, read(batch), make_prompts(template), concurrency)
    answered: Batch = add_answers(batch, results, value_columns(task.schema))
    return answered


_limiters: dict[tuple[str | None, str | None], LocalRateLimiter] = {}
_lock = threading.Lock()


def _answer(
    task: RowTask, rows: Sequence[Any], prompt_of: PromptOf, concurrency: Concurrency
) -> list[RowResult]:
    if not rows:
        return []  # pipelines ask for the columns with an empty batch, where there may be no key
    with _lock:
        key = (task.options.model, task.options.base_url)
        limiter = _limiters.setdefault(key, LocalRateLimiter())
    questions = [Question(n, make_prompt(row, prompt_of), row) for n, row in enumerate(rows)]

    async def answer() -> list[RowResult]:
        answers = answer_rows(task, questions, limiter=limiter, concurrency=concurrency)
        return [result async for result in answers]

    results = asyncio.run_coroutine_threadsafe(answer(), background_loop()).result()
    return sorted(results, key=lambda result: result.index)


Results = Sequence[RowResult]
Columns = Sequence[Column]
_Read = Callable[[Any], Sequence[Any]]
_AddAnswers = Callable[[Any, Results, Columns], Any]


def _kind_of(batch: Any) -> tuple[_Read, _AddAnswers]:
    """Return how a batch is read, and how one of its kind is made with the answers."""
    for module, cls, add_answers in _KINDS:
        loaded = sys.modules.get(module)  # never imported to look
        if loaded is not None and isinstance(batch, getattr(loaded, cls, ())):
            return lambda frame: list(iterate_rows(frame)), add_answers
    if isinstance(batch, Mapping):
        return _rows_of_columns, _add_to_columns
    raise UsageError(
        f"the batch is a {type(batch).__name__}; give a DataFrame of pandas or polars, a table of "
        "pyarrow, or a dict of columns"
    )


def _rows_of_columns(batch: Mapping[str, Any]) -> Sequence[Any]:
    # Arrays have values of their own types, which texts show as they are.
    columns = {
        name: values.tolist() if hasattr(values, "tolist") else list(values)
        for name, values in batch.items()
    }
    if len({len(values) for values in columns.values()}) > 1:
        raise UsageError("the columns of the batch have different lengths")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _new_names(names: Iterable[Any], columns: Columns) -> dict[Any, Any]:
    """Return the names of the batch's own columns beside those of the answers."""
    reserved = {*(column.name for column in columns), ERROR}
    return {name: f"row_{name}" if name in reserved else name for name in names}


def _records(results: Results, columns: Columns) -> list[dict[str, Any]]:
    return [{**value_fields(result, columns), ERROR: error_line(result)} for result in results]


def _add_to_columns(batch: Mapping[str, Any], results: Results, columns: Columns) -> dict[str, Any]:
    names, records = _new_names(batch, columns), _records(results, columns)
    answers = {
        name: [record[name] for record in records]
        for name in (*(column.name for column in columns), ERROR)
    }
    return {**{names[name]: cells for name, cells in batch.items()}, **answers}


def _add_to_pandas(batch: Any, results: Results, columns: Columns) -> Any:
    answers = make_frame(_records(results, columns), columns, "pandas").set_axis(batch.index)
    renamed = batch.rename(columns=_new_names(batch.columns, columns))
    return importlib.import_module("pandas").concat([renamed, answers], axis=1)


def _add_to_polars(batch: Any, results: Results, columns: Columns) -> Any:
    answers = make_frame(_records(results, columns), columns, "polars")
    return batch.rename(_new_names(batch.columns, columns)).hstack(answers)


_KINDS: Sequence[tuple[str, str, _AddAnswers]] = (
    ("pandas", "DataFrame", _add_to_pandas),
    ("polars", "DataFrame", _add_to_polars),
    ("pyarrow", "Table", add_columns),
)
"""Module, class, and the function that adds the answers."""
