"""Read the content of a message: texts, images and PDF files, in the words of each API; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..content import Content, File, Image, Part, attachments_of, to_content
from ..errors import UsageError
from ..image_urls import decode_data_url
from .fields import get_path

_NAME = "document.pdf"


def _image(url: Any) -> Image:
    if not isinstance(url, str):
        raise UsageError("an image needs a url")
    return Image.from_url(url)


def _file(data: Any, name: Any) -> File:
    """Return a file of a ``data:`` URL, or of base64 alone."""
    text = data if isinstance(data, str) else ""
    url = text if text.startswith("data:") else f"data:application/pdf;base64,{text}"
    return File(decode_data_url(url) or b"", name if isinstance(name, str) and name else _NAME)


def _source(part: Any, default_type: str) -> Any:
    """Return the address of a source of the Messages API: a ``data:`` URL for bytes."""
    kind = get_path(part, "source", "type")
    if kind == "base64":
        media_type = get_path(part, "source", "media_type") or default_type
        return f"data:{media_type};base64,{get_path(part, 'source', 'data')}"
    return get_path(part, "source", "url") if kind == "url" else None


_READERS: Mapping[str, Callable[[Any], Part]] = {
    # Chat completions.
    "image_url": lambda part: _image(get_path(part, "image_url", "url")),
    "file": lambda part: _file(
        get_path(part, "file", "file_data"), get_path(part, "file", "filename")
    ),
    # Responses.
    "input_image": lambda part: _image(part.get("image_url")),
    "input_file": lambda part: _file(part.get("file_data"), part.get("filename")),
    # Messages.
    "image": lambda part: _image(_source(part, "image/png")),
    "document": lambda part: _file(_source(part, "application/pdf"), part.get("title")),
}


def has_attachments(parts: Sequence[Any]) -> bool:
    """Return whether a content has images or files."""
    return any(str(get_path(part, "type")) in _READERS for part in parts)


def read_content(content: Any, role: str) -> Content:
    """Return the content of a message; the user alone sends images and files.

    Args:
        content: a text, or a list of parts.
        role: who the message is from.

    Raises:
        UsageError: it is something else, or a part cannot be used.

    Example:
        >>> url = "https://example.org/a.png"
        >>> parts = [{"type": "text", "text": "What?"}, {"type": "input_image", "image_url": url}]
        >>> read_content(parts, "user")
        ('What?', <Image: https://example.org/a.png>)
    """
    parts = [_read_part(part) for part in content] if isinstance(content, list) else [content]
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    try:
        read = to_content(parts)
    except ValueError:
        read = ""
    if not attachments_of(read) or role != "user":
        raise UsageError(
            "the content of a message must be text; one of the user may have images and PDF files"
        )
    return read


def _read_part(part: Any) -> Any:
    read = _READERS.get(str(get_path(part, "type")))
    return read(part) if read else get_path(part, "text")
