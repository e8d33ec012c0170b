"""Describe files by what they are: tables, notebooks, pages, images, PDF documents, text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from ..content import File, Image
from ..errors import UsageError
from ..file_headers import is_pdf, read_image
from ..foreign_files import parse_json, read_file
from ..retrieval.readers import read_data
from ..runtime.time_limit import run_within
from ..text import excerpt, spell_out
from .description import Description, Level, bound
from .exceptions import safe_message
from .registry import LIBRARY_SECONDS, describe_here, register_slow
from .table_files import read_table

MAX_BYTES = 20 * 2**20
"""The largest file or page that is read."""

MAX_CHARS = 200_000
"""The longest text of a file."""

_MORE = "{{ open(path).read()[a:b] }} sends another part"


class FileData(NamedTuple):
    """The bytes of a file.

    Args:
        name: its name, without folders.
        data: its bytes.
        suffix: the end of its name in lower case, such as ``".csv"``.
    """

    name: str
    data: bytes
    suffix: str


def describe_path(path: Path, level: Level, reads_pdf: bool = False) -> Description:
    """Return what is sent for a file.

    Args:
        path: the file.
        level: what may be sent of tables, and of the outputs of notebooks.
        reads_pdf: True if the model reads PDF documents.

    Raises:
        UsageError: it cannot be read, is larger than 20 MB, or needs a library.
    """
    path = path.expanduser()
    if path.is_dir():
        raise UsageError(f"{excerpt(spell_out(str(path)))} is a folder; name files: '{path}/*.py'")
    data = read_file(path, MAX_BYTES)
    return describe_file(FileData(path.name, data, path.suffix.lower()), level, reads_pdf)


def describe_file(file: FileData, level: Level, reads_pdf: bool = False) -> Description:
    """Return what is sent for the bytes of a file: see `describe_path`."""
    try:
        return run_within(LIBRARY_SECONDS, lambda: _describe(file, level, reads_pdf))
    except TimeoutError as error:
        raise UsageError(f"{excerpt(spell_out(file.name))}: reading it failed: {error}") from None


def _describe(file: FileData, level: Level, reads_pdf: bool) -> Description:
    if read_image(file.data) is not None:
        image = Image(file.data)
        return Description((image,), f"1 image, {image.describe()}")
    if is_pdf(file.data):
        return _describe_document(file) if reads_pdf else _describe_pdf_text(file)
    reader = _READERS.get(file.suffix, _describe_text)
    try:
        return reader(file, level)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises anything
        problem = safe_message(error)
        raise UsageError(f"{excerpt(spell_out(file.name))}: it cannot be read: {problem}") from None


def _describe_table(file: FileData, level: Level) -> Description:
    table = read_table(file.name, file.data, file.suffix)
    return describe_here(table, level)


def _describe_notebook(file: FileData, level: Level) -> Description:
    """The cells of a notebook; what they have printed at `rows`, since it may be data."""
    data = file.data
    if level != "rows":
        notebook = parse_json(data.decode("utf-8-sig"))
        cells = notebook.get("cells", []) if isinstance(notebook, dict) else []
        for cell in cells:
            cell.pop("outputs", None)
        data = json.dumps(notebook).encode()
    sections = [section.text for section in read_data(data, ".ipynb").sections]
    description = _fence(file, "\n\n".join(sections), "python")
    outputs = "" if level == "rows" else "outputs left out; level `rows` sends them"
    left_out = "; ".join(filter(None, [description.left_out, outputs]))
    return Description(description.parts, description.counts, left_out)


def _describe_text(file: FileData, level: Level) -> Description:
    sections = read_data(file.data, file.suffix).sections
    text = "\n\n".join(section.text for section in sections)
    return _fence(file, text, file.suffix.removeprefix("."))


def _fence(file: FileData, text: str, language: str) -> Description:
    """Return a text in a fence that nothing in it ends."""
    description = bound(text, MAX_CHARS, _MORE)
    runs = re.findall("`{3,}", description.text)
    fence = "`" * (max(map(len, runs), default=2) + 1)
    body = f"{fence}{language}\n{description.text}\n{fence}"
    return Description((body,), description.counts, description.left_out)


def _describe_document(file: FileData) -> Description:
    document = File(file.data, file.name)
    return Description((document,), f"the document itself, {document.describe()}")


def _describe_pdf_text(file: FileData) -> Description:
    """The text of a PDF, with a mark for each page."""
    try:
        pypdf = import_module("pypdf")
    except ImportError:
        raise UsageError(
            f"{excerpt(spell_out(file.name))}: the model is not known to read PDF documents, and "
            "their text needs a library: pip install 'cellmage[pdf]'"
        ) from None
    try:
        pages = pypdf.PdfReader(BytesIO(file.data)).pages
        texts = [f"[page {number}]\n{page.extract_text()}" for number, page in enumerate(pages, 1)]
    except Exception:  # noqa: BLE001 - a damaged file raises anything
        raise UsageError(
            f"{excerpt(spell_out(file.name))}: its text cannot be read; is it damaged or encrypted?"
        ) from None
    described = bound("\n".join(texts), MAX_CHARS, _MORE)
    counts = f"its text, {described.counts} of {len(texts)} pages"
    return Description(described.parts, counts, described.left_out)


_READERS: Mapping[str, Callable[[FileData, Level], Description]] = {
    **dict.fromkeys((".csv", ".tsv", ".parquet"), _describe_table),
    ".ipynb": _describe_notebook,
}


def _describe_path_value(value: Any, level: Level) -> Description:
    """Describe the file of a path; without a file, the text of the path."""
    path = Path(os.fspath(value))
    return describe_path(path, level) if path.is_file() else Description((str(value),))


register_slow(PurePath, _describe_path_value)
