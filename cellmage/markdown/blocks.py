"""Markdown cut into blocks, line by line: what a line is, and where it may still change its mind.

Source: CommonMark 0.31.2, sections 3 to 5; tables of GitHub Flavored Markdown; formulas between
``$$`` lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from .links import normalize_label

# What may stand before the content of a line: quotes and list markers, with their indentation.
_CONTAINER = re.compile(r"[ \t]*(?:(?:>[ \t]?|(?:[-+*]|\d{1,9}[.)])[ \t]+(?=\S))[ \t]*){0,99}")
_FENCE = re.compile(r"(`{3,})([^`\n]*)$|(~{3,})(.*)$")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r"(?:\*[ \t]*){3,}$|(?:-[ \t]*){3,}$|(?:_[ \t]*){3,}$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_DELIMITERS = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*(\S+)?")
_HTML = re.compile(r"<(?:[A-Za-z/!?])")
_ITEM = re.compile(r"[ \t]*(?:>[ \t]?)*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")

# Blocks that a line of the same kind continues.
_RUNS = ("paragraph", "table", "definition", "blank")


@dataclass(slots=True)
class Block:
    """One leaf block. `start` and `end` are offsets of whole lines in the text.

    `kind` is paragraph, heading, rule, fence, math, table, definition or blank. `top` says that it
    begins at the margin, in no list and no quote. `is_open` says that its end has not been seen.
    """

    kind: str
    start: int
    end: int
    top: bool = False
    is_open: bool = True
    mark: str = ""
    """The fence's own mark, which ends it."""


class Blocks:
    """The blocks of a text that grows by lines.

    Example:
        >>> [block.kind for block in Blocks("# A\\n\\ntext\\nmore\\n```py\\nx\\n```\\n").blocks]
        ['heading', 'blank', 'paragraph', 'fence']
    """

    def __init__(self, text: str) -> None:
        self.blocks: list[Block] = []
        self.labels: dict[str, str] = {}
        start = 0
        for line in split_lines(text):
            self._line(line.rstrip("\n"), start, start + len(line))
            start += len(line)

    @property
    def last(self) -> Block | None:
        """The block that a next line may belong to."""
        return self.blocks[-1] if self.blocks else None

    def _line(self, line: str, start: int, end: int) -> None:
        last = self.last
        if last and last.is_open and last.kind in ("fence", "math"):
            self._inside(last, line, end)
            return
        kind, mark = self._kind(line, last)
        joins = last and last.is_open and kind == last.kind and kind in _RUNS
        if joins and last and not _ITEM.match(line):
            last.end = end
            return
        if last:
            last.is_open = False
        if kind == "underline" and last:
            last.kind, last.end = "heading", end
            return
        if kind == "delimiters" and last:
            self._table(last, end)
            return
        top = bool(line) and not line[0].isspace() and not _ITEM.match(line) and line[0] != ">"
        is_open = kind in ("fence", "math", *_RUNS)
        self.blocks.append(Block(kind, start, end, top, is_open, mark))

    def _inside(self, block: Block, line: str, end: int) -> None:
        block.end = end
        content = line.lstrip(" \t>").rstrip()
        if block.kind == "math":
            block.is_open = not content.endswith("$$")
        elif content.startswith(block.mark) and not content.strip(block.mark[0]):
            block.is_open = False

    def _kind(self, line: str, last: Block | None) -> tuple[str, str]:  # noqa: PLR0911
        content = content_of(line)
        if not content:
            return "blank", ""
        in_paragraph = last is not None and last.kind == "paragraph" and last.is_open
        if match := _FENCE.match(content):
            return "fence", match[1] or match[3]
        if content.startswith("$$") and "$$" not in content[2:]:
            return "math", "$$"
        if _HEADING.match(content):
            return "heading", "#"
        if in_paragraph and _UNDERLINE.match(content) and not _ITEM.match(line):
            return "underline", ""
        if in_paragraph and last and self._is_head(last, content):
            return "delimiters", ""
        if _RULE.match(content):
            return "rule", ""
        if last is not None and last.kind == "table" and last.is_open:
            return "table", ""
        if not in_paragraph and (match := _DEFINITION.match(content)):
            self.labels[normalize_label(match[1])] = match[2] or ""
            return "definition", ""
        return "paragraph", ""

    def _is_head(self, last: Block, content: str) -> bool:
        return "|" in content and bool(_DELIMITERS.match(content))

    def _table(self, last: Block, end: int) -> None:
        last.kind, last.end, last.is_open = "table", end, True


def split_lines(text: str) -> Iterator[str]:
    """Lines with their ends; only a line feed ends a line."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def content_of(line: str) -> str:
    """A line without quotes, list markers and white space around it."""
    # What Unicode calls white space besides these is text to CommonMark.
    return line[_CONTAINER.match(line).end() :].strip(" \t\n\r\x0b\x0c")  # type: ignore[union-attr]


def settled_end(text: str) -> int:
    """The end of the blocks that nothing to come can change: a fast look, not a scan.

    It is the last blank line with a line at the margin behind it that is no item, outside of
    fences and formulas; 0 where there is none.
    """
    return _settled_end(text, _Regions(text))


def tail_start(text: str, size: int) -> int:
    """Where a look at the end of a text may begin: at a line, in no fence, formula or table.

    Args:
        text: the text.
        size: characters to look at, at most where they are no fence, formula or table.
    """
    regions = _Regions(text)
    settled = _settled_end(text, regions)
    cut = text.rfind("\n", settled, max(settled, len(text) - size)) + 1
    if cut <= settled:
        return settled
    region = regions.around(cut)
    if region is not None:
        return max(settled, region)
    limit = max(settled, len(text) - _TABLE * size)
    while cut > limit and text.startswith("|", cut):
        cut = text.rfind("\n", settled, cut - 1) + 1
    return max(settled, cut)


_TABLE = 8
"""How many times the size that was asked for a table may be."""


def _settled_end(text: str, regions: _Regions) -> int:
    ends = (match.end() for match in reversed(list(_SETTLING.finditer(text))))
    return next((end for end in ends if regions.around(end) is None), 0)


# A line that begins a block of its own at the margin; the answer may still be writing it.
_SETTLING = re.compile(r"(?<=[^\n])\n\n+(?=\S)(?![-+*](?:\s|\Z)|\d{1,9}(?:[.)]|\Z)|\[)")

_REGION = re.compile(
    r"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,}|\$\$)(.*)$", re.MULTILINE
)


class _Regions:
    """Where fences and formulas begin, and where they end; an open one has no end."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        if any(mark in text for mark in ("```", "~~~", "$$")):
            self._find(text)

    def _find(self, text: str) -> None:
        starts, ends, opened = self._starts, self._ends, ""
        for match in _REGION.finditer(text):
            mark, rest = match[1], match[2].strip()
            if len(starts) == len(ends):
                starts.append(match.start())
                opened = mark
                if mark == "$$" and rest.endswith("$$"):
                    ends.append(match.end())
            elif mark.startswith(opened) and not rest:
                ends.append(match.end())
        if len(ends) < len(starts):
            ends.append(len(text) + 1)

    def around(self, at: int) -> int | None:
        """The start of the region that this place is in; None outside of all."""
        region = bisect_left(self._starts, at) - 1
        return self._starts[region] if region >= 0 and at < self._ends[region] else None
