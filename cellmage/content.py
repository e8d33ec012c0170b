"""What a message consists of: text, images and files, in order.

An image has its bytes, or an address that the model's provider loads. Nothing is loaded here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from .errors import UsageError
from .file_headers import IMAGE_NAMES, count_pages, is_pdf, read_image
from .foreign_files import read_file
from .image_urls import check_image_url, decode_data_url
from .text import Encodable, excerpt, format_bytes, spell_out

T = TypeVar("T")

MAX_BYTES = 32 * 2**20
"""The largest image or file: no API takes a larger request by bytes."""

_TYPES = "PNG, JPEG, GIF or WebP"


@dataclass(frozen=True, slots=True, repr=False)
class Image:
    """An image of a message: PNG, JPEG, GIF or WebP.

    Args:
        data: its bytes; empty if it has an address.
        url: its address, http or https, which the model's provider loads; else empty.

    Attributes:
        media_type: such as ``"image/png"``; empty if only the address is known.
        size: its width and height in pixels; zeros if they are not known.
        digest: the SHA-256 of the bytes in hexadecimal; empty for an address.

    Raises:
        UsageError: the data or the address is not that of such an image.

    Example:
        >>> Image(b"GIF89a" + bytes([64, 1, 240, 0]))
        <Image: GIF, 320 x 240, 10 bytes>
        >>> Image(url="https://example.org/a.png")
        <Image: https://example.org/a.png>
    """

    data: bytes = b""
    url: str = ""
    media_type: str = field(init=False, compare=False, default="")
    size: tuple[int, int] = field(init=False, compare=False, default=(0, 0))
    digest: str = field(init=False, compare=False, default="")
    type: ClassVar[Literal["image"]] = "image"

    def __post_init__(self) -> None:
        if self.url:
            check_image_url(self.url)
        if self.url and not self.data:
            return
        _check_bytes(self.data, "an image")
        header = read_image(self.data)
        if self.url or header is None:
            raise UsageError(f"an image needs either the bytes of a {_TYPES}, or an address")
        _set(self, media_type=header[0], size=header[1], digest=sha256(self.data).hexdigest())

    @classmethod
    def from_path(cls, path: str | Path) -> Self:
        """Read an image from a file.

        Raises:
            UsageError: the file cannot be read, is larger than 32 MiB, or is not such an image.
        """
        return _read_path(cls, path, f"it is not a {_TYPES}")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return an image of these bytes.

        Raises:
            UsageError: they are no such image.
        """
        return cls(bytes(data))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return an image at an address, or in a ``data:`` URL.

        Raises:
            UsageError: the address is neither http nor https, nor that of such an image.
        """
        data = decode_data_url(url)
        return cls(url=url) if data is None else cls(data)

    def __repr__(self) -> str:
        return f"<Image: {self.describe()}>"

    def describe(self) -> str:
        """Return the image in a few words: its type and sizes, or its address."""
        if self.url:
            return excerpt(spell_out(self.url))
        pixels = "{} x {}".format(*self.size) if all(self.size) else ""
        return ", ".join(
            filter(None, (IMAGE_NAMES[self.media_type], pixels, format_bytes(len(self.data))))
        )


@dataclass(frozen=True, slots=True, repr=False)
class File(Encodable):
    """A document of a message: a PDF.

    Args:
        data: its bytes.
        name: its name, without folders.

    Attributes:
        pages: about how many pages it has.
        digest: the SHA-256 of the bytes in hexadecimal.

    Raises:
        UsageError: the data is not a PDF, or larger than 32 MiB.

    Example:
        >>> File(b"%PDF-1.4 << /Type /Page >>", "report.pdf")
        <File: report.pdf, 1 page, 26 bytes>
    """

    data: bytes
    name: str = "document.pdf"
    pages: int = field(init=False, compare=False, default=1)
    digest: str = field(init=False, compare=False, default="")
    type: ClassVar[Literal["file"]] = "file"
    media_type: ClassVar[Literal["application/pdf"]] = "application/pdf"

    def __post_init__(self) -> None:
        _check_bytes(self.data, "a file")
        if not is_pdf(self.data):
            raise UsageError("a file for a model must be a PDF; give other files as text")
        if not isinstance(self.name, str) or not self.name:
            raise UsageError("a file needs a name, as report.pdf")
        Encodable.__post_init__(self)
        _set(self, pages=count_pages(self.data), digest=sha256(self.data).hexdigest())

    @classmethod
    def from_path(cls, path: str | Path) -> Self:
        """Read a PDF from a file.

        Raises:
            UsageError: the file cannot be read, is larger than 32 MiB, or is not a PDF.
        """
        return _read_path(lambda data: cls(data, Path(path).name), path, "it is not a PDF")

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "document.pdf") -> Self:
        """Return a file of these bytes.

        Raises:
            UsageError: they are no PDF.
        """
        return cls(bytes(data), name)

    def __repr__(self) -> str:
        return f"<File: {self.describe()}>"

    def describe(self) -> str:
        """Return the file in a few words: its name, its pages and its size."""
        pages = "1 page" if self.pages == 1 else f"{self.pages} pages"
        return f"{excerpt(spell_out(self.name))}, {pages}, {format_bytes(len(self.data))}"


Attachment = Image | File
Part = str | Image | File
Content = str | tuple[Part, ...]
"""The content of a message: a text, or parts of which one at least is no text."""

Prompt = str | Image | File | Sequence[Part]
"""What may be asked: see `to_content`."""


def to_content(prompt: Any) -> Content:
    """Return a prompt as the content of a message; texts alone are one text, line after line.

    Args:
        prompt: a text, an image, a file, or a list of them.

    Raises:
        ValueError: it is something else.

    Example:
        >>> to_content(["One", "Two"])
        'One\\nTwo'
        >>> to_content(["What is this?", Image(url="https://example.org/a.png")])
        ('What is this?', <Image: https://example.org/a.png>)
    """
    if isinstance(prompt, str):
        return prompt
    parts = tuple(prompt) if isinstance(prompt, list | tuple) else (prompt,)
    if not all(isinstance(part, str | Image | File) for part in parts):
        raise ValueError
    parts = tuple(part for part in parts if part != "")
    return parts if attachments_of(parts) else text_of(parts)


def text_of(content: Content) -> str:
    """Return the texts of a content, line after line."""
    if isinstance(content, str):
        return content
    return "\n".join(part for part in content if isinstance(part, str))


def attachments_of(content: Content) -> tuple[Attachment, ...]:
    """Return the images and files of a content."""
    if isinstance(content, str):
        return ()
    return tuple(part for part in content if not isinstance(part, str))


def map_texts(content: Content, change: Callable[[str], str]) -> Content:
    """Return a content with each of its texts changed."""
    if isinstance(content, str):
        return change(content)
    return tuple(change(part) if isinstance(part, str) else part for part in content)


def describe_content(content: Content) -> str:
    """Return a content as text, with one line in place of each image and file.

    Example:
        >>> describe_content(("What is this?", Image(url="https://example.org/a.png")))
        'What is this?\\n(image: https://example.org/a.png)'
    """
    parts = (content,) if isinstance(content, str) else content
    return "\n".join(part if isinstance(part, str) else describe_attachment(part) for part in parts)


def describe_attachment(part: Attachment) -> str:
    """Return the line that a text has in place of an image or a file.

    Example:
        >>> describe_attachment(Image(url="https://example.org/a.png"))
        '(image: https://example.org/a.png)'
    """
    return f"({part.type}: {part.describe()})"


# Tokens. The rules are those of Anthropic's documentation; other providers count otherwise.

_PIXELS_PER_TOKEN = 750
_MAX_IMAGE_TOKENS = 1_600
_TOKENS_PER_PAGE = 3_000
"""A page of a PDF is read as text and as an image."""


def attachment_tokens(part: Attachment) -> int:
    """Return about how many tokens an image or a file has; the most, if its size is not known.

    Example:
        >>> attachment_tokens(Image(b"GIF89a" + bytes([64, 1, 240, 0])))
        103
        >>> attachment_tokens(Image(url="https://example.org/a.png"))
        1600
    """
    if isinstance(part, File):
        return part.pages * _TOKENS_PER_PAGE
    width, height = part.size
    return min(-(-width * height // _PIXELS_PER_TOKEN) or _MAX_IMAGE_TOKENS, _MAX_IMAGE_TOKENS)


def encode_base64(part: Attachment) -> str:
    """Return the bytes of an image or a file as base64."""
    return base64.b64encode(part.data).decode()


def encode_data_url(part: Attachment) -> str:
    """Return the bytes of an image or a file as a ``data:`` URL."""
    return f"data:{part.media_type};base64,{encode_base64(part)}"


def _check_bytes(data: Any, name: str) -> None:
    if not isinstance(data, bytes):
        raise UsageError(f"{name} needs bytes, not a {type(data).__name__}")
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} may have {MAX_BYTES // 2**20} MiB; this one is larger")


def _read_path(make: Callable[[bytes], T], path: str | Path, problem: str) -> T:
    path = Path(path).expanduser()
    data = read_file(path, MAX_BYTES)
    try:
        return make(data)
    except UsageError:
        raise UsageError(f"{excerpt(spell_out(path.name))}: {problem}") from None


def _set(value: object, **fields: Any) -> None:
    for name, content in fields.items():
        object.__setattr__(value, name, content)
