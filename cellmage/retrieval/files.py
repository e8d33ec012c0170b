"""The files that an index reads, and those that it leaves out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (
    ".md",
    ".txt",
    ".rst",
    ".py",
    ".ipynb",
    ".html",
    ".htm",
    ".csv",
    ".json",
    ".tex",
    ".log",
)
"""The files that are indexed, by the ends of their names."""

MAX_FILE_BYTES = 4 * 2**20
"""Larger files are left out."""


class FileList(NamedTuple):
    """The files below some folders.

    Args:
        stamps: the files to index: their paths, each with a text that changes with the file.
        left_out: the files of the same kinds that cannot be indexed: their paths, with the reason.
    """

    stamps: dict[str, str]
    left_out: dict[str, str]


def find_files(roots: Sequence[Path]) -> FileList:
    """Return the files that can be indexed, and those that are left out.

    Args:
        roots: files, and folders that are searched recursively.
    """
    files = FileList({}, {})
    for root in roots:
        for path in [str(root)] if root.is_file() else _walk(root):
            if path.lower().endswith(SUFFIXES):
                _add(path, files)
    return files


def _add(path: str, files: FileList) -> None:
    status = os.stat(path)
    if status.st_size > MAX_FILE_BYTES:
        size = status.st_size / 2**20
        files.left_out[path] = f"{size:.1f} MiB, at most {MAX_FILE_BYTES // 2**20} MiB"
    elif status.st_size:
        files.stamps[path] = f"{status.st_mtime_ns} {status.st_size}"


def _walk(root: Path) -> Iterator[str]:
    """Yield the files in a folder, without hidden files and without links."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "__pycache__"))]
        paths = (os.path.join(folder, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if stat.S_ISREG(os.lstat(path).st_mode))


def describe_left_out(left_out: dict[str, str], limit: int = 3) -> str:
    """Return a line about the files that were left out; empty if none was.

    Args:
        left_out: their paths, with the reasons.
        limit: the number of files that are named.

    Example:
        >>> describe_left_out({"a/b.log": "binary", "c.md": "Permission denied"}, limit=1)
        'Left out: b.log (binary), and 1 more.'
    """
    parts = [f"{Path(path).name} ({reason})" for path, reason in list(left_out.items())[:limit]]
    if len(left_out) > limit:
        parts.append(f"and {len(left_out) - limit} more")
    return f"Left out: {', '.join(parts)}." if parts else ""
