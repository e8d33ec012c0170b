"""Images and files for tests: whole PNG and PDF files, and the headers of the other types."""

from __future__ import annotations

import struct
import zlib

from hypothesis import strategies as st

from cellmage import File, Image
from cellmage.content import Part


def png(width: int = 2, height: int = 1, color: bytes = b"\xff\0\0") -> bytes:
    """A PNG of one color."""
    rows = (b"\0" + color * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def jpeg(width: int, height: int) -> bytes:
    """The segments of a JPEG up to the frame's header: JFIF, a fill byte, a table, the frame."""
    jfif = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
    table = b"\xff\xff\xc4" + struct.pack(">H", 4) + b"\xff\xc0"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 0)
    return b"\xff\xd8" + jfif + table + frame


def gif(width: int, height: int) -> bytes:
    """The header of a GIF."""
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def webp(kind: bytes, width: int, height: int) -> bytes:
    """The header of a WebP: lossy, lossless, or extended."""
    bodies = {
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height | 0x4000),
        b"VP8L": b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14),
        b"VP8X": bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
    }
    body = kind + struct.pack("<I", len(bodies[kind])) + bodies[kind]
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def pdf(pages: int = 1, packed: bool = False) -> bytes:
    """A PDF whose page objects are plain, or compressed together as since PDF 1.5."""
    tree = b"<< /Type /Pages /Count %d >>\n" % pages
    objects = tree + b"<< /Type /Page /Parent 1 0 R >>\n" * pages
    if packed:
        data = zlib.compress(objects)
        head = b"<< /Type /ObjStm /N 2 /First 8 /Filter /FlateDecode /Length %d >>" % len(data)
        objects = head + b"\nstream\r\n" + data + b"\nendstream"
    return b"%PDF-1.7\n1 0 obj\n" + objects + b"\nendobj\ntrailer << >>\n%%EOF\n"


IMAGE = Image(png())
OTHER_IMAGE = Image(png(3, 3, b"\0\xff\0"))
ADDRESS = Image(url="https://example.org/a.png?w=1")
PDF = File(pdf(2), "report.pdf")
ATTACHMENTS = (IMAGE, OTHER_IMAGE, ADDRESS, PDF)

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
ANY_PARTS: st.SearchStrategy[list[Part]] = st.lists(
    TEXTS | st.sampled_from(ATTACHMENTS), min_size=1, max_size=6
)
ANY_ATTACHED: st.SearchStrategy[list[Part]] = ANY_PARTS.filter(
    lambda parts: any(not isinstance(part, str) for part in parts)
)
"""Parts of which one at least is an image or a file."""
