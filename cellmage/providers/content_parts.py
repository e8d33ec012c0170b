"""Encode the content of a message: its text, images and files in the words of each API; no I/O.

Sources: OpenAI's API reference, "Create chat completion" and "Create a model response"; Anthropic's
API reference, "Create a message".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..content import Content, File, Image, Part, encode_base64, encode_data_url
from ..text import join_surrogates

Block = dict[str, Any]


def encode_content(content: Content, api: str) -> str | list[Block]:
    """Return the content as an API takes it: a text as it is, parts as a list; no part is blank.

    Args:
        content: of a user's message.
        api: ``"chat"``, ``"responses"`` or ``"messages"``.

    Example:
        >>> image = Image(url="https://example.org/a.png")
        >>> encode_content(("Hi", image), "responses")[1]
        {'type': 'input_image', 'image_url': 'https://example.org/a.png'}
    """
    if isinstance(content, str):
        return join_surrogates(content)
    encoders = _ENCODERS[api]
    return [
        encoders[type(part)](part)
        for part in content
        if not (isinstance(part, str) and not part.strip())
    ]


def _image_url(image: Image) -> str:
    return image.url or encode_data_url(image)


def _document(file: File) -> Block:
    return {**_source(file), "type": "document", "title": file.name}


def _source(part: Image | File) -> Block:
    source = {"type": "base64", "media_type": part.media_type, "data": encode_base64(part)}
    if isinstance(part, Image) and part.url:
        source = {"type": "url", "url": part.url}
    return {"type": part.type, "source": source}


_ENCODERS: Mapping[str, Mapping[type[Part], Callable[[Any], Block]]] = {
    "chat": {
        str: lambda text: {"type": "text", "text": join_surrogates(text)},
        Image: lambda image: {"type": "image_url", "image_url": {"url": _image_url(image)}},
        File: lambda file: {
            "type": "file",
            "file": {"filename": file.name, "file_data": encode_data_url(file)},
        },
    },
    "responses": {
        str: lambda text: {"type": "input_text", "text": join_surrogates(text)},
        Image: lambda image: {"type": "input_image", "image_url": _image_url(image)},
        File: lambda file: {
            "type": "input_file",
            "filename": file.name,
            "file_data": encode_data_url(file),
        },
    },
    "messages": {
        str: lambda text: {"type": "text", "text": join_surrogates(text)},
        Image: _source,
        File: _document,
    },
}
"""What makes a block of a part, by the API and the type of the part."""
