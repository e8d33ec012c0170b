"""Markdown as a list of leaf blocks, built line by line.

Sources: CommonMark 0.31.2, sections 3 to 5; tables of GitHub Flavored Markdown (GFM 4.10); formulas
and comments over several lines (`cellmage.markdown.literals`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

from .links import may_become_safe_url, normalize_label
from .literals import PATTERNS, Literal, open_literal

# What may precede the content of a line: quotes and list markers, with their indentation. A limit
# on their number keeps the time for a hostile line short. A thematic break is no list in a list; it
# is looked for once in a row of the same markers.
_NO_BREAK = r"(?!(?<!\*[ \t])(?:\*[ \t]*+){3,}+$|(?<!-[ \t])(?:-[ \t]*+){3,}+$)"
_CONTAINERS = re.compile(
    rf"[ \t]*+(?:(?:>|{_NO_BREAK}(?:[-+*]|\d{{1,9}}[.)])[ \t]++(?=\S))[ \t]*+){{0,99}}+"
)
_LIST_ITEM = re.compile(r"[ \t]*(?:>[ \t]?)*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_LINK_DEFINITION = r"\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*(\S+)?"
_LABEL_AND_TARGET = re.compile(_LINK_DEFINITION)

_LINE_PATTERNS = {
    **PATTERNS,  # fence, math and comment
    "heading": r"#{1,6}(?:[ \t]|$)",  # CommonMark 4.2
    "setext_underline": r"(?:=+|-+)[ \t]*$",  # CommonMark 4.3
    "delimiter_row": (  # GFM 4.10; one column needs a pipe, or it would be an underline
        r"(?=.*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$"
    ),
    "thematic_break": r"(?:\*[ \t]*){3,}$|(?:-[ \t]*){3,}$|(?:_[ \t]*){3,}$",  # CommonMark 4.1
    "link_definition": _LINK_DEFINITION,  # CommonMark 4.7
    "table": "",
    "paragraph": "",
}
"""What the content of a line of each kind begins with."""

_PRECEDENCE = {
    "": "fence math comment heading thematic_break link_definition paragraph",
    "table": "fence math comment heading thematic_break table",
    "paragraph": "fence math comment heading setext_underline delimiter_row thematic_break "
    "paragraph",
    # A line after a paragraph that begins a list item: an underline in it is not the paragraph's.
    "item": "fence math comment heading delimiter_row thematic_break paragraph",
}
"""The kinds that a line may have after an open block, by its kind; the first match counts."""

_LINES = {
    context: re.compile("|".join(f"(?P<{kind}>{_LINE_PATTERNS[kind]})" for kind in kinds.split()))
    for context, kinds in _PRECEDENCE.items()
}

_EDITS = {"setext_underline": ("heading", False), "delimiter_row": ("table", True)}
"""Kinds of lines that change the block before them: its new kind, and whether it stays open."""

_CONTINUABLE = ("paragraph", "table", "link_definition", "blank")
"""Blocks that a line of the same kind continues."""


@dataclass(slots=True)
class Block:
    """One leaf block.

    Args:
        kind: paragraph, heading, thematic_break, fence, math, comment, table, link_definition or
            blank.
        start: offset of its first line, in characters.
        end: offset of the end of its last line, the line feed included.
        is_open: whether a next line may belong to it.
        marker: what opens it: the backticks or tildes of a fence, ``#`` of an ATX heading of any
            level; empty for other blocks, also for a setext heading.
        literal: the rule for its end, if its lines are not markdown.
    """

    kind: str
    start: int
    end: int
    is_open: bool = True
    marker: str = ""
    literal: Literal | None = None


class Blocks:
    """The blocks of a text.

    Args:
        text: markdown; its last line counts as complete.

    Example:
        >>> [block.kind for block in Blocks("# A\\n\\ntext\\nmore\\n```py\\nx\\n```\\n").blocks]
        ['heading', 'blank', 'paragraph', 'fence']
    """

    def __init__(self, text: str) -> None:
        self.blocks: list[Block] = []
        self.labels: dict[str, str] = {}
        """The destination of each link definition by its normalized label."""
        self._text = text
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            self._add_line(text[start:end].rstrip("\n"), start, end)
            start = self._skip_code(end)

    @property
    def last(self) -> Block | None:
        """The last block, to which a next line may belong; None without a block."""
        return self.blocks[-1] if self.blocks else None

    def with_line(self, line: str) -> Blocks:
        """Return the blocks of the text and one more line; the text ends with no open fence."""
        blocks = copy(self)
        blocks.blocks = [*self.blocks[:-1], *map(copy, self.blocks[-1:])]
        blocks.labels = dict(self.labels)
        blocks._text = self._text + line
        blocks._add_line(line, len(self._text), len(blocks._text))
        return blocks

    def _skip_code(self, start: int) -> int:
        """Return the start of the next line that may change the blocks: code may be long."""
        block = self.blocks[-1]
        if not (block.is_open and block.literal and block.literal.may_end):
            return start
        match = block.literal.may_end.search(self._text, start)
        block.end = match.start() if match else len(self._text)
        return block.end

    def _add_line(self, line: str, start: int, end: int) -> None:
        block = self.last
        open_kind = block.kind if block and block.is_open else ""
        content = strip_containers(line)
        if block and block.is_open and block.literal:
            self._extend_literal(block, block.literal, line, end)
            return
        is_item = open_kind in _CONTINUABLE and bool(_LIST_ITEM.match(line))
        kind = _classify(content, "item" if is_item and open_kind == "paragraph" else open_kind)
        if kind == "link_definition":
            self._add_label(content)
        if block and kind in _EDITS:
            block.end = end
            block.kind, block.is_open = _EDITS[kind]
        elif block and kind == open_kind and kind in _CONTINUABLE and not is_item:
            block.end = end
        else:
            self._begin(kind, content, start, end)

    def _extend_literal(self, block: Block, literal: Literal, line: str, end: int) -> None:
        block.end = end
        if literal.ends_with(line.lstrip(" \t>").rstrip()):
            block.is_open = False
        elif literal.is_abandoned(self._text, block.start, end):
            block.kind, block.literal = "paragraph", None
            block.is_open = bool(line.strip())

    def _add_label(self, content: str) -> None:
        match = _LABEL_AND_TARGET.match(content)
        if match and may_become_safe_url(match[2] or ""):
            self.labels[normalize_label(match[1])] = match[2] or ""

    def _begin(self, kind: str, content: str, start: int, end: int) -> None:
        if block := self.last:
            block.is_open = False
        literal = open_literal(content) if kind in PATTERNS else None
        if kind in PATTERNS and literal is None:
            kind = "paragraph"
        marker = literal.marker if literal else "#" * (kind == "heading")
        is_open = bool(literal) or kind in _CONTINUABLE
        self.blocks.append(Block(kind, start, end, is_open, marker, literal))


@lru_cache(maxsize=8)
def find_blocks(text: str) -> Blocks:
    """Return the blocks of a text, not to be changed: a frame asks for the same ones often."""
    return Blocks(text)


def _classify(content: str, context: str) -> str:
    """Return the kind of a line: that of a block, or of an edit of the block before it.

    Args:
        content: the line without its containers.
        context: a key of `_PRECEDENCE`; any other kind of open block makes no difference.
    """
    if not content:
        return "blank"
    match = _LINES.get(context, _LINES[""]).match(content)
    assert match  # the last kind of each context matches everything
    return str(match.lastgroup)


def split_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends; only a line feed ends a line."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def strip_containers(line: str) -> str:
    """Return a line without quotes, list markers and the white space around its content."""
    # Other white space of Unicode is text to CommonMark.
    return line[_CONTAINERS.match(line).end() :].strip(" \t\n\r\x0b\x0c")  # type: ignore[union-attr]
