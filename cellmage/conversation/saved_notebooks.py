"""Read the turns of a notebook: of an exported one, or of one as the magics leave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..arguments import check, instance_of
from ..errors import UsageError
from ..foreign_files import parse_json, read_text_file
from ..json_fields import as_id, as_list, as_text, read_field
from ..part_records import read_blobs
from ..serialization import read_parts, turn_from_record
from ..text import excerpt
from ..turns import CellRef, Turn
from .saved_answers import find_whole_ids, join_lines, read_answers

Metadata = Mapping[str, Any]

MAX_FILE_BYTES = 64 * 2**20
"""The largest file that is imported: one emoji makes its text four times as large in memory."""

_NOTEBOOK = instance_of((str, Path, Mapping), "a path, or the content of a notebook")

_MAX_OWN_BYTES = 16 * 2**20
"""The largest notebook of the user that is searched for the ids of its cells."""


def read_turns(text: str) -> Iterator[Turn]:
    """Return the turns of a notebook's text; an answer that was continued is one turn.

    Raises:
        ValueError: it is not a notebook.
    """
    return _read_notebook(parse_json(text))


def _read_notebook(notebook: Any) -> Iterator[Turn]:
    turns: list[Turn] = []
    indexes: dict[str, int] = {}
    """The places of the turns, by the ids of their responses."""
    if not isinstance(notebook, Mapping):
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


def read(notebook: str | Path | Mapping[str, Any]) -> list[Turn]:
    """Return the turns of a saved notebook: each answer is one text, as it was received.

    Nothing is sent or run, and the kernel need not have cellmage loaded. An answer that still
    arrived when the notebook was saved has the ``incomplete_reason`` ``"saved"``, and no cursor.

    Args:
        notebook: the path of a notebook, or its content, as `json` or `nbformat` reads it.

    Raises:
        UsageError: it cannot be read, or is not a notebook.

    Example:
        >>> output = {"data": {"text/plain": "Hello"}, "metadata": {"cellmage": {"id": "1"}}}
        >>> cell = {"cell_type": "code", "id": "c", "source": "%%llm\\nHi", "outputs": [output]}
        >>> [(turn.prompt, turn.response.text, turn.cell) for turn in read({"cells": [cell]})]
        [('Hi', 'Hello', CellRef(cell_id='c', index=0))]
    """
    check("notebook", notebook, _NOTEBOOK)
    if isinstance(notebook, Mapping):
        return list(_read_notebook(notebook))
    path = Path(notebook).expanduser()
    try:
        return list(read_turns(read_text_file(path, MAX_FILE_BYTES)))
    except ValueError as error:  # a `UsageError` is one, too
        raise UsageError(f"{excerpt(path.name)}: {error}") from None


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
    source = join_lines(cell["source"])
    question = source.partition("\n")[2] if source.lstrip().startswith("%%llm") else source
    for index, answer in enumerate(read_answers(cell["outputs"])):
        response, metadata = answer.response(), answer.metadata
        if response.text or response.steps:
            ref = CellRef(as_id(cell["id"]), index) if "id" in cell else None
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


def read_cell_ids(path: Path) -> set[str] | None:
    """Return the ids of a notebook's cells; None if it cannot be read, or a cell has no id."""
    try:
        cells = parse_json(read_text_file(path, _MAX_OWN_BYTES))["cells"]
        ids = {cell["id"] for cell in cells}
    except (ValueError, KeyError, TypeError):  # a `UsageError` is a ValueError
        return None
    return ids if all(isinstance(cell_id, str) for cell_id in ids) else None


def read_whole_ids(path: Path) -> set[str] | None:
    """Return the ids of the answers whose end a notebook shows; None if it cannot be read."""
    try:
        cells = parse_json(read_text_file(path, MAX_FILE_BYTES))["cells"]
        return {whole for cell in cells for whole in find_whole_ids(cell.get("outputs", ()))}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_code_cells(path: Path) -> list[tuple[str, str]] | None:
    """Return the ids and the texts of a notebook's cells of code; None as for `read_cell_ids`."""
    try:
        cells = parse_json(read_text_file(path, _MAX_OWN_BYTES))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        return [(as_id(cell["id"]), join_lines(cell["source"])) for cell in code]
    except (ValueError, KeyError, TypeError):
        return None
