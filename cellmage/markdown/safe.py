"""Markdown and HTML that cannot act: the only types that are published.

A value of these types is made from foreign text by `cellmage.markdown.sanitize` and
`cellmage.markdown.escape`, and is put together here. mypy proves that nothing else gets to the
page; tests/test_layering.py proves that no other module makes such a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType

SafeMarkdown = NewType("SafeMarkdown", str)
"""Markdown that cannot act where it is shown: no script, no request, no look of another text."""

SafeHTML = NewType("SafeHTML", SafeMarkdown)
"""HTML that cannot act. It has no empty line, so it is also markdown (CommonMark 4.6)."""

EMPTY = SafeMarkdown("")


def join_safe(separator: str, pieces: Iterable[SafeMarkdown]) -> SafeMarkdown:
    """Return the pieces, joined.

    Args:
        separator: a literal.
        pieces: safe markdown; what is open at the end of a piece must not change the next one.

    Example:
        >>> join_safe("<br>", [SafeMarkdown("a"), EMPTY, SafeMarkdown("b")])
        'a<br><br>b'
    """
    return SafeMarkdown(separator.join(pieces))


def join_blocks(*blocks: SafeMarkdown) -> SafeMarkdown:
    r"""Return the blocks that are not empty, with an empty line between two.

    Example:
        >>> join_blocks(SafeMarkdown("a"), EMPTY, SafeMarkdown("b"))
        'a\n\nb'
    """
    return join_safe("\n\n", filter(None, blocks))


def fill_safe(template: str, *pieces: SafeMarkdown) -> SafeMarkdown:
    """Return a template with the pieces in the places of its ``{}``.

    Args:
        template: a literal; no text from outside is ever a part of it.
        pieces: safe markdown.

    Example:
        >>> fill_safe("*{}*", SafeMarkdown("a"))
        '*a*'
    """
    return SafeMarkdown(template.format(*pieces))


def fill_html(template: str, *pieces: SafeMarkdown) -> SafeHTML:
    """Return a template of HTML, as `fill_safe` does; no piece has an empty line."""
    return SafeHTML(fill_safe(template, *pieces))
