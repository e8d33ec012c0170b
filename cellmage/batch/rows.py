"""The rows of a batch, and the prompt of each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

from ..content import Content, File, Image, Part, Prompt
from ..errors import CellmageError, UsageError
from ..prompt.interpolation import Explain, Insert, explain, interpolate

PromptOf = Callable[[Any], Prompt]
"""A function that returns the prompt of a row."""

_CHUNK_ROWS = 1000
"""The rows of a frame that are converted at once."""


def iterate_rows(rows: Any) -> Iterator[Any]:
    """Yield the rows, one at a time; those of a frame as dicts by column.

    Args:
        rows: a list or any other iterable; a frame of pandas or polars, or a table of pyarrow.

    Raises:
        UsageError: it is a text or a mapping, or cannot be iterated.

    Example:
        >>> list(iterate_rows(["a", "b"]))
        ['a', 'b']
    """
    for module, cls, iterate in _FRAMES:
        loaded = sys.modules.get(module)  # never imported to look
        if loaded is not None and isinstance(rows, getattr(loaded, cls, ())):
            return iterate(rows)
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise UsageError(
            f"the rows are a {type(rows).__name__}; give a list, a DataFrame, or any iterable"
        )
    return iter(rows)


def count_rows(rows: Any) -> int | None:
    """Return how many rows there are; None if that is not known before the end.

    Example:
        >>> count_rows([1, 2]), count_rows(iter([1, 2]))
        (2, None)
    """
    if isinstance(rows, Sized):
        return len(rows)
    height = getattr(rows, "num_rows", None)
    return height if isinstance(height, int) else None


def make_prompts(
    template: str | PromptOf,
    namespace: Mapping[str, Any] | None = None,
    *,
    everywhere: bool = False,
    insert: Insert | None = None,
    explain: Explain = explain,
) -> PromptOf:
    """Return a function that makes the prompt of a row.

    Args:
        template: a text with ``{{ expression }}``, as in prompts of the notebook; or a function of
            the row. An expression may use the row's fields by their names; ``row``, whose fields
            are attributes; and ``item``, the row as it is.
        namespace: further variables for expressions; a field of the same name wins.
        everywhere, insert, explain: as for `interpolate`.

    Raises:
        UsageError: the template is neither.

    Example:
        >>> prompt_of = make_prompts("Translate {{ text }} ({{ row.lang }})")
        >>> prompt_of({"text": "Hallo", "lang": "de"})
        'Translate Hallo (de)'
        >>> make_prompts("Square {{ item }}")(4)
        'Square 4'
    """
    if callable(template):
        return template
    if not isinstance(template, str):
        raise UsageError("the template is neither a text nor a function of a row")
    variables = dict(namespace or {})

    def prompt_of(row: Any) -> Content:
        names = {**variables, **_fields(row), "row": RowView(row), "item": row}
        return interpolate(template, names, everywhere, insert or _insert, explain).content

    return prompt_of


def safe_prompt(prompt_of: PromptOf, row: Any) -> Prompt | CellmageError:
    """Return the prompt of a row; the error of a row whose prompt cannot be made."""
    try:
        return prompt_of(row)
    except CellmageError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the function of the user
        return UsageError(f"the prompt could not be made: {type(error).__name__}: {error}")


class RowView:
    """A row whose fields are attributes and items, for expressions of a template.

    It has no methods, so that a field may have any name.

    Args:
        row: a mapping by field, or any other value.

    Example:
        >>> RowView({"items": 3}).items, str(RowView(7))
        (3, '7')
    """

    __slots__ = ("_row",)

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        row = object.__getattribute__(self, "_row")
        if isinstance(row, Mapping):
            if name in row:
                return row[name]
            raise AttributeError(
                f"the row has no field {name!r}; it has {', '.join(map(str, row))}"
            )
        return getattr(row, name)

    def __getitem__(self, key: Any) -> Any:
        return self._row[key]

    def __str__(self) -> str:
        return str(self._row)


def _fields(row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        return {}
    return {key: value for key, value in row.items() if isinstance(key, str)}


def _insert(source: str, value: Any) -> Sequence[Part]:
    return [value if isinstance(value, Image | File) else str(value)]


def _pandas_rows(frame: Any) -> Iterator[Any]:
    for start in range(0, len(frame), _CHUNK_ROWS):
        yield from frame.iloc[start : start + _CHUNK_ROWS].to_dict("records")


def _series_rows(series: Any) -> Iterator[Any]:
    return iter(series)


def _polars_rows(frame: Any) -> Iterator[Any]:
    rows: Iterator[Any] = frame.iter_rows(named=True, buffer_size=_CHUNK_ROWS)
    return rows


def _arrow_rows(table: Any) -> Iterator[Any]:
    for batch in table.to_batches(max_chunksize=_CHUNK_ROWS):
        yield from batch.to_pylist()


_FRAMES: Sequence[tuple[str, str, Callable[[Any], Iterator[Any]]]] = (
    ("pandas", "DataFrame", _pandas_rows),
    ("pandas", "Series", _series_rows),
    ("polars", "DataFrame", _polars_rows),
    ("polars", "Series", _series_rows),
    ("pyarrow", "Table", _arrow_rows),
)
"""Module, class, and the function that yields its rows."""
