"""The files that an index reads, and those that it leaves out."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..text import excerpt, spell_out
from .decoding import decode
from .documents import MAX_FILE_BYTES, UnreadableError

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


HIDDEN, EMPTY, BINARY = "hidden", "empty", "binary"
"""The types of skipped files that are no suffix."""

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "venv"})
_SAMPLE_BYTES = 4_000
_MAX_DEPTH = 100
_MAX_TYPE_CHARS = 20


class FileList(NamedTuple):
    """The files below some folders.

    Args:
        stamps: the files to index: their paths, each with a text that changes with the file.
        left_out: the files of the same kinds that cannot be indexed: their paths, with the reason.
        skipped: the number of other files, by their type.
    """

    stamps: dict[str, str]
    left_out: dict[str, str]
    skipped: Counter[str]


def find_files(roots: Sequence[Path]) -> FileList:
    """Return the files that can be indexed, and those that are left out.

    Args:
        roots: files, and folders that are searched recursively.
    """
    files = FileList({}, {}, Counter())
    for root in roots:
        if root.is_symlink() and not root.resolve().is_relative_to(root.parent.resolve()):
            files.left_out[str(root)] = f"a link out of its folder; name {root.resolve()} itself"
            continue
        for path in [str(root)] if root.is_file() else _walk(root, files):
            _add(path, files)
    return files


def _type_to_skip(path: str) -> str:
    """Return the type of a file that is not read; empty if it is."""
    name, suffix = os.path.basename(path), Path(path).suffix.lower()
    if name.startswith("."):
        return HIDDEN if suffix else name
    if os.path.getsize(path) == 0:
        return EMPTY
    is_read = suffix in SUFFIXES if suffix else _is_text(path)
    return "" if is_read else suffix or BINARY


def _is_text(path: str) -> bool:
    """Return whether a file without a suffix, such as README or Makefile, begins with a text."""
    try:
        with open(path, "rb") as file:
            decode(file.read(_SAMPLE_BYTES))
    except UnreadableError:
        return False
    except OSError:
        return True  # the error is in the line of files that cannot be read
    return True


def _add(path: str, files: FileList) -> None:
    """Add a file to one of the lists; it may have vanished since its folder was read."""
    try:
        path.encode()
        status = os.stat(path)
        skipped = _type_to_skip(path)
    except UnicodeEncodeError:
        files.left_out[path] = "its name is not UTF-8"
        return
    except OSError as error:
        files.left_out[path] = error.strerror or type(error).__name__
        return
    if skipped:
        files.skipped[skipped] += 1
    elif status.st_size > MAX_FILE_BYTES:
        size = status.st_size / 2**20
        files.left_out[path] = f"{size:.1f} MiB, at most {MAX_FILE_BYTES // 2**20} MiB"
    else:
        files.stamps[path] = f"{status.st_mtime_ns} {status.st_size}"


def _walk(root: Path, files: FileList) -> Iterator[str]:
    """Yield the files in a folder, without hidden folders, installed packages and links."""

    def leave_out(error: OSError) -> None:
        files.left_out[str(error.filename)] = error.strerror or type(error).__name__

    for folder, subfolders, names in os.walk(root, onerror=leave_out):
        subfolders[:] = [
            name for name in subfolders if not name.startswith(".") and name not in _SKIPPED_FOLDERS
        ]
        if subfolders and folder.count(os.sep) - str(root).count(os.sep) >= _MAX_DEPTH:
            subfolders.clear()
            files.left_out[folder] = f"more than {_MAX_DEPTH} folders deep"
        yield from filter(_is_regular, (os.path.join(folder, name) for name in names))


def _is_regular(path: str) -> bool:
    """Return whether a path is a file, and no link, pipe or device; a vanished one was one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return True


def describe_left_out(left_out: dict[str, str], limit: int = 3) -> str:
    """Return a line about the files that were left out; empty if none was.

    Args:
        left_out: their paths, with the reasons.
        limit: the number of files that are named.

    Example:
        >>> describe_left_out({"a/b.log": "binary", "c.md": "Permission denied"}, limit=1)
        'Left out: b.log (binary), and 1 more.'
    """
    first_files = list(left_out.items())[:limit]
    parts = [f"{excerpt(spell_out(Path(path).name))} ({reason})" for path, reason in first_files]
    if len(left_out) > limit:
        parts.append(f"and {len(left_out) - limit} more")
    return f"Left out: {', '.join(parts)}." if parts else ""


def describe_skipped(skipped: Mapping[str, int], limit: int = 5) -> str:
    """Return a line about the files that are not read for their type; empty if there is none.

    Args:
        skipped: the number of files by type.
        limit: the number of types that are named.

    Example:
        >>> describe_skipped({".png": 2, ".pdf": 3, "empty": 1}, limit=2)
        'Left out: 3 .pdf, 2 .png, 1 of other types (these types are not read).'
    """
    counts = Counter(skipped)
    parts = [f"{count} {_printable(name)}" for name, count in counts.most_common(limit)]
    if others := counts.total() - sum(count for _, count in counts.most_common(limit)):
        parts.append(f"{others} of other types")
    return f"Left out: {', '.join(parts)} (these types are not read)." if parts else ""


def _printable(name: str) -> str:
    return name[:_MAX_TYPE_CHARS] if name.isprintable() else "of a strange type"
