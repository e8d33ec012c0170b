"""The lines below an answer: its sources, folded, and small lines about it. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ..markdown.escape import escape_destination, escape_markdown
from ..markdown.safe import EMPTY, SafeMarkdown, fill_safe, join_safe
from ..text import clean_message, truncate

_SHORT_CHARS = 70
"""A longer line is not joined with others."""

_PASSAGE_CHARS = 400
"""Characters of a passage that a page shows; the documents of the answer have all of it."""

# An opacity is readable in light and dark themes. Where a front end removes styles, as GitHub does,
# the text is small all the same.
_SMALL = '<small style="opacity:0.7">{}</small>'

_FOLDED = "<details><summary>{}</summary>\n\n{}\n\n</details>"


class Source(NamedTuple):
    """A passage that was found for an answer.

    Args:
        title: the title of its document.
        address: the path or the URL of the document, with a line number; may be empty.
        passage: the text of the passage.
    """

    title: str
    address: str
    passage: str = ""


def join_short_lines(lines: Iterable[str]) -> list[str]:
    """Return the lines, with neighbours that are short joined to one.

    Example:
        >>> join_short_lines(["one", "two", 71 * "-"])[0]
        'one · two'
    """
    clean = [" ".join(clean_message(line).split()) for line in lines]
    groups = groupby(filter(None, clean), key=lambda line: len(line) <= _SHORT_CHARS)
    return [line for is_short, group in groups for line in _join(is_short, group)]


def _join(is_short: bool, lines: Iterable[str]) -> Iterable[str]:
    return [" · ".join(lines)] if is_short else lines


def small_lines(lines: Sequence[str]) -> SafeMarkdown:
    """Return lines as small grey markdown; text between backquotes is code.

    Example:
        >>> small_lines(["`model` answered."])
        '<small style="opacity:0.7"><code>model</code> answered.</small>'
    """
    return fill_safe(_SMALL, join_safe("<br>", map(_inline, lines))) if lines else EMPTY


def _inline(line: str) -> SafeMarkdown:
    pieces = [_escape_between(piece) for piece in line.split("`")]
    if len(pieces) % 2 == 0:  # a backquote without its pair is text
        return escape_markdown(line)
    pieces[1::2] = [fill_safe("<code>{}</code>", piece) for piece in pieces[1::2]]
    return join_safe("", pieces)


def _escape_between(text: str) -> SafeMarkdown:
    """Return a piece of a line as markdown, with the spaces at its ends."""
    start, end = text[:1].isspace(), text[-1:].isspace() and bool(text.strip())
    pieces = [EMPTY] * start + [escape_markdown(text)] + [EMPTY] * end
    return join_safe(" ", pieces)


# Sources.


def sources_markdown(sources: Sequence[Source]) -> SafeMarkdown:
    """Return a numbered list of the sources, folded, with their passages."""
    if not sources:
        return EMPTY
    count = escape_markdown(f"{len(sources)} source" + "s" * (len(sources) > 1))
    items = [
        fill_safe("{}. {}", escape_markdown(str(number)), _source_item(source))
        for number, source in enumerate(sources, 1)
    ]
    return fill_safe(_FOLDED, fill_safe(_SMALL, count), join_safe("\n", items))


def source_lines(sources: Sequence[Source]) -> list[str]:
    """Return a line for each source, for a terminal and for plain text.

    Example:
        >>> source_lines([Source("Tides", "notes/tides.md:7", "High water is at noon.")])
        ['[1] Tides (notes/tides.md:7)']
    """
    return [
        " ".join(clean_message(f"[{number}] {title} ({address})").split())
        for number, (title, address, _) in enumerate(sources, 1)
    ]


def _source_item(source: Source) -> SafeMarkdown:
    title, address = escape_markdown(source.title), escape_markdown(source.address)
    link = _page_link(source.address)
    title = fill_safe("[{}](<{}>)", title or address, link) if link else title
    passage = escape_markdown(truncate(source.passage, _PASSAGE_CHARS))
    head = join_safe(" ", filter(None, [fill_safe("<b>{}</b>", title), address]))
    return join_safe("<br>", [head, fill_safe(_SMALL, passage)] if passage else [head])


def _page_link(address: str) -> SafeMarkdown:
    """Return where a page finds a source: a URL, or a file that Jupyter serves; or ""."""
    if address.startswith(("http://", "https://")):
        return escape_destination(address)
    file = address.rpartition(":")[0] or address
    path = os.path.relpath(file) if file else os.pardir
    # Front ends resolve links against the notebook's folder, and serve nothing above it.
    is_served = not path.startswith(os.pardir) and os.path.exists(path)
    return escape_destination(path) if is_served else EMPTY
