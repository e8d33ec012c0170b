"""Read the turns of a notebook: of an exported one, or of one as the magics leave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..foreign_files import parse_json, read_text_file
from ..messages import Usage
from ..part_records import read_blobs
from ..serialization import (
    as_id,
    as_list,
    as_text,
    read_field,
    read_parts,
    response_from_record,
    turn_from_record,
)
from ..turns import CellRef, Turn

Metadata = Mapping[str, Any]

MAX_FILE_BYTES = 64 * 2**20
"""The largest file that is imported: one emoji makes its text four times as large in memory."""

_MAX_OWN_BYTES = 16 * 2**20
"""The largest notebook of the user that is searched for the ids of its cells."""


def read_turns(text: str) -> Iterator[Turn]:
    """Return the turns of a notebook's text; an answer that was continued is one turn.

    Raises:
        ValueError: it is not a notebook.
    """
    turns: list[Turn] = []
    indexes: dict[str, int] = {}
    """The places of the turns, by the ids of their responses."""
    notebook = parse_json(text)
    if not isinstance(notebook, dict):
        raise UsageError("this file is not a notebook")
    cells = read_field(notebook, "cells", as_list, "the cells of a notebook")
    for turn, continues_id in _read_cells(cells):
        index = indexes.pop(continues_id, None)
        if index is None:
            index = len(turns)
            turns.append(turn)
        else:
            turns[index] = turn.continue_from(turns[index])
        if turn.response.id:
            indexes.setdefault(turn.response.id, index)
    return iter(turns)


def _read_cells(cells: list[Any]) -> Iterator[tuple[Turn, str]]:
    """Yield each turn, with the id of the response that it continues."""
    for number, cell in enumerate(cells, 1):
        try:
            yield from _read_cell(cell)
        except UsageError as error:
            raise UsageError(f"cell {number}: {error}") from None
        except (KeyError, TypeError, AttributeError):
            raise UsageError(f"cell {number} is not a cell of a notebook") from None


def _read_cell(cell: Mapping[str, Any]) -> Iterator[tuple[Turn, str]]:
    metadata = cell.get("metadata", {}).get("cellmage", {})
    if record := metadata.get("turn"):
        yield turn_from_record(record, _read_blobs(metadata)), ""
    elif cell["cell_type"] == "code":
        yield from _read_outputs(cell)


def _read_outputs(cell: Mapping[str, Any]) -> Iterator[tuple[Turn, str]]:
    """Yield the turns of a cell as the magics leave it; its outputs are the answers."""
    source = _join_lines(cell["source"])
    question = source.partition("\n")[2] if source.lstrip().startswith("%%llm") else source
    answers: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for output in cell["outputs"]:
        metadata = output.get("metadata", {}).get("cellmage", {})
        if "id" in metadata and metadata.get("part") != "reasoning" and not metadata.get("again"):
            # An answer may have several outputs.
            texts, merged = answers.setdefault(as_id(metadata["id"]), ([], {}))
            texts.append(_join_lines(output["data"].get("text/plain", "")))
            merged.update(metadata)
    for index, (texts, metadata) in enumerate(answers.values()):
        text = "".join(texts)
        if text or metadata.get("steps"):
            ref = CellRef(as_id(cell["id"]), index) if "id" in cell else None
            response = response_from_record(
                _read_text(metadata, "text", text), _record_of(metadata)
            )
            prompt = _read_text(metadata, "prompt", question)
            system = _read_text(metadata, "system", "")
            parts = read_parts(metadata, prompt, _read_blobs(metadata))
            turn = Turn(prompt, response, ref, system=system, parts=parts)
            yield turn, _read_text(metadata, "continues", "")


def _read_blobs(metadata: Metadata) -> dict[str, bytes]:
    blobs: dict[str, bytes] = read_field(metadata, "blobs", read_blobs, "an object of base64", {})
    return blobs


def _read_text(metadata: Metadata, name: str, default: str) -> str:
    return str(read_field(metadata, name, as_text, "a text", default))


def _record_of(metadata: Metadata) -> Metadata:
    """Return the metadata of an output as the record of a response."""
    names = ("reasoning", "model", "provider", "finish_reason", "incomplete_reason", "id")
    record = {name: metadata.get(name) for name in (*names, "notices", "steps", "sources")}
    usage = metadata.get("usage") or {}
    counts = [usage.get(count.name) for count in fields(Usage)]
    record["usage"] = counts if any(counts) else None
    return {name: value for name, value in record.items() if value is not None}


def _join_lines(source: str | list[str]) -> str:
    """Return a text of a notebook's file, which may store it as a list of lines."""
    return source if isinstance(source, str) else "".join(as_list(source))


def read_cell_ids(path: Path) -> set[str] | None:
    """Return the ids of a notebook's cells; None if it cannot be read, or a cell has no id."""
    try:
        cells = parse_json(read_text_file(path, _MAX_OWN_BYTES))["cells"]
        ids = {cell["id"] for cell in cells}
    except (ValueError, KeyError, TypeError):  # a `UsageError` is a ValueError
        return None
    return ids if all(isinstance(cell_id, str) for cell_id in ids) else None


def read_code_cells(path: Path) -> list[tuple[str, str]] | None:
    """Return the ids and the texts of a notebook's cells of code; None as for `read_cell_ids`."""
    try:
        cells = parse_json(read_text_file(path, _MAX_OWN_BYTES))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        return [(as_id(cell["id"]), _join_lines(cell["source"])) for cell in code]
    except (ValueError, KeyError, TypeError):
        return None
