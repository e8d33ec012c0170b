"""Turns as columns of a table, and back; a row that is damaged is told from one that is whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...content import Part, text_of
from ...messages import Response, ToolStep
from ...part_records import FindBlob, parts_from_record, parts_to_record
from ...serialization import response_from_record, response_to_record
from ...turns import CellRef, Turn

TURN_COLUMNS = "response_id, prompt, text, metadata, cell_id, question_index, stale"
"""The columns that `to_turn` takes, in its order."""

STATES = ("open", "live", "superseded", "merged", "dropped", "failed", "damaged")
"""The states of a turn; a row with another one is damaged."""


class DamagedRowError(ValueError):
    """A column of the row has a value that no turn has."""


def encode_text(text: str) -> bytes:
    """Return a text as a blob; a model may send lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def to_columns(turn: Turn) -> dict[str, Any]:
    """Return the columns of a live turn; its position and its time are not among them."""
    return {
        "response_id": turn.response.id,
        "cell_id": turn.cell.cell_id if turn.cell else None,
        "question_index": turn.cell.index if turn.cell else None,
        "state": "live",
        "stale": turn.stale,
        "prompt": encode_text(turn.prompt),
        "text": encode_text(turn.response.text),
        "metadata": metadata_json(turn, turn.response.steps),
    }


def metadata_json(turn: Turn, steps: tuple[ToolStep, ...]) -> str:
    """Return the fields of a turn that have no column, with these tool steps, as JSON."""
    record = response_to_record(replace(turn.response, steps=steps))
    own = {"system": turn.system, "parts": parts_to_record(turn.parts)}
    return json.dumps(record | {name: value for name, value in own.items() if value})


def to_turn(columns: Sequence[Any], find_blob: FindBlob) -> Turn:
    """Return the turn of the columns of `TURN_COLUMNS`.

    Args:
        columns: the values.
        find_blob: returns the bytes of its images and files.

    Raises:
        DamagedRowError: a column has a value that no turn has. Metadata are no such column: where
            they cannot be read, they are lost, and the turn is not.
    """
    response_id, prompt, text, metadata, cell_id, question_index, stale = columns
    answer = _decode(text)
    has_cell = cell_id is not None and question_index is not None
    cell = CellRef(_check(cell_id, str), _check(question_index, int)) if has_cell else None
    question = _decode(prompt)
    response, system, part_records = _read_metadata(answer, metadata)
    if response.id != _check(response_id, str):
        response = replace(response, id=response_id)
    parts = _read_parts(question, part_records, find_blob)
    return Turn(question, response, cell, bool(stale), (), system, parts)


def preview_of(columns: Sequence[Any]) -> str:
    """Return what can be read of the question of a damaged row."""
    prompt = columns[1]
    return prompt.decode("utf-8", "replace") if isinstance(prompt, bytes) else str(prompt)


def _read_metadata(answer: str, metadata: Any) -> tuple[Response, str, Any]:
    """Return the response, the system prompt, and the record of the question's parts."""
    try:
        record = json.loads(metadata)
        system = _check(record.pop("system", ""), str)
        part_records = record.pop("parts", [])
        return response_from_record(answer, record), system, part_records
    except (TypeError, ValueError, AttributeError, RecursionError):
        return Response(answer), "", []


def _read_parts(question: str, records: Any, find_blob: FindBlob) -> tuple[Part, ...]:
    """Return the parts of a question; none where they cannot be read: its text is kept."""
    try:
        parts = parts_from_record(records, find_blob)
    except (TypeError, ValueError):
        return ()
    return parts if text_of(parts) == question else ()


def _decode(blob: Any) -> str:
    try:
        return str(_check(blob, bytes).decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise DamagedRowError(str(error)) from None


def _check(value: Any, kind: type[Any]) -> Any:
    """Return the value if it is of this type."""
    if type(value) is not kind:
        raise DamagedRowError(f"a {type(value).__name__} is in the place of a {kind.__name__}")
    return value
