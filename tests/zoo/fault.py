"""A fault that a strict server finds in a request, and the checks that all APIs share. Pure."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.zoo.families import Family


class Fault(NamedTuple):
    """A fault: the server's sentence, and the parameter that it names."""

    message: str
    param: str = ""


def unknown_fields(body: dict[str, Any], known: set[str], family: Family) -> Iterator[Fault]:
    """Yield the fields that no server of the API knows, if this one refuses them."""
    names = sorted(body.keys() - known) if family.has_strict_fields else []
    for name in names:
        message = {
            "anthropic": f"{name}: Extra inputs are not permitted",
            "mistral": "Extra inputs are not permitted",
            "gemini": f'Invalid JSON payload received. Unknown name "{name}"',
            "groq": f"property '{name}' is unsupported",
        }.get(family.prefix, f"Unknown parameter: '{name}'.")
        yield Fault(message, name)


def refused_fields(body: dict[str, Any], family: Family) -> Iterator[Fault]:
    """Yield the parameters that this family refuses."""
    yield from (Fault(family.refused[name], name) for name in family.refused if name in body)


def attached(url: str, kind: str, family: Family) -> Iterator[Fault]:
    """Yield what is wrong with an image or a file in a ``data:`` URL, or at an address."""
    if kind in family.lacks:
        yield Fault(f"this model takes no {kind} input: {family.lacks[kind]}")
    elif url.startswith("data:"):
        head, _, data = url.partition(";base64,")
        yield from decoded(data, head.removeprefix("data:"))
    elif kind == "PDF" or not url.startswith("https://"):
        yield Fault(f"this is no address of an {kind}: {url}")


def decoded(data: str, media_type: str) -> Iterator[Fault]:
    """Yield what is wrong with base64 of a PNG or a PDF."""
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        yield Fault("invalid base64")
        return
    is_png = media_type == "image/png" and content.startswith(b"\x89PNG") and _has_rows(content)
    is_pdf = media_type == "application/pdf" and content.startswith(b"%PDF-")
    if not (is_png or is_pdf):
        yield Fault(f"the content is not {media_type}")


def _has_rows(png: bytes) -> bool:
    start = png.index(b"IDAT") + 4
    size = int.from_bytes(png[start - 8 : start - 4], "big")
    return bool(zlib.decompress(png[start : start + size]))
