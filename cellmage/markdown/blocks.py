"""Markdown as a list of leaf blocks, built line by line, and the offset where it may still change.

Sources: CommonMark 0.31.2, sections 3 to 5; tables of GitHub Flavored Markdown (GFM 4.10); formulas
between ``$$`` lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from .links import normalize_label

# What may precede the content of a line: quotes and list markers, with their indentation. A limit
# on their number keeps the time for a hostile line short.
_CONTAINERS = re.compile(r"[ \t]*(?:(?:>[ \t]?|(?:[-+*]|\d{1,9}[.)])[ \t]+(?=\S))[ \t]*){0,99}")
_LIST_ITEM = re.compile(r"[ \t]*(?:>[ \t]?)*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_LINK_DEFINITION = r"\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*(\S+)?"
_LABEL_AND_TARGET = re.compile(_LINK_DEFINITION)

_LINE_PATTERNS = {
    "fence": r"`{3,}[^`\n]*$|~{3,}.*$",  # CommonMark 4.5
    "math": r"\$\$(?!.*\$\$)",
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
    "": "fence math heading thematic_break link_definition paragraph",
    "table": "fence math heading thematic_break table",
    "paragraph": "fence math heading setext_underline delimiter_row thematic_break paragraph",
    # A line after a paragraph that begins a list item: an underline in it is not the paragraph's.
    "item": "fence math heading delimiter_row thematic_break paragraph",
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

_LITERAL = ("fence", "math")
"""Blocks whose lines are not markdown; a marker of their own ends them."""

_MAX_TABLE_SIZES = 8
"""How many times longer than `size` a table may be that `find_tail_start` does not cut."""


@dataclass(slots=True)
class Block:
    """One leaf block.

    Args:
        kind: paragraph, heading, thematic_break, fence, math, table, link_definition or blank.
        start: offset of its first line, in characters.
        end: offset of the end of its last line, the line feed included.
        is_open: whether a next line may belong to it.
        marker: what opens it: the backticks or tildes of a fence, ``$$``, ``#`` of an ATX heading
            of any level; empty for other blocks, also for a setext heading.
    """

    kind: str
    start: int
    end: int
    is_open: bool = True
    marker: str = ""


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
        start = 0
        for line in split_lines(text):
            self._add_line(line.rstrip("\n"), start, start + len(line))
            start += len(line)

    @property
    def last(self) -> Block | None:
        """The last block, to which a next line may belong; None without a block."""
        return self.blocks[-1] if self.blocks else None

    def _add_line(self, line: str, start: int, end: int) -> None:
        block = self.last
        open_kind = block.kind if block and block.is_open else ""
        if block and open_kind in _LITERAL:
            self._extend_literal(block, line, end)
            return
        content = strip_containers(line)
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

    def _extend_literal(self, block: Block, line: str, end: int) -> None:
        block.end = end
        content = line.lstrip(" \t>").rstrip()
        if block.kind == "math":
            block.is_open = not content.endswith("$$")
        elif content.startswith(block.marker) and not content.strip(block.marker[0]):
            block.is_open = False

    def _add_label(self, content: str) -> None:
        if match := _LABEL_AND_TARGET.match(content):
            self.labels[normalize_label(match[1])] = match[2] or ""

    def _begin(self, kind: str, content: str, start: int, end: int) -> None:
        if block := self.last:
            block.is_open = False
        is_open = kind in _LITERAL or kind in _CONTINUABLE
        self.blocks.append(Block(kind, start, end, is_open, _opening_marker(kind, content)))


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


def _opening_marker(kind: str, content: str) -> str:
    if kind == "fence":
        return content[: len(content) - len(content.lstrip(content[0]))]
    return {"math": "$$", "heading": "#"}.get(kind, "")


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


def find_settled_end(text: str) -> int:
    """Return the offset of the end of the blocks that no later text can change, in characters.

    It is after the last blank line that precedes a line at the margin, outside of fences and
    formulas; that line begins no list item and no link definition. It is 0 where there is none.
    This is one search by pattern: cheap enough for each piece of text that arrives.

    Args:
        text: markdown that is still arriving.
    """
    return _find_settled_end(text, _LiteralRegions(text))


def find_tail_start(text: str, size: int) -> int:
    """Return the offset at which a scan of the end of a text may begin, in characters.

    It is the start of a line, inside no fence and no formula, and at the head of a table.

    Args:
        text: markdown that is still arriving.
        size: the longest scan in characters; a fence or a formula at the end may be longer, and a
            table 8 times as long.
    """
    regions = _LiteralRegions(text)
    settled = _find_settled_end(text, regions)
    start = text.rfind("\n", settled, max(settled, len(text) - size)) + 1
    if start <= settled:
        return settled
    region_start = regions.find_start(start)
    if region_start is not None:
        return max(settled, region_start)
    limit = max(settled, len(text) - _MAX_TABLE_SIZES * size)
    while start > limit and text.startswith("|", start):
        start = text.rfind("\n", settled, start - 1) + 1
    return max(settled, start)


def _find_settled_end(text: str, regions: _LiteralRegions) -> int:
    ends = (match.end() for match in reversed(list(_SETTLED.finditer(text))))
    return next((end for end in ends if regions.find_start(end) is None), 0)


# Blank lines before a line that begins a block of its own at the margin. A list item would belong
# to the list before it; a number at the end of the text may become the marker of one. A definition
# may give the paragraphs before it their links.
_SETTLED = re.compile(r"(?<=[^\n])\n\n+(?=\S)(?![-+*](?:\s|\Z)|\d{1,9}(?:[.)]|\Z)|\[)")

_LITERAL_MARKER = re.compile(
    r"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,}|\$\$)(.*)$", re.MULTILINE
)


class _LiteralRegions:
    """The ranges of fences and formulas; an open one reaches beyond the end of the text."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        if any(marker in text for marker in ("```", "~~~", "$$")):
            self._scan(text)

    def _scan(self, text: str) -> None:
        starts, ends, opening = self._starts, self._ends, ""
        for match in _LITERAL_MARKER.finditer(text):
            marker, remainder = match[1], match[2].strip()
            if len(starts) == len(ends):
                starts.append(match.start())
                opening = marker
                if marker == "$$" and remainder.endswith("$$"):
                    ends.append(match.end())
            elif marker.startswith(opening) and not remainder:
                ends.append(match.end())
        if len(ends) < len(starts):
            ends.append(len(text) + 1)

    def find_start(self, offset: int) -> int | None:
        """Return the start of the region that contains this offset; None outside of all."""
        index = bisect_left(self._starts, offset) - 1
        return self._starts[index] if index >= 0 and offset < self._ends[index] else None
