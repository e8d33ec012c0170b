"""Long lists and tables in pieces, so that a frame costs as much as its last piece.

A list or a table is open until its end. It grows by lines, and each frame shows all of it: written
as a whole, the frames of a long one would cost the square of its length. Its pieces are cut at an
item or a row, and always at the same places, so that each is written once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .blocks import Block, find_blocks
from .literals import has_many_candidates, has_many_lines
from .settled import find_tail_start

PIECE_LINES = 32
"""Items or rows of a piece."""

_SCREEN_PIECES = 3
"""Pieces that fill a large screen; the last one may be short."""

_MAX_SCREEN_LINES = 128
"""Lines of a long block in the terminal, at most, unless its items have several."""

_SCREEN_CHARS = 20_000
"""Characters of a large screen, at least."""

_SCREEN_LINES = 2_000
"""Lines that are looked at for the end of a block, beside those of a fence."""

_ITEM = re.compile(r"(?:([-+*])|\d{1,9}([.)]))[ \t]+(?=\S)")
_CONTINUATION = re.compile(r"[ \t]*$|[ \t]{2,}\S")
_TABLE_HEAD = re.compile(r"^\|.*\n\|[ \t:|-]*-[ \t:|-]*\n(?=\|)", re.MULTILINE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)


class Piece(NamedTuple):
    """A piece of a text.

    Args:
        source: its markdown; a piece of a table begins with the table's head.
        head_lines: the lines of the head, which the pieces before it have shown.
    """

    source: str
    head_lines: int = 0


def split_long_block(text: str) -> list[Piece]:
    r"""Return the pieces of a text with a long list or table; other texts are one piece.

    Args:
        text: the blocks that belong together; its lines end with line feeds.

    Example:
        >>> pieces = split_long_block("| a |\n|---|\n" + "| 1 |\n" * 100)
        >>> [(piece.source.count("\n"), piece.head_lines) for piece in pieces]
        [(34, 0), (34, 2), (34, 2), (6, 2)]
    """
    if _DEFINITION.search(text):
        return [Piece(text)]
    blocks = find_blocks(text).blocks
    last = next((block for block in reversed(blocks) if block.kind != "blank"), None)
    if last is not None and last.kind == "table":
        return _split_table(text, last)
    return _split_list(text, blocks)


def _split_table(text: str, table: Block) -> list[Piece]:
    head = _TABLE_HEAD.search(text, table.start, table.end)
    if head is None:
        return [Piece(text)]
    lines = text[head.end() :].splitlines(keepends=True)
    first, *others = _group(lines, list(range(len(lines))))
    pieces = [Piece(text[: head.end()] + first)]
    return pieces + [Piece(head[0] + rows, head_lines=2) for rows in others]


def _split_list(text: str, blocks: Sequence[Block]) -> list[Piece]:
    lines = text.splitlines(keepends=True)
    marker = None
    items: list[int] = []
    for index in range(len(lines) - 1, -1, -1):
        item = _ITEM.match(lines[index])
        if item is None and not _CONTINUATION.match(lines[index]):
            break
        if item is not None:
            if (marker := marker or item.groups()) != item.groups():
                break
            items.append(index)
    if len(items) <= PIECE_LINES:
        return [Piece(text)]
    items.reverse()
    start = items[0]
    offset = sum(map(len, lines[:start]))
    if any(block.literal and block.start < offset < block.end for block in blocks):
        return [Piece(text)]
    first, *others = _group(lines[start:], [index - start for index in items])
    return [Piece("".join(lines[:start]) + first), *map(Piece, others)]


def _group(lines: list[str], starts: list[int]) -> list[str]:
    """Return the lines joined, so that each text begins at a start and has as many of them."""
    cuts = [*starts[::PIECE_LINES], len(lines)]
    return ["".join(lines[a:b]) for a, b in pairwise(cuts)]


def end_of_long_block(text: str) -> str:
    r"""Return the end of a long block, for a screen that shows no more of it.

    Args:
        text: an open block, and what belongs to it.

    Example:
        >>> end_of_long_block("```py\n" + "x\n" * 500).count("x")
        128
        >>> end_of_long_block("| a |\n|---|\n" + "| 1 |\n" * 100).count("1")
        100
    """
    if text.count("\n") <= _MAX_SCREEN_LINES:
        return text
    text = text[find_tail_start(text, _SCREEN_CHARS) :]
    if has_many_candidates(text) or has_many_lines(text, 0, _SCREEN_LINES):
        return _last_lines(text)
    last = find_blocks(text).last
    if last is not None and last.kind == "fence" and last.is_open:
        head = text[last.start : text.find("\n", last.start) + 1]
        return head + _last_lines(text)
    pieces = split_long_block(text)
    if len(pieces) == 1:
        return _last_lines(text)
    first, *others = pieces[-_SCREEN_PIECES:]
    return first.source + "".join(map(_without_head, others))


def _without_head(piece: Piece) -> str:
    return "".join(piece.source.splitlines(keepends=True)[piece.head_lines :])


def _last_lines(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[-_MAX_SCREEN_LINES:])
