"""Decode text whose encoding nobody names: piped input, files of other programs; no I/O."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import NamedTuple

# The marks at the beginning of a text. UTF-32's first one begins with UTF-16's, so it is before it.
_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Without a mark. No other encoding has the form of UTF-8 by chance; latin-1 decodes every byte.
_UNMARKED = ("utf-8", "cp1252", "latin-1")


class DecodedText(NamedTuple):
    """A text, and the encoding in which it was read."""

    text: str
    encoding: str


def decode_text(data: bytes) -> DecodedText:
    """Return the text of bytes: by their byte order mark, as UTF-8, else as Windows-1252.

    Args:
        data: the bytes of a whole text. What its mark's encoding cannot decode becomes U+FFFD.

    Example:
        >>> decode_text("naïve".encode()), decode_text("naïve".encode("cp1252"))
        (DecodedText(text='naïve', encoding='utf-8'), DecodedText(text='naïve', encoding='cp1252'))
        >>> decode_text("naïve".encode("utf-16"))
        DecodedText(text='naïve', encoding='utf-16')
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return DecodedText(data.decode(encoding, "replace"), encoding)
    for encoding in _UNMARKED[:-1]:
        try:
            return DecodedText(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    return DecodedText(data.decode(_UNMARKED[-1]), _UNMARKED[-1])
