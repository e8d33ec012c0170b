"""The code blocks of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"([ \t>]*)(`{3,}|~{3,})[ \t]*([^\s`{]*)[^`]*$")


class CodeBlock(str):
    """The text of a code block.

    Attributes:
        language: the word behind its fence, in small letters; may be empty.
    """

    __slots__ = ("language",)

    language: str

    @classmethod
    def of(cls, text: str, language: str = "") -> CodeBlock:
        """Return a block of a language."""
        block = cls(text)
        block.language = language.lower()
        return block


def find_code_blocks(markdown: str) -> list[CodeBlock]:
    """Return the fenced code blocks of a text, in order; one that is cut ends with the text.

    Example:
        >>> find_code_blocks("So:\\n```python\\nx = 1\\n```\\nThat is all.")
        ['x = 1']
    """
    return [piece for piece in _pieces(markdown) if isinstance(piece, CodeBlock)]


class PlacedBlock(NamedTuple):
    """A code block, and where it is: from its fence to the end of the line that closes it."""

    block: CodeBlock
    start: int
    end: int


def place_code_blocks(markdown: str) -> list[PlacedBlock]:
    """Return the code blocks of a text with their places, in order.

    Example:
        >>> place_code_blocks("So:\\n```python\\nx = 1\\n```\\nThat is all.")
        [PlacedBlock(block='x = 1', start=4, end=24)]
    """
    lines, blocks, start = _Lines(markdown), [], 0
    for piece in _split(lines):
        if isinstance(piece, CodeBlock):
            blocks.append(PlacedBlock(piece, start, lines.end))
        start = lines.end
    return blocks


def without_code_blocks(markdown: str) -> str:
    """Return the lines of a text that are in no fenced code block.

    Example:
        >>> without_code_blocks("So:\\n```python\\nx = 1\\n```\\nThat is all.")
        'So:\\nThat is all.'
    """
    return "\n".join(piece for piece in _pieces(markdown) if not isinstance(piece, CodeBlock))


class _Lines(Iterator[str]):
    """The lines of a text without their ends; `end` is the offset behind the last one read."""

    def __init__(self, text: str) -> None:
        self.end = 0
        self._lines = iter(text.splitlines(keepends=True))

    def __next__(self) -> str:
        line = next(self._lines)
        self.end += len(line)
        return line.splitlines()[0]


def _pieces(markdown: str) -> Iterator[str]:
    return _split(_Lines(markdown))


def _split(lines: Iterator[str]) -> Iterator[str]:
    """Yield the code blocks, and each line between them."""
    for line in lines:
        if match := _FENCE.match(line):
            indent, fence, language = match.groups()
            text = "\n".join(_body(lines, len(indent), fence))
            yield CodeBlock.of(text, language)
        else:
            yield line


def _body(lines: Iterator[str], indent: int, fence: str) -> Iterator[str]:
    """Yield the lines of a block without its indentation, up to the fence that closes it."""
    for line in lines:
        stripped = line.strip(" \t>")
        if len(stripped) >= len(fence) and not stripped.strip(fence[0]):
            return
        prefix = line[:indent]
        yield line[indent:] if not prefix.strip(" \t>") else line
