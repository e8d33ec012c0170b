"""The files of a folder that a user names by their name, and never by a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..text import spell_out


def find_files(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a folder that fit a pattern, sorted; none if the folder does not exist.

    A link that leads outside, a pipe or a device is left out; so is a file whose name can be taken
    for another one.
    """
    if folder.is_dir():
        resolved = folder.resolve()
        for path in sorted(folder.glob(pattern)):
            is_visible = path.name == spell_out(path.name)
            if is_visible and path.is_file() and path.resolve().parent == resolved:
                yield path
