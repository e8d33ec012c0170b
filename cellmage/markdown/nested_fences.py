"""Fences of markdown that contain other fences, as models write a README.

To CommonMark (4.5), the first bare fence inside ends the outer one, and text and code change
places. Here an inner fence with an info string opens, and a bare one closes the innermost.
"""

from __future__ import annotations

import re

NESTING_INFO = re.compile(r"(`{3,})[ \t]*(?:markdown|md)[ \t]*$", re.IGNORECASE)
"""Matches the line that opens such a fence, without its indentation."""

_FENCE = re.compile(r"[ \t>]*(`{3,})[ \t]*([^`\n]*?)[ \t]*$")


class NestedFence:
    """A fence whose lines are read one after the other.

    Args:
        line: the line that opens it, without its indentation.

    Example:
        >>> fence = NestedFence("```markdown")
        >>> [fence.ends_with(line) for line in ["```bash", "ls", "```", "```"]]
        [False, False, False, True]
    """

    def __init__(self, line: str) -> None:
        match = _FENCE.match(line.rstrip())
        assert match  # the caller saw that it opens a fence
        self.marker, self.info = match[1], match[2]
        self._lengths = [len(self.marker)]

    def ends_with(self, line: str) -> bool:
        """Return whether the fence ends with this line, after all lines before it."""
        match = _FENCE.match(line.rstrip())
        if match is None or len(match[1]) < len(self.marker):
            return False
        if match[2]:
            self._lengths.append(len(match[1]))
        elif len(match[1]) >= self._lengths[-1]:
            self._lengths.pop()
        return not self._lengths
