"""Cells as a table of markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ..markdown.safe import SafeMarkdown, fill_safe, join_safe


def write_table(lines: Sequence[Sequence[SafeMarkdown]]) -> SafeMarkdown:
    r"""Return a table; its first line is the head.

    Args:
        lines: the cells by row, as many in each row; a cell has one line, and no ``|``.

    Example:
        >>> from cellmage.markdown.escape import escape_markdown
        >>> write_table([[escape_markdown("a")], [escape_markdown("b")]])
        '| a |\n| --- |\n| b |'
    """
    head, *rows = lines
    delimiters = [fill_safe("---")] * len(head)
    bars = [fill_safe("| {} |", join_safe(" | ", line)) for line in (head, delimiters, *rows)]
    return join_safe("\n", bars)
