"""The columns of results: their names and types, from a schema; no frame library is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..output_schema import OutputSchema
from .row_result import RowResult

ANSWER, ERROR, ITEM = "answer", "error", "item"
"""The columns of an answer that is a text, of errors, and of rows that have no fields."""

_TYPES = ("integer", "number", "boolean", "string")
"""The types of JSON Schema that a column can have; another one is "json"."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of results.

    Args:
        name: its name.
        type: ``"integer"``, ``"number"``, ``"boolean"``, ``"string"`` or ``"json"`` (any value).
    """

    name: str
    type: str


TEXT_COLUMNS = (Column(ANSWER, "string"),)


def value_columns(schema: OutputSchema | None) -> Sequence[Column]:
    """Return the columns of the values: one for each field of a schema, else `ANSWER`.

    Example:
        >>> schema = {"type": "object", "properties": {"n": {"type": "integer"}, "tags": {}}}
        >>> [(column.name, column.type) for column in value_columns(OutputSchema(schema, "s"))]
        [('n', 'integer'), ('tags', 'json')]
        >>> value_columns(None)
        (Column(name='answer', type='string'),)
    """
    if schema is None:
        return TEXT_COLUMNS
    description = schema.json_schema()
    fields = description.get("properties")
    if not isinstance(fields, Mapping) or not fields:
        return (Column(ANSWER, "json"),)
    return tuple(Column(name, _type_of(field)) for name, field in fields.items())


def _type_of(field: Any) -> str:
    """Return the type of a field; one that may also be null has the other type."""
    if not isinstance(field, Mapping):
        return "json"
    type_ = field.get("type", ())
    types = [type_] if isinstance(type_, str) else list(type_)
    types += [_type_of(other) for other in field.get("anyOf", ()) if other != {"type": "null"}]
    types = [item for item in types if item != "null"]
    return types[0] if len(types) == 1 and types[0] in _TYPES else "json"


def value_fields(result: RowResult, columns: Sequence[Column]) -> dict[str, Any]:
    """Return the value of a row by column; None in each column if the row failed."""
    value = plain_value(result.value)
    if [column.name for column in columns] == [ANSWER]:
        return {ANSWER: value}
    fields = value if isinstance(value, Mapping) else {}
    return {column.name: fields.get(column.name) for column in columns}


def plain_value(value: Any) -> Any:
    """Return a value as JSON can hold it: an instance of a pydantic model as a dict.

    Example:
        >>> plain_value("text")
        'text'
    """
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else value


def row_fields(row: Any) -> dict[str, Any]:
    """Return the fields of a row by name; a row that is not a mapping is one field.

    Example:
        >>> row_fields({"a": 1}), row_fields(3)
        ({'a': 1}, {'item': 3})
    """
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    return {ITEM: row}


def error_line(result: RowResult) -> str | None:
    """Return the error of a row in one line; None if it has none."""
    return None if result.error is None else f"{result.error.kind}: {result.error}"


def output_record(result: RowResult, columns: Sequence[Column]) -> dict[str, Any]:
    """Return what is written of a row: its fields, its value, its error.

    A field of the row that has the name of a column of the value is there as ``row_NAME``.

    Example:
        >>> output_record(RowResult(0, "Hi", row={"q": "a", "answer": "b"}), value_columns(None))
        {'q': 'a', 'row_answer': 'b', 'answer': 'Hi', 'error': None}
    """
    answer = {**value_fields(result, columns), ERROR: error_line(result)}
    fields = row_fields(result.row).items()
    return {
        **{f"row_{name}" if name in answer else name: value for name, value in fields},
        **answer,
    }
