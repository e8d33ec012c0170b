"""Snippets: texts in files, with holes ``{{ name }}`` that values fill.

A hole has a name and no expression: files are shared, and a text of somebody else must not run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..content import Part
from ..errors import UsageError
from ..foreign_files import read_text_file
from ..text import excerpt, truncate
from .named_files import find_files

MAX_BYTES = 2**20
"""The largest file of a snippet, and of the rules of a folder."""

RULES_NAME = "AGENTS.md"

_MAX_NAMES_CHARS = 500
_HOLE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")
_PATH_SIGNS = ("/", ".", "~")
"""The beginnings of a path that the user types in place of a name."""

Insert = Callable[[str, Any], Sequence[Part]]
"""A function that returns what is sent for a name and its value."""


def find_snippets(folders: Sequence[Path]) -> Mapping[str, Path]:
    """Return the files of all snippets by name, with and without the suffix.

    The first folder that has a name wins; of files with one stem, the ``.md`` file.

    Args:
        folders: where to look.
    """
    paths: dict[str, Path] = {}
    for folder in folders:
        files = [path for path in find_files(folder, "*") if not path.name.startswith(".")]
        for path in files:
            paths.setdefault(path.name, path)
        for path in sorted(files, key=lambda path: path.suffix != ".md"):
            paths.setdefault(path.stem, path)
    return paths


def read_snippet(name: str, folders: Sequence[Path]) -> str:
    """Return the text of a snippet.

    Args:
        name: the name of its file, with or without its suffix; or a path that begins with ``/``,
            ``.`` or ``~``.
        folders: where to look for a name.

    Raises:
        UsageError: there is none of this name, or its file cannot be read.
    """
    if name.startswith(_PATH_SIGNS):
        return read_text_file(Path(os.path.expanduser(name)), MAX_BYTES)
    paths = find_snippets(folders)
    if name not in paths:
        names = truncate(", ".join(snippet_names(folders)), _MAX_NAMES_CHARS)
        places = f"there are {names}" if names else "put a file of this name into llm_snippets/"
        raise UsageError(f"there is no snippet {excerpt(name)!r}; {places}")
    return read_text_file(paths[name], MAX_BYTES)


def snippet_names(folders: Sequence[Path]) -> list[str]:
    """Return one name for each snippet, the shortest that finds it, sorted."""
    names: dict[Path, str] = {}
    for name, path in sorted(find_snippets(folders).items(), key=lambda pair: len(pair[0])):
        names.setdefault(path, name)
    return sorted(names.values())


def hole_names(text: str) -> list[str]:
    """Return the names of the holes of a snippet, each once, in order.

    Example:
        >>> hole_names("Dear {{ name }}, {{ 1 + 1 }}, {{name}}")
        ['name']
    """
    return list(dict.fromkeys(_HOLE.findall(text)))


def fill(name: str, text: str, values: Mapping[str, Any], insert: Insert) -> list[Part]:
    """Return a snippet with values in its holes; nothing in a value is replaced again.

    Args:
        name: the name of the snippet, for an error.
        text: the snippet.
        values: the values of holes, by name.
        insert: returns what is sent for a value.

    Raises:
        UsageError: a hole has no value.

    Example:
        >>> fill("s", "Hi {{ who }}, {{ 1 + 1 }}", {"who": "{{ a }}"}, lambda _, value: [value])
        ['Hi ', '{{ a }}', ', {{ 1 + 1 }}']
    """
    if missing := [hole for hole in hole_names(text) if hole not in values]:
        raise UsageError(
            f"snippet {excerpt(name)!r}: {{{{ {excerpt(missing[0])} }}}} has no value; give "
            f"--set {excerpt(missing[0])}=VALUE, or set a variable of this name"
        )
    parts: list[Part] = []
    for index, piece in enumerate(_HOLE.split(text)):
        parts += insert(piece, values[piece]) if index % 2 else [piece]
    return parts


def read_rules(folder: Path) -> str:
    """Return the text of a folder's rules for models; empty if it has none.

    Raises:
        UsageError: the file cannot be read.
    """
    path = folder / RULES_NAME
    return read_text_file(path, MAX_BYTES).strip() if path.exists() else ""
