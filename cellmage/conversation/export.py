"""Export turns to a file and import them: .md to read, .json for programs, .ipynb to run again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from ..foreign_files import parse_json, read_text_file
from ..messages import CellRef, Turn
from ..preview import answer_bundle
from ..serialization import as_text, response_from_record, turn_from_record, turn_to_record
from ..text import excerpt, truncate

Metadata = Mapping[str, Any]

MAX_FILE_BYTES = 16 * 2**20
"""The largest file that is imported."""

_FORMAT_VERSION = 1
"""The version of the JSON document; a later release may write a higher one."""

_MAX_CODE_CHARS = 300
"""The longest tool call, and the longest result, in markdown."""

_MAX_NAME_BYTES = 200
"""The longest file name; file systems have room for 255 bytes, with what they add."""

_COMMENT_START = "<!-- cellmage "
"""Begins the comment at the end of a markdown file that contains the turns as JSON."""

# Each of these has a meaning in a path, in a shell or in a URL, or cannot be seen.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff<>:"/\\|?*%]')
# Names of devices on Windows, also with a suffix.
_RESERVED_NAME = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)\Z", re.IGNORECASE)


def export_turns(turns: Sequence[Turn], folder: Path, name: str) -> Path:
    """Write turns to a new file, and return its path.

    Args:
        turns: the turns.
        folder: the folder of the file.
        name: the name of the file, without a folder; its suffix selects the format: ``.md``,
            ``.json`` or ``.ipynb``.

    Raises:
        UsageError: the name cannot be used, or such a file exists. Nothing is written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from cellmage import Response
        >>> turns = [Turn("Hi", Response("Hello", id="1"))]
        >>> with TemporaryDirectory() as folder:
        ...     import_turns(export_turns(turns, Path(folder), "talk.md")) == turns
        True
    """
    _check_name(name)
    path = folder / name
    text = _FORMATS[path.suffix].write(turns)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"there is a {name} already; give another name") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}") from None
    return path


def _check_name(name: str) -> None:
    stem, dot, suffix = name.rpartition(".")
    if dot + suffix not in _FORMATS or not stem:
        raise UsageError(f"{excerpt(name)!r}: give a name that ends in {', '.join(_FORMATS)}")
    # A name that begins with "." is hidden; "~" marks backups; some systems drop "." and " ".
    is_unsafe = _NOT_IN_NAMES.search(name) or stem != stem.strip(" .~-") or stem.startswith(".")
    if is_unsafe or _RESERVED_NAME.match(stem) or len(name.encode()) > _MAX_NAME_BYTES:
        raise UsageError(f"{excerpt(name)!r}: give a plain file name, without a folder")


def import_turns(path: Path) -> list[Turn]:
    """Return the turns of a file that `export_turns` wrote, or of a notebook as it was saved.

    Args:
        path: the file; its suffix says its format.

    Raises:
        UsageError: the file does not exist, is too large, or contains no turns.
    """
    if path.suffix not in _FORMATS:
        raise UsageError(f"{excerpt(path.name)}: its name does not end in {', '.join(_FORMATS)}")
    text = read_text_file(path, MAX_FILE_BYTES)
    try:
        return list(_FORMATS[path.suffix].read(text))
    except UsageError as error:  # it is a ValueError, too
        raise UsageError(f"{excerpt(path.name)}: {error}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{excerpt(path.name)}: it cannot be read") from None
    except (KeyError, TypeError, AttributeError, IndexError):
        raise UsageError(f"{excerpt(path.name)}: it is not in the format of its suffix") from None


# JSON.


def to_json(turns: Sequence[Turn]) -> str:
    """Return a JSON document with a record of each turn."""
    document = {"cellmage": _FORMAT_VERSION, "turns": [turn_to_record(turn) for turn in turns]}
    return json.dumps(document, indent=1) + "\n"


def _from_json(text: str) -> Iterator[Turn]:
    document = parse_json(text)
    if document["cellmage"] > _FORMAT_VERSION:
        raise UsageError("this file is of a later release: pip install --upgrade cellmage")
    return map(turn_from_record, document["turns"])


# Markdown: a comment at the end contains the turns as JSON.


def to_markdown(turns: Sequence[Turn]) -> str:
    """Return markdown with questions as headings and quotes, and with answers as they are."""
    parts = []
    for number, turn in enumerate(turns, 1):
        quote = "\n".join(f"> {line}" for line in turn.prompt.splitlines())
        parts += [f"## {number}", _replace_surrogates(quote)]
        for step in turn.response.steps:
            calls = [
                f"- {_inline_code(call.name + call.arguments)}: {_inline_code(call.result)}"
                for call in step.calls
            ]
            parts += [_replace_surrogates(step.text), _replace_surrogates("\n".join(calls))]
        parts.append(_replace_surrogates(turn.response.final_text))
    # Escaped characters of a JSON string are the same characters; a comment must not contain "-->".
    document = to_json(turns).replace("<", "\\u003c").replace(">", "\\u003e")
    return "\n\n".join([*parts, f"{_COMMENT_START}{document}-->"]) + "\n"


def _inline_code(text: str) -> str:
    """Return a text on one line, in a code span that nothing in the text can end."""
    line = truncate(text, _MAX_CODE_CHARS)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}"


def _replace_surrogates(text: str) -> str:
    """Return a text that UTF-8 can encode."""
    return text.encode("utf-8", "replace").decode()


def _from_markdown(text: str) -> Iterator[Turn]:
    _, comment_start, document = text.rpartition(_COMMENT_START)
    if not comment_start:
        raise UsageError("this markdown file was not exported by cellmage")
    return _from_json(document.strip().removesuffix("-->"))


# Notebooks.


def to_notebook(turns: Sequence[Turn]) -> str:
    """Return a notebook that asks the same questions, with the answers as its outputs."""
    cells = [_code_cell("load", "%load_ext cellmage", [], {})]
    for number, turn in enumerate(turns, 1):
        text = _replace_surrogates(turn.response.text)
        output = {
            "output_type": "display_data",
            "data": answer_bundle(text, turn.response.incomplete_reason is None),
            "metadata": {"cellmage": {"id": turn.response.id, "prompt": turn.prompt}},
        }
        source = f"%%llm\n{_replace_surrogates(turn.prompt)}"
        metadata = {"turn": turn_to_record(turn)}
        cells.append(_code_cell(f"turn-{number}", source, [output], metadata))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def _code_cell(cell_id: str, source: str, outputs: list[Any], metadata: Metadata) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "execution_count": None,
        "metadata": {"cellmage": metadata} if metadata else {},
        "source": source,
        "outputs": outputs,
    }


def _from_notebook(text: str) -> Iterator[Turn]:
    turns: list[Turn] = []
    for turn, continues_id in _read_cells(parse_json(text)["cells"]):
        index = _index_of(turns, continues_id)
        if index is None:
            turns.append(turn)
        else:
            turns[index] = turn.continue_from(turns[index])
    return iter(turns)


def _index_of(turns: Sequence[Turn], response_id: str) -> int | None:
    indexes = (i for i, turn in enumerate(turns) if response_id and turn.response.id == response_id)
    return next(indexes, None)


def _read_cells(cells: list[Any]) -> Iterator[tuple[Turn, str]]:
    """Yield each turn, with the id of the response that it continues."""
    for cell in cells:
        record = cell.get("metadata", {}).get("cellmage", {}).get("turn")
        if record:
            yield turn_from_record(record), ""
        elif cell["cell_type"] == "code":
            yield from _read_outputs(cell)


def _read_outputs(cell: Mapping[str, Any]) -> Iterator[tuple[Turn, str]]:
    """Yield the turns of a cell as the magics leave it; its outputs are the answers."""
    source = _join_lines(cell["source"])
    question = source.partition("\n")[2] if source.lstrip().startswith("%%llm") else source
    answers: dict[str, tuple[str, Metadata]] = {}
    for output in cell["outputs"]:
        metadata = output.get("metadata", {}).get("cellmage", {})
        if "id" in metadata and metadata.get("part") != "reasoning" and not metadata.get("again"):
            # An answer may have several outputs.
            text, previous = answers.get(metadata["id"], ("", {}))
            text += _join_lines(output["data"].get("text/plain", ""))
            answers[metadata["id"]] = (text, {**previous, **metadata})
    for index, (text, metadata) in enumerate(answers.values()):
        if text or metadata.get("steps"):
            ref = CellRef(cell["id"], index) if "id" in cell else None
            response = response_from_record(
                as_text(metadata.get("text", text)), _record_of(metadata)
            )
            prompt = as_text(metadata.get("prompt", question))
            turn = Turn(prompt, response, ref, system=as_text(metadata.get("system", "")))
            yield turn, as_text(metadata.get("continues", ""))


def _record_of(metadata: Metadata) -> Metadata:
    """Return the metadata of an output as the record of a response."""
    names = ("reasoning", "model", "provider", "finish_reason", "incomplete_reason", "id")
    record = {name: metadata.get(name) for name in (*names, "notices", "steps", "sources")}
    usage = metadata.get("usage") or {}
    counts = [usage.get(name) for name in ("input_tokens", "output_tokens", "cached_tokens")]
    record["usage"] = counts if any(counts) else None
    return {name: value for name, value in record.items() if value is not None}


def _join_lines(source: str | list[str]) -> str:
    """Return a text of a notebook's file, which may store it as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def read_cell_ids(path: Path) -> set[str]:
    """Return the ids of a notebook's cells; none if the file cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return set()
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return {cell["id"] for cell in cells if "id" in cell}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


class _Format(NamedTuple):
    write: Callable[[Sequence[Turn]], str]
    read: Callable[[str], Iterator[Turn]]


_FORMATS: Mapping[str, _Format] = {
    ".md": _Format(to_markdown, _from_markdown),
    ".json": _Format(to_json, _from_json),
    ".ipynb": _Format(to_notebook, _from_notebook),
}
