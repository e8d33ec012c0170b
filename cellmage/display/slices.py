"""How much of a text that arrived at once a frame adds: what it costs, not how long it is.

To write all of it in one frame would keep the page, and whoever reads it, waiting.
"""

from __future__ import annotations

import re
from itertools import islice

SLICE_CHARS = 3_000
"""Characters that a frame adds at most, if the text is short."""

_MAX_SLICES = 20
"""The slices of a text that arrived at once, if it is ordinary."""

_SLICE_MARKS = 700
"""Marks that a frame adds at most, if the text is short; ordinary text has less in a slice."""

_MAX_MARK_SLICES = 150
"""The slices of a text of nothing but marks."""

_TAIL_SHARE = 8
"""A frame may add this share of the marks that it writes anyway."""

_MARKS = "!#$%&*+:<=>@[\\]^_`{}~|\n-"
"""At these characters parsers stop to look for more."""

_MARK = re.compile(f"[{re.escape(_MARKS)}]")


def find_slice_end(pending: str, tail: str) -> int:
    """Return the offset up to which a frame takes a text that is pending.

    A text that is longer, or does not settle, is taken in larger slices: their number counts, too.

    Args:
        pending: the text that no frame has shown.
        tail: the text before it that is not settled, and is written anew in each frame.

    Example:
        >>> find_slice_end("a " * 5_000, ""), find_slice_end("$a" * 5_000, "")
        (3000, 1400)
    """
    chars = max(SLICE_CHARS, len(pending) // _MAX_SLICES, len(tail))
    tail_marks = sum(map(tail.count, _MARKS))
    marks = max(_SLICE_MARKS, len(pending) // _MAX_MARK_SLICES, tail_marks // _TAIL_SHARE)
    beyond = next(islice(_MARK.finditer(pending, 0, chars), marks, None), None)
    return beyond.start() if beyond else min(chars, len(pending))
