"""The text of a notebook: its cells and what they printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from json import JSONDecodeError
from typing import Any

from ..foreign_files import parse_json
from .documents import DocumentText, Section, UnreadableError

_MAX_OUTPUT_CHARS = 2_000
"""The beginning of an output that is indexed."""

_HEADING = re.compile(r"^(?:#++[ \t]++(\S.*)|(\S.*)\n(?:=++|-++)[ \t]*+)$", re.MULTILINE)
_TERMINAL_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{200,}")


def read_notebook(text: str) -> DocumentText:
    """Return the cells of a notebook as sections, and the texts among their outputs.

    Raises:
        UnreadableError: it is not a notebook.
    """
    try:
        notebook = _parse(text)
        cells = _cells(notebook)
        sections = [Section(part) for cell in cells for part in _parts(cell) if part.strip()]
        headings = (_heading(cell) for cell in cells)
        title = next(filter(None, headings), "") or notebook.get("metadata", {}).get("title", "")
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise UnreadableError("not a notebook") from None
    return DocumentText(str(title), sections)


def _parse(text: str) -> Any:
    try:
        return parse_json(text)
    except JSONDecodeError:
        raise UnreadableError("not a notebook") from None
    except ValueError as error:
        raise UnreadableError(f"not a notebook that can be read: {error}") from None


def _cells(notebook: Any) -> list[Any]:
    """Return the cells; before version 4 of the format they are in worksheets."""
    worksheets = notebook.get("worksheets", [])
    return [cell for part in [notebook, *worksheets] for cell in part.get("cells", []) if cell]


def _heading(cell: Any) -> str:
    text = _text(cell.get("source"))
    if cell.get("cell_type") == "heading":  # before version 4
        return text.strip()
    heading = _HEADING.search(text) if cell.get("cell_type") == "markdown" else None
    return (heading[1] or heading[2]).rstrip(" \t#") if heading else ""


def _parts(cell: Any) -> Iterator[str]:
    yield _BASE64.sub("", _text(cell.get("source", cell.get("input"))))
    for output in cell.get("outputs") or ():
        data = output.get("data") or {}
        text = _text(output.get("text")) or _text(data.get("text/plain")) or _error(output)
        yield _BASE64.sub("", text)[:_MAX_OUTPUT_CHARS]


def _error(output: Any) -> str:
    """Return the last line of an error that a cell raised; empty if the output is none."""
    name, value = output.get("ename"), output.get("evalue")
    return _TERMINAL_COLORS.sub("", f"{name}: {value}") if name else ""


def _text(lines: str | Iterable[str] | None) -> str:
    """Return a text of the format, which may be a list of lines."""
    return "".join(lines or ())
