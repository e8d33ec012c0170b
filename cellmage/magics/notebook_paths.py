"""Paths of notebooks and folders, as the file system and the store know them."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

_BYTES = "bytes:"
"""Begins a stored path that is not UTF-8; other paths are absolute, so none begins with it."""


def working_folder() -> Path:
    """Return the working folder; if it was deleted, a path of its own that does not exist.

    So nothing is written elsewhere, and two deleted folders do not share their turns.
    """
    try:
        return Path.cwd()
    except OSError:
        return Path(os.path.abspath(os.sep), f"deleted-folder-{uuid4().hex}")


def resolve_path(path: str | Path) -> Path:
    """Return the absolute path of a file, which need not exist; a link is the file it leads to."""
    absolute = working_folder() / path
    try:
        return Path(os.path.realpath(absolute))
    except (OSError, ValueError):
        return absolute


def path_text(path: Path) -> str:
    """Return a path as text that SQLite and UTF-8 can hold; each path has a text of its own.

    Example:
        >>> path_text(Path("/notes/a.ipynb")), path_from_text("/notes/a.ipynb").name
        ('/notes/a.ipynb', 'a.ipynb')
    """
    data = os.fsencode(path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _BYTES + data.hex()


def path_from_text(text: str) -> Path:
    """Return the path of `path_text`."""
    if text.startswith(_BYTES):
        return Path(os.fsdecode(bytes.fromhex(text.removeprefix(_BYTES))))
    return Path(text)
