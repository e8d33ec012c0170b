"""Linux's Landlock: the system itself refuses what Python's audit hooks cannot see.

Libraries in C or Rust open files on their own: `polars.write_csv`, `pyarrow.parquet`. Any process
may give up its own rights in this way. See ``man 7 landlock``.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_NO_NEW_PRIVILEGES = 38
_BENEATH = 1

# Bits of access to files, by the version that has them: all but executing and reading.
_WRITING = (1 << 1) | sum(1 << bit for bit in range(4, 13))
_REFERRING, _TRUNCATING = 1 << 13, 1 << 14
_OPENING = 1 << 1
_MAKING = _OPENING | (1 << 5) | (1 << 8)
_SEMAPHORES = "/dev/shm"
"""Where glibc makes the locks of `multiprocessing`, which pools of threads have, too."""

_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def restrict(folder: str) -> bool:
    """Forbid to write files but below a folder, TCP, and signals to others; for ever.

    Args:
        folder: where files may be written.

    Returns:
        Whether the system can do it.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    files = _WRITING | (_REFERRING if version >= 2 else 0) | (_TRUNCATING if version >= 3 else 0)
    rights = struct.pack(
        "=QQQ",
        files,
        _TCP if version >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    ruleset = libc.syscall(_CREATE_RULESET, rights, ctypes.c_size_t(_size(version)), 0)
    if ruleset < 0:
        return False
    for path, access in ((folder, files), (os.devnull, _OPENING), (_SEMAPHORES, _MAKING)):
        _permit(libc, ruleset, path, files & access)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    is_done: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return is_done


def _size(version: int) -> int:
    """Return the length of the structure that this version knows."""
    return 24 if version >= 6 else 16 if version >= 4 else 8


def _permit(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    if not os.path.exists(path):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    rule = struct.pack("=Qi", access, descriptor)
    libc.syscall(_ADD_RULE, ruleset, _BENEATH, rule, 0)
    os.close(descriptor)
