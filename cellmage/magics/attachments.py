"""Find what ``--attach`` names: a variable, a file, a pattern of files, or an address."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..describe import (
    Description,
    Level,
    catalogue,
    describe,
    describe_file,
    describe_path,
    download,
)
from ..errors import UsageError
from ..text import excerpt
from .lookup import IPYTHON_NAMES, nearest_variable
from .value_inputs import ValueInputs

Attached = tuple[str, Description]
"""The name of an attachment, and what is sent for it."""

_MAX_FILES = 100
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ALL_VARIABLES = "globals()"


def find_attached(
    names: Sequence[str],
    variables: Mapping[str, Any],
    level: Level,
    sees_documents: bool,
    values: ValueInputs,
) -> list[Attached]:
    """Return what is sent for each name; a variable comes before a file of its name.

    Args:
        names: the values of ``--attach``.
        variables: the variables of the user, by name.
        level: what may be sent of tables.
        sees_documents: True if each model that may be asked reads PDF documents.
        values: receives the fingerprint of each attachment.

    Raises:
        UsageError: a name names nothing, or a file or a page cannot be read.
    """
    files: set[str] = set()
    attached = []
    for name in dict.fromkeys(names):
        for label, source, description in _find(name, variables, level, sees_documents, files):
            values.add(label, source)
            attached.append((label, description))
    return attached


def _find(
    name: str,
    variables: Mapping[str, Any],
    level: Level,
    sees_documents: bool,
    files: set[str],
) -> list[tuple[str, Any, Description]]:
    """Return what a name stands for, each with what it was read from.

    `files` are those that are attached, each once.
    """
    value = variables.get(name)
    if isinstance(value, Path) and value.is_file():
        return [(name, value, describe_path(value, level, sees_documents))]
    if name in variables:
        return [(name, value, describe(value, level))]
    if name == _ALL_VARIABLES:
        own = {item: value for item, value in variables.items() if item not in IPYTHON_NAMES}
        return [("the names of the variables", "", catalogue(own))]
    if _ADDRESS.match(name):
        file = download(name)
        return [(name, file.data, describe_file(file, level, sees_documents))]
    paths = {os.path.realpath(path): path for path in _paths(name, variables)}
    new = [path for real, path in paths.items() if real not in files]
    files.update(paths)
    return [(str(path), path, describe_path(path, level, sees_documents)) for path in new]


def _paths(name: str, variables: Mapping[str, Any]) -> list[Path]:
    """Return the file of a name, or the files that fit a pattern."""
    path = Path(os.path.expanduser(name))
    if name and _exists(path):
        return [path]
    result = (Path(item) for item in glob.iglob(str(path), recursive=True))
    files = sorted(islice((item for item in result if item.is_file()), _MAX_FILES + 1))
    if len(files) > _MAX_FILES:
        raise UsageError(f"--attach {excerpt(name)}: more than {_MAX_FILES} files fit; name fewer")
    if not files:
        nearest = nearest_variable(name, variables, lambda value: True)
        raise UsageError(
            f"--attach {excerpt(name)}: there is no variable and no file of this name; "
            f"{nearest or 'paths begin where the kernel runs'}"
        )
    return files


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a null byte
        return False
