"""The addresses of images: those that a provider loads, and those that contain the image."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from .errors import UsageError
from .text import spell_out

_MAX_CHARS = 8_192
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


def check_image_url(url: Any) -> None:
    """Refuse an address that no provider should load: only http and https, without a password.

    Raises:
        UsageError: it is another one.

    Example:
        >>> check_image_url("file:///etc/passwd")
        Traceback (most recent call last):
        cellmage.errors.UsageError: the address of an image must look like https://example.org/image.png; for a file of this machine use Image.from_path
    """  # noqa: E501 - a message is one line
    if not (isinstance(url, str) and len(url) <= _MAX_CHARS and _is_loadable(url)):
        raise UsageError(
            "the address of an image must look like https://example.org/image.png; "
            "for a file of this machine use Image.from_path"
        )


def _is_loadable(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_plain = url == spell_out(url) and " " not in url and parts.username is None
    return is_plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def decode_data_url(url: Any) -> bytes | None:
    """Return the bytes that a ``data:`` URL contains; None for another address.

    Raises:
        UsageError: they are not base64.

    Example:
        >>> decode_data_url("data:image/png;base64,aGVsbG8=")
        b'hello'
    """
    if not isinstance(url, str) or not re.match("data:", url, re.IGNORECASE):
        return None
    match = _DATA_URL.match(url)
    try:
        if match:
            return base64.b64decode(url[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        pass
    raise UsageError("the data: URL does not contain base64")
