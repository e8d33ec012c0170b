"""The twin's own descriptors: a fork shares the offsets of files, and all sockets, with its parent.

==================  ===================================================
descriptor          in the twin
==================  ===================================================
the pipe            stays
0, 1, 2             nothing, and two pipes to the parent
a regular file      opened anew at the same offset, for reading
a harmless device   stays, such as /dev/urandom
all others          nothing: sockets, pipes, terminals, epoll, folders
==================  ===================================================
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable

_FOLDER = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def replace_descriptors(stdout: int, stderr: int, exempt: Iterable[int]) -> None:
    """Replace all descriptors but the exempt ones.

    Args:
        stdout: what becomes descriptor 1.
        stderr: what becomes descriptor 2.
        exempt: the descriptors that stay.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    reserved = {0, 1, 2, nothing, stdout, stderr, *exempt}
    for number in [int(name) for name in os.listdir(_FOLDER)]:
        if number not in reserved:
            _replace(number, nothing)
    for number, source in enumerate((nothing, stdout, stderr)):
        os.dup2(source, number, inheritable=True)
    for number in (nothing, stdout, stderr):
        os.close(number)


def _replace(number: int, nothing: int) -> None:
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        return  # it was the listing's own
    if stat.S_ISCHR(mode) and os.readlink(f"{_FOLDER}/{number}") in _DEVICES:
        return
    new = _open_anew(number) if stat.S_ISREG(mode) else -1
    os.dup2(nothing if new < 0 else new, number, inheritable=False)
    if new >= 0:
        os.close(new)


def _open_anew(number: int) -> int:
    """Return a descriptor of the same file with an offset of its own; -1 if there can be none."""
    try:
        offset = os.lseek(number, 0, os.SEEK_CUR)
        new = os.open(_path_of(number), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
    os.lseek(new, offset, os.SEEK_SET)
    return new


def _path_of(number: int) -> str:
    """Return a path that opens the file of a descriptor anew."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - there is none on Windows

        return os.fsdecode(fcntl.fcntl(number, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return f"{_FOLDER}/{number}"
