"""Memory that the twin would share with its parent: files and memory that are mapped as shared.

A fork copies all other memory at the first write. These regions are mapped anew at the same place,
as private ones: what is written there stays in the twin.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_READ_WRITE = 0x1 | 0x2
_PRIVATE, _FIXED, _ANONYMOUS = 0x02, 0x10, 0x20
_FAILED = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class Region:
    """A region of memory.

    Args:
        start: its address.
        size: its bytes.
        offset: where it begins in its file.
        path: the file; empty if there is none any more.
    """

    start: int
    size: int
    offset: int
    path: str


def find_shared_regions(lines: str) -> Iterator[Region]:
    """Yield the regions that are shared and can be written.

    Args:
        lines: the text of ``/proc/self/maps``.

    Example:
        >>> list(find_shared_regions("10-30 rw-s 00000020 fe:00 7 /tmp/a b\\n40-50 rw-p 0 0:0 0"))
        [Region(start=16, size=32, offset=32, path='/tmp/a b')]
    """
    for line in lines.splitlines():
        region, rights, offset, _, _, *path = line.split(maxsplit=5)
        if rights[1] == "w" and rights[3] == "s":
            start, end = (int(number, 16) for number in region.split("-"))
            yield Region(start, end - start, int(offset, 16), path[0] if path else "")


def make_private() -> None:
    """Map all shared regions anew, as private ones.

    Raises:
        OSError: the system refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    for region in list(find_shared_regions(Path("/proc/self/maps").read_text())):
        descriptor = _open(region.path)
        if descriptor < 0:
            _copy(libc, region)
        else:
            _map(libc, region, _PRIVATE, descriptor)
            os.close(descriptor)


def _open(path: str) -> int:
    """Return a descriptor of a file, -1 if it is none, or is gone."""
    with suppress(OSError):
        if stat.S_ISREG(os.stat(path).st_mode):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return -1


def _copy(libc: ctypes.CDLL, region: Region) -> None:
    data = ctypes.string_at(region.start, region.size)
    _map(libc, region, _PRIVATE | _ANONYMOUS, -1)
    ctypes.memmove(region.start, data, region.size)


def _map(libc: ctypes.CDLL, region: Region, flags: int, descriptor: int) -> None:
    offset = max(descriptor >= 0 and region.offset, 0)
    address = libc.mmap(region.start, region.size, _READ_WRITE, flags | _FIXED, descriptor, offset)
    if address == _FAILED:
        raise OSError(ctypes.get_errno(), "a shared region of memory cannot be copied")
