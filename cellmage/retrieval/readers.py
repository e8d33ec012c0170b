"""Read a file as a document, by the end of its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..foreign_files import read_regular_file
from ..text import excerpt
from .decoding import decode
from .documents import MAX_FILE_BYTES, DocumentText, Section, UnreadableError
from .html_text import find_encoding, read_html
from .notebook_text import read_notebook

_TITLE_CHARS = 4_000
"""The beginning of a file, where its title is looked for."""

_MAX_TITLE_CHARS = 200
"""A title is indexed with each passage."""

_HEADING = re.compile(r"^(?:#++\s++(\S.*)|=++[ \t]*+(\S.*=)[ \t]*+)$", re.MULTILINE)
_DOCSTRING = re.compile(r'\A(?:#[^\n]*\n|\s)*[rRuU]?(?:"""|\'\'\'|"|\')\s*([^\n"]+)')
# A picture in the text of markdown or of code.
_DATA_URL = re.compile(r"(data:[\w/+.-]+;base64,)[A-Za-z0-9+/=]{100,}")


def read_document(path: str) -> DocumentText:
    """Return the text of a file.

    Args:
        path: the file.

    Raises:
        UnreadableError: it cannot be read, or is not a text.
    """
    suffix = Path(path).suffix.lower()
    try:
        data = read_regular_file(Path(path), MAX_FILE_BYTES)
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__) from None
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    return read_data(data, suffix)


def read_data(data: bytes, suffix: str) -> DocumentText:
    """Return the text of the bytes of a file.

    Args:
        data: the bytes.
        suffix: the end of the file's name in lower case, such as ``".html"``.

    Raises:
        UnreadableError: they are no text.
    """
    text = decode(data, find_encoding(data) if suffix in (".html", ".htm") else "")
    if ";base64," in text:
        text = _DATA_URL.sub(r"\1…", text)
    try:
        document = _READERS.get(suffix, _read_text)(text)
    except (ValueError, LookupError, RecursionError) as error:
        raise UnreadableError(f"it cannot be read: {excerpt(str(error))}") from None
    sections = [section._replace(text=_replace_surrogates(section.text)) for section in document[1]]
    return DocumentText(_replace_surrogates(document.title[:_MAX_TITLE_CHARS]).strip(), sections)


def _replace_surrogates(text: str) -> str:
    """Return a text that UTF-8 can encode: the escapes of JSON and some encodings make others."""
    return text.encode("utf-8", "replace").decode()


def _read_text(text: str) -> DocumentText:
    return _document(text, _HEADING)


def _read_python(text: str) -> DocumentText:
    return _document(text, _DOCSTRING)


def _document(text: str, title: re.Pattern[str]) -> DocumentText:
    match = title.search(text[:_TITLE_CHARS])
    groups = match.groups() if match else ()
    return DocumentText(next(filter(None, groups), "").rstrip("= \t"), [Section(text, 1)])


_READERS: Mapping[str, Callable[[str], DocumentText]] = {
    ".py": _read_python,
    ".ipynb": read_notebook,
    ".html": read_html,
    ".htm": read_html,
}
