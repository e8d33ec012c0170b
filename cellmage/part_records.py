"""Convert the parts of a question to plain data and back; their bytes are kept apart, by digest.

So the bytes are stored once, however often they are sent.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from .content import File, Image, Part, attachments_of, encode_base64
from .errors import UsageError

FindBlob = Callable[[str], bytes | None]
"""Returns the bytes with a digest; None if there are none."""


def parts_to_record(parts: Iterable[Part]) -> list[Any]:
    """Return parts as lists can hold them: texts, and objects that name their bytes.

    Example:
        >>> parts_to_record(["Hi", Image(url="https://example.org/a.png")])
        ['Hi', {'image_url': 'https://example.org/a.png'}]
    """
    return [_to_record(part) for part in parts]


def _to_record(part: Part) -> Any:
    if isinstance(part, str):
        return part
    if isinstance(part, File):
        return {"file": part.digest, "name": part.name}
    return {"image_url": part.url} if part.url else {"image": part.digest}


def parts_from_record(value: Any, find_blob: FindBlob) -> tuple[Part, ...]:
    """Return the parts of a record that `parts_to_record` made.

    Raises:
        TypeError, ValueError: it is something else, or bytes of a part are missing.
    """
    if not isinstance(value, list):
        raise TypeError
    parts = tuple(_from_record(item, find_blob) for item in value)
    if parts and not attachments_of(parts):
        raise ValueError
    return parts


def _from_record(item: Any, find_blob: FindBlob) -> Part:
    match item:
        case str():
            return item
        case {"image_url": str(url)}:
            return Image(url=url)
        case {"image": str(digest)}:
            return _check(Image(_find(digest, find_blob)), digest)
        case {"file": str(digest), "name": str(name)}:
            return _check(File(_find(digest, find_blob), name), digest)
    raise ValueError


def _find(digest: str, find_blob: FindBlob) -> bytes:
    data = find_blob(digest)
    if data is None:
        raise UsageError("the bytes of an image or of a file are missing")
    return data


def _check(part: Image | File, digest: str) -> Image | File:
    if part.digest != digest:
        raise UsageError("the bytes of an image or of a file have been changed")
    return part


def add_blobs(blobs: MutableMapping[str, str], parts: tuple[Part, ...]) -> None:
    """Add the bytes of parts to an object of JSON, as base64 by their digests."""
    for part in attachments_of(parts):
        if part.digest and part.digest not in blobs:
            blobs[part.digest] = encode_base64(part)


def read_blobs(value: Any) -> dict[str, bytes]:
    """Return the bytes of such an object.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if not isinstance(value, dict):
        raise TypeError
    return {digest: base64.b64decode(data, validate=True) for digest, data in value.items()}
