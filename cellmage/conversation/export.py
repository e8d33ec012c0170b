"""Export turns to a file and import them: .md to read, .json for programs, .ipynb to run again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from ..foreign_files import parse_json, read_text_file
from ..json_fields import as_list, read_field
from ..part_records import read_blobs
from ..preview import answer_bundle
from ..serialization import turn_from_record, turn_to_record
from ..text import excerpt, spell_out, truncate
from ..turns import Turn
from .saved_notebooks import MAX_FILE_BYTES, read_turns

Metadata = Mapping[str, Any]

_FORMAT_VERSION = 1
"""The version of the JSON document; a later release may write a higher one."""

_MAX_CODE_CHARS = 300
"""The longest tool call, and the longest result, in markdown."""

_MAX_NAME_BYTES = 200
"""The longest file name; file systems have room for 255 bytes, with what they add."""

_COMMENT_START = "<!-- cellmage "
"""Begins the comment at the end of a markdown file that contains the turns as JSON."""

# Each of these has a meaning in a path, in a shell or in a URL.
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*%]')
# Names of devices on Windows, with any suffixes; "¹" is a digit there.
_RESERVED_NAME = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(?:\.|\Z)", re.IGNORECASE
)


def export_turns(turns: Sequence[Turn], folder: Path, name: str) -> Path:
    """Write turns to a new file, and return its path.

    Args:
        turns: the turns.
        folder: the folder of the file.
        name: the name of the file, without a folder; its suffix selects the format: ``.md``,
            ``.json`` or ``.ipynb``.

    Raises:
        UsageError: the name cannot be used, or such a file exists, or it would be too
            large. Nothing is written.

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
    if len(text.encode()) > MAX_FILE_BYTES:  # it could not be imported
        raise UsageError(
            f"{name} would have more than {MAX_FILE_BYTES // 2**20} MiB; "
            "drop turns with large images or files, and export again"
        )
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
    is_visible = name == spell_out(name)
    is_plain = not _NOT_IN_NAMES.search(name) and stem == stem.strip(" .~-")
    is_reserved = _RESERVED_NAME.match(stem)
    if not (is_visible and is_plain) or is_reserved or len(name.encode()) > _MAX_NAME_BYTES:
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
    except ValueError as error:  # a `UsageError` is one, too
        raise UsageError(f"{excerpt(path.name)}: {error}") from None


# JSON.


def to_json(turns: Sequence[Turn]) -> str:
    """Return a JSON document with a record of each turn."""
    blobs: dict[str, str] = {}
    records = [turn_to_record(turn, blobs) for turn in turns]
    document = {"cellmage": _FORMAT_VERSION, "turns": records, **_if_any(blobs)}
    return json.dumps(document, indent=1) + "\n"


def _if_any(blobs: Mapping[str, str]) -> dict[str, Any]:
    """Return a field with the bytes of images and files, if there are any."""
    return {"blobs": blobs} if blobs else {}


def _from_json(text: str) -> Iterator[Turn]:
    document = parse_json(text)
    version = document.get("cellmage") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise UsageError("this file was not exported by cellmage")
    if version > _FORMAT_VERSION:
        raise UsageError("this file is of a later release: pip install --upgrade cellmage")
    blobs = read_field(document, "blobs", read_blobs, "an object of base64", {})
    for number, record in enumerate(read_field(document, "turns", as_list, "a list"), 1):
        try:
            yield turn_from_record(record, blobs)
        except UsageError as error:
            raise UsageError(f"turn {number}: {error}") from None


# Markdown: a comment at the end contains the turns as JSON.


def to_markdown(turns: Sequence[Turn]) -> str:
    """Return markdown with questions as headings and quotes, and with answers as they are."""
    parts = []
    for number, turn in enumerate(turns, 1):
        quote = "\n".join(f"> {line}" for line in turn.question.splitlines())
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
    """Return a notebook that asks the same questions, with the answers as its outputs.

    Its cells have ids of their own, by which its turns are told from those of other notebooks.
    """
    ids = " ".join(turn.response.id for turn in turns)
    digest = sha256(ids.encode(errors="replace")).hexdigest()[:16]
    cells = [_code_cell(f"load-{digest}", "%load_ext cellmage", [], {})]
    for number, turn in enumerate(turns, 1):
        text = _replace_surrogates(turn.response.text)
        output = {
            "output_type": "display_data",
            "data": answer_bundle(text, turn.response.incomplete_reason is None),
            "metadata": {"cellmage": {"id": turn.response.id, "prompt": turn.prompt}},
        }
        source = f"%%llm\n{_replace_surrogates(turn.prompt)}"
        blobs: dict[str, str] = {}
        metadata = {"turn": turn_to_record(turn, blobs), **_if_any(blobs)}
        cells.append(_code_cell(f"turn-{number}-{digest}", source, [output], metadata))
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


class _Format(NamedTuple):
    write: Callable[[Sequence[Turn]], str]
    read: Callable[[str], Iterator[Turn]]


_FORMATS: Mapping[str, _Format] = {
    ".md": _Format(to_markdown, _from_markdown),
    ".json": _Format(to_json, _from_json),
    ".ipynb": _Format(to_notebook, read_turns),
}
