"""Offsets in a text that is still arriving: the end of what is settled, and where a scan may begin.

Both are searches by pattern: cheap enough for each piece of text that arrives.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

from .blocks import strip_containers
from .line_ends import replace_line_separators
from .literals import CANDIDATE, MAX_CANDIDATES, has_many_candidates, open_details, open_literal

_MAX_CANDIDATES_AT_ONCE = 2_000
"""Candidates of a text that is split once: an answer may have many fences."""

_MAX_TABLE_SIZES = 4
"""How many times longer than `size` a table may be that `find_tail_start` does not cut."""


def find_settled_end(text: str) -> int:
    """Return the offset of the end of the blocks that no later text can change, in characters.

    It is after the last blank line that precedes a line at the margin, outside of fences and
    formulas; that line begins no list item and no link definition. It is 0 where there is none.
    This is one search by pattern: cheap enough for each piece of text that arrives.

    Args:
        text: markdown that is still arriving.
    """
    text = replace_line_separators(text)
    return _find_settled_end(text, _LiteralRegions(text))


def split_settled(text: str) -> list[str]:
    r"""Return the runs of blocks that no text after them can change, and the text after those.

    Example:
        >>> split_settled("a\n\nb\n\n- c\n\nd")
        ['a\n\n', 'b\n\n- c\n\n', 'd']
    """
    regions = _LiteralRegions(text, limit=_MAX_CANDIDATES_AT_ONCE)
    ends = [match.end() for match in _SETTLED.finditer(text)]
    cuts = [0, *(end for end in ends if regions.find_start(end) is None), len(text)]
    return [text[a:b] for a, b in pairwise(cuts)]


def find_tail_start(text: str, size: int) -> int:
    """Return the offset at which a scan of the end of a text may begin, in characters.

    It is the start of a line, inside no fence and no formula, and at the head of a table.

    Args:
        text: markdown that is still arriving.
        size: the longest scan in characters; a fence or a formula at the end may be longer, and a
            table 4 times as long.
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


class _LiteralRegions:
    """The ranges of fences, formulas, comments and details; an open one reaches beyond the end."""

    def __init__(self, text: str, limit: int = MAX_CANDIDATES) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        if has_many_candidates(text, limit=limit):
            self._starts, self._ends = [0], [len(text) + 1]
        elif CANDIDATE.search(text):
            self._scan(text)

    def _scan(self, text: str) -> None:
        literal, position = None, 0
        while match := CANDIDATE.search(text, position):  # one for each line
            start = text.rfind("\n", 0, match.start()) + 1
            position = text.find("\n", match.end()) + 1 or len(text) + 1
            content = strip_containers(text[start:position])
            if literal is not None and literal.is_abandoned(text, self._starts[-1], start):
                self._starts.pop()
                literal = None
            if literal is None:
                literal = open_literal(content) or open_details(content)
                self._starts += [start] * bool(literal)
            elif literal.ends_with(content):
                self._ends.append(position)
                literal = None
            if literal is not None and literal.may_end:
                next_line = literal.may_end.search(text, position)
                position = next_line.start() if next_line else len(text)
        if literal is not None:
            is_open = not literal.is_abandoned(text, self._starts[-1], len(text))
            self._ends.append(len(text) + 1 if is_open else 0)

    def find_start(self, offset: int) -> int | None:
        """Return the start of the region that contains this offset; None outside of all."""
        index = bisect_left(self._starts, offset) - 1
        return self._starts[index] if index >= 0 and offset < self._ends[index] else None
