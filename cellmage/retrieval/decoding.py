"""Decode the bytes of a file, if they are a text."""

from __future__ import annotations

import re
from contextlib import suppress

from ..decoding import decode_text
from .documents import UnreadableError
from .legacy_encodings import guess_encoding

_CONTROL_BYTES = bytes([*range(0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20)])
_SAMPLE_BYTES = 4_000
_MAX_CONTROL_SHARE = 0.02
"""The share of control bytes in a text, as logs of terminals contain them."""

_MIN_ZERO_SHARE = 0.3
"""The share of zero bytes on one side of the pairs of UTF-16, in a text of Latin letters."""


def decode(data: bytes, declared: str = "") -> str:
    """Return the text of a file.

    Args:
        data: the bytes.
        declared: the encoding that the file itself names; empty if it names none.

    Raises:
        UnreadableError: the bytes are no text.

    Example:
        >>> decode("Köln".encode("utf-16-le")), decode("Köln".encode("latin-1"))
        ('Köln', 'Köln')
        >>> decode("使い方の説明".encode("shift_jis"))
        '使い方の説明'
    """
    text, encoding = decode_text(data)
    sample = data[:_SAMPLE_BYTES]
    if encoding in ("utf-16", "utf-32"):  # by its mark
        return text
    plain_bytes = len(sample.translate(None, _CONTROL_BYTES))
    if len(sample) - plain_bytes > _MAX_CONTROL_SHARE * len(sample):
        return data.decode(_unmarked_utf16(sample), "replace")
    if encoding.startswith("utf-8"):
        return text
    for candidate in filter(None, (declared, _damaged_utf8(data), guess_encoding(data))):
        with suppress(UnicodeError, LookupError):
            return data.decode(candidate, "replace" if candidate != declared else "strict")
    return text


def _damaged_utf8(data: bytes) -> str:
    """Return "utf-8" if most characters beyond ASCII are right in it; else an empty text."""
    letters = re.sub(r"[\x00-\x7f]+", "", data.decode("utf-8", "replace"))
    return "utf-8" if letters.count("\ufffd") * 5 < len(letters) else ""


def _unmarked_utf16(sample: bytes) -> str:
    """Return the encoding of UTF-16 without a mark.

    Raises:
        UnreadableError: the bytes have another form.
    """
    if encoding := guess_encoding(sample, is_wide=True):
        return encoding
    half = len(sample) // 2
    for encoding, side in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        is_on_one_side = sample.count(0) - side.count(0) <= _MAX_CONTROL_SHARE * half
        if side.count(0) > _MIN_ZERO_SHARE * half and is_on_one_side:
            return encoding
    raise UnreadableError("binary")
