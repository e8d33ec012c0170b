"""Read what a file says about itself in its first bytes: the type and size of an image. Pure.

Sources: PNG (RFC 2083, 11.2), JPEG (ITU T.81, B.2), GIF89a (18), WebP (RFC 9649, 2), PDF (ISO
32000-1, 7.5 and 7.7).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from struct import error as StructError
from struct import unpack_from
from typing import NamedTuple

Size = tuple[int, int]
"""Width and height in pixels; zeros where the header is cut."""


class ImageType(NamedTuple):
    """A type of images.

    Args:
        media_type: its name in requests.
        start: what its files begin with.
        read_size: returns the size from the bytes of a file.
    """

    media_type: str
    start: re.Pattern[bytes]
    read_size: Callable[[bytes], Size]


def _png_size(data: bytes) -> Size:
    width, height = unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> Size:
    width, height = unpack_from("<HH", data, 6)
    return width, height


# A frame's header (SOF), but for the codes between them that are other segments.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MAX_JPEG_SEGMENTS = 10_000
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def _jpeg_size(data: bytes) -> Size:
    offset = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        if data[offset] != 0xFF:
            break
        marker = data[offset + 1]
        if marker in _JPEG_FRAMES:
            height, width = unpack_from(">HH", data, offset + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            offset += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            offset += 2
        else:
            offset += 2 + int(unpack_from(">H", data, offset + 2)[0])
    return 0, 0


def _webp_size(data: bytes) -> Size:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int(unpack_from("<I", data, 21)[0])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


_IMAGE_TYPES = (
    ImageType("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), _png_size),
    ImageType("image/jpeg", re.compile(rb"\xff\xd8\xff"), _jpeg_size),
    ImageType("image/gif", re.compile(rb"GIF8[79]a"), _gif_size),
    ImageType("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp_size),
)

IMAGE_NAMES: Mapping[str, str] = {
    image.media_type: image.media_type.partition("/")[2].upper().replace("WEBP", "WebP")
    for image in _IMAGE_TYPES
}
"""The names of the types of images that models read, by their media types."""


def read_image(data: bytes) -> tuple[str, Size] | None:
    """Return the media type and the size of an image; None if models cannot read it.

    Example:
        >>> read_image(b"GIF89a" + bytes([64, 1, 240, 0]) + b"...")
        ('image/gif', (320, 240))
        >>> read_image(b"BM......")
    """
    for image in _IMAGE_TYPES:
        if image.start.match(data):
            try:
                return image.media_type, image.read_size(data)
            except (StructError, IndexError):
                return image.media_type, (0, 0)
    return None


# Readers allow other bytes before the header, within the first 1024.
_PDF_START = re.compile(rb".{0,1019}?%PDF-", re.DOTALL)
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_PDF_OBJECTS = re.compile(rb"/ObjStm\b")
_PDF_STREAM = re.compile(rb"[^>]{0,300}>>\s{0,9}stream\r?\n")
_MAX_UNPACKED_BYTES = 2**24
_MAX_PACKED_BYTES = 2**20
_MAX_PACKED_STREAMS = 10_000
"""A hostile file takes long to unpack; the number of pages is an estimate."""


def is_pdf(data: bytes) -> bool:
    """Return whether a file is a PDF."""
    return _PDF_START.match(data) is not None


def count_pages(data: bytes) -> int:
    """Return about how many pages a PDF has, 1 at least; those in encrypted parts are not seen.

    Example:
        >>> count_pages(b"%PDF-1.4 << /Type /Pages >> << /Type /Page >> << /Type/Page >>")
        2
    """
    return max(1, sum(len(_PDF_PAGE.findall(part)) for part in (data, *_unpack_objects(data))))


def _unpack_objects(data: bytes) -> Iterator[bytes]:
    """Yield the objects that are compressed together, as PDF 1.5 and later have them."""
    room = _MAX_UNPACKED_BYTES
    for match in islice(_PDF_OBJECTS.finditer(data), _MAX_PACKED_STREAMS):
        start = _PDF_STREAM.match(data, match.end())
        if start is None or room <= 0:
            continue
        packed = memoryview(data)[start.end() : start.end() + _MAX_PACKED_BYTES]
        with suppress(zlib.error):
            objects = zlib.decompressobj().decompress(packed, room)
            room -= len(objects)
            yield objects
