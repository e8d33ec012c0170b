"""SQLite's file format, as far as rows can be read from it without SQLite.

SQLite stops at the first page that is damaged. Here each page is read alone, so the rows of all the
others are found. See https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Value = None | int | float | str | bytes

TABLE_LEAF, INDEX_LEAF = 0x0D, 0x0A
_DEFAULT_PAGE_SIZE = 4096
_PAGE_SIZES = {2**power for power in range(9, 17)}
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)
_WAL_HEADER, _FRAME_HEADER = 32, 24


class DamagedPageError(Exception):
    """What is in the page is not what SQLite writes there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, or of an index.

    Args:
        rowid: the id of the row; 0 in an index.
        values: its columns.
    """

    rowid: int
    values: tuple[Value, ...]


@dataclass(slots=True)
class Pages:
    """The pages of a file, by their numbers from 1.

    Args:
        size: the bytes of a page.
        pages: the bytes of each.
    """

    size: int
    pages: dict[int, bytes] = field(default_factory=dict)

    def rows(self, kind: int, numbers: Iterable[int]) -> Iterator[Row]:
        """Yield the rows of all leaves of one kind that can be read.

        Args:
            kind: `TABLE_LEAF` or `INDEX_LEAF`.
            numbers: of the pages to look at.
        """
        for number in numbers:
            page = self.pages[number]
            start = 100 if number == 1 else 0
            if len(page) < self.size or page[start] != kind:
                continue
            (count,) = struct.unpack_from(">H", page, start + 3)
            for pointer in range(start + 8, min(start + 8 + 2 * count, self.size - 1), 2):
                try:
                    yield self._row(page, struct.unpack_from(">H", page, pointer)[0], kind)
                except (DamagedPageError, IndexError, struct.error, UnicodeDecodeError):
                    continue

    def free(self) -> set[int]:
        """Return the numbers of the pages that are in no table any more."""
        free: set[int] = set()
        header = self.pages.get(1, b"")
        trunk = int.from_bytes(header[32:36], "big")
        while trunk in self.pages and trunk not in free:
            page = self.pages[trunk]
            count = int.from_bytes(page[4:8], "big")
            if 8 + 4 * count > len(page):
                break
            free |= {trunk, *struct.unpack_from(f">{count}I", page, 8)}
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _row(self, page: bytes, offset: int, kind: int) -> Row:
        size, offset = _varint(page, offset)
        rowid = 0
        if kind == TABLE_LEAF:
            rowid, offset = _varint(page, offset)
        return Row(rowid, tuple(_values(self._payload(page, offset, size, kind))))

    def _payload(self, page: bytes, offset: int, size: int, kind: int) -> bytes:
        """Return the bytes of a row; what is too long for its page is in others."""
        largest = self.size - 35 if kind == TABLE_LEAF else (self.size - 12) * 64 // 255 - 23
        if size <= largest:
            return _take(page, offset, size)
        smallest = (self.size - 12) * 32 // 255 - 23
        local = smallest + (size - smallest) % (self.size - 4)
        local = local if local <= largest else smallest
        pieces, rest = [_take(page, offset, local)], size - local
        (number,) = struct.unpack_from(">I", page, offset + local)
        while rest > 0:
            page = self.pages.get(number, b"")
            pieces.append(_take(page, 4, min(rest, self.size - 4)))
            rest -= len(pieces[-1])
            (number,) = struct.unpack_from(">I", page)
        return b"".join(pieces)


def read_pages(path: Path) -> tuple[Pages, Mapping[int, bytes]]:
    """Return the pages of a database, and the newer ones that are still in its journal."""
    data = path.read_bytes()
    wal_path = path.with_name(path.name + "-wal")
    wal = wal_path.read_bytes() if wal_path.exists() else b""
    sizes = [int.from_bytes(data[16:18], "big"), int.from_bytes(wal[8:12], "big")]
    size = next((size for size in sizes if size in _PAGE_SIZES), _DEFAULT_PAGE_SIZE)
    pages = (data[start : start + size] for start in range(0, len(data), size))
    return Pages(size, dict(enumerate(pages, 1))), _wal_pages(wal, size)


def _wal_pages(wal: bytes, size: int) -> Mapping[int, bytes]:
    """Return the pages of the transactions that are complete in a write-ahead log."""
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    salts = wal[16:24]
    for start in range(_WAL_HEADER, len(wal), _FRAME_HEADER + size):
        frame = wal[start : start + _FRAME_HEADER + size]
        if len(frame) < _FRAME_HEADER + size or frame[8:16] != salts:
            break
        number, size_after_commit = struct.unpack_from(">II", frame)
        pending[number] = frame[_FRAME_HEADER:]
        if size_after_commit:
            committed |= pending
            pending = {}
    return committed


def _take(data: bytes, offset: int, size: int) -> bytes:
    if size < 0 or offset + size > len(data):
        raise DamagedPageError("a row ends outside of its page")
    return data[offset : offset + size]


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a number, and the offset behind it."""
    value = 0
    for index in range(8):
        byte = data[offset + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + index + 1
    value = value << 8 | data[offset + 8]
    return (value - 2**64 if value >= 2**63 else value), offset + 9


def _values(payload: bytes) -> Iterator[Value]:
    header_size, offset = _varint(payload, 0)
    body = header_size
    while offset < header_size:
        kind, offset = _varint(payload, offset)
        size = _size_of(kind)
        yield _value(kind, _take(payload, body, size))
        body += size


def _size_of(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return _INTEGER_SIZES[kind] if kind < 7 else 8 * (kind == 7)


def _value(kind: int, data: bytes) -> Value:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    constants = {0: None, 8: 0, 9: 1}
    return constants[kind] if kind in constants else int.from_bytes(data, "big", signed=True)
