"""A description of a value for a model, and how much of the data it may contain."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..content import Attachment, Image, Part, attachments_of
from ..text import join_surrogates

Level = Literal["schema", "stats", "rows"]
"""What may be sent of a table: names and types; statistics, too; the first rows, too."""

MAX_CHARS = 20_000
"""The longest text of a value that is no text itself."""


@dataclass(frozen=True, slots=True)
class Description:
    """What is sent in the place of a value.

    Args:
        parts: texts, images and files.
        counts: what that is, in counts, for the user; empty for a plain value.
        left_out: what is not sent, and how to send more, for the user.
    """

    parts: tuple[Part, ...]
    counts: str = ""
    left_out: str = ""

    @property
    def text(self) -> str:
        """The texts, line after line."""
        return "\n".join(part for part in self.parts if isinstance(part, str))


def to_description(value: Any) -> Description:
    """Return what a function has returned for a value as a description.

    Args:
        value: a description, a text, an image, a file, a list of these, or a dict from media types
            to their data, as for IPython's display.

    Raises:
        TypeError: it is something else.

    Example:
        >>> to_description("a model of tides").parts
        ('a model of tides',)
        >>> to_description({"text/plain": "a model"}).parts
        ('a model',)
    """
    if isinstance(value, Description):
        return value
    if isinstance(value, Mapping):
        value = [read(value[kind]) for kind, read in _MEDIA.items() if kind in value][:1]
    parts = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not parts or not all(isinstance(part, str | Attachment) for part in parts):
        raise TypeError(f"a description is a text or an Image, not a {type(value).__name__}")
    texts = [join_surrogates(part) if isinstance(part, str) else part for part in parts]
    return Description(tuple(texts), count_parts(parts))


def _read_image(data: bytes | str) -> Image:
    return Image(base64.b64decode(data) if isinstance(data, str) else data)


_MEDIA: Mapping[str, Callable[[Any], Part]] = {
    "image/png": _read_image,
    "image/jpeg": _read_image,
    "text/markdown": str,
    "text/plain": str,
}
"""The media types of a dict that are understood; the first one is taken."""


def count_parts(parts: tuple[Part, ...]) -> str:
    """Return how many images and files there are, else how many characters.

    Example:
        >>> count_parts(("abc",))
        '3 characters'
    """
    counts = [f"1 {part.type}, {part.describe()}" for part in attachments_of(parts)]
    chars = sum(len(part) for part in parts if isinstance(part, str))
    return " and ".join(counts) or plural(chars, "character")


def plural(count: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> plural(1, "row"), plural(12000, "row")
        ('1 row', '12 000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", " ")


def bound(text: str, max_chars: int, advice: str) -> Description:
    """Return a text, or its beginning with a line about what is left out.

    Args:
        text: any text.
        max_chars: the longest text that is sent whole.
        advice: how the user sends more.
    """
    text = join_surrogates(text)
    if len(text) <= max_chars:
        return Description((text,), plural(len(text), "character"))
    left_out = plural(len(text) - max_chars, "character")
    counts = f"{plural(max_chars, 'character')} of {plural(len(text), 'character')}"
    head = f"{text[:max_chars]}\n[… {left_out} left out]"
    return Description((head,), counts, f"{left_out} left out; {advice}")
