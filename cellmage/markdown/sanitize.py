"""Markdown of a model, written anew so that it cannot act on the page that shows it.

JupyterLab trusts the output of a cell that was just run, and does not clean its markdown: raw HTML
would run, and an image would send a request. Parsers also disagree about markdown: what one takes
for code is HTML to another. So a text that may contain more than plain markdown is parsed once, and
the tree is written in a form that leaves parsers nothing to disagree about
(`cellmage.markdown.write_blocks`). Raw HTML becomes visible text, images become links that name
their host, and links lead to http, https and mailto only.

The result is judged by another parser, as it is and as JupyterLab's parser gets it. What that
parser sees as unsafe is escaped everywhere; no text is known for which this is needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken

from .blocks import Block, Blocks, split_lines
from .control_chars import normalize_line_ends
from .dialect import parse
from .links import is_safe_url
from .math import hide_formulas
from .safe import SafeMarkdown
from .tags import TAG
from .write_blocks import write_blocks, write_definition
from .write_inline import Context, may_load
from .write_text import escape_everything

__all__ = ["is_safe_url", "sanitize"]

_SPECIAL = re.compile(
    r"[<\\$&\t\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]"
    r"|\]\s*[(:\[]|!\[|://|www\.|@@|~"
    r"|^[ >]*+(?:[-+*]|\d+[.)])?+[ >]*+```(?:(?!\w*$)|`|(?:md|markdown|mermaid)$)"
    r"|^(?: {4}| *> *(?:`| {4}))"
    r"|^[^`\n]*+(?:`[^`|\n]*+`[^`\n]*+)*+`[^`|\n]*+\|[^`\n]*+`",  # code with a pipe
    re.IGNORECASE | re.MULTILINE,
)
"""Finds text that must be parsed; without a match a text is published as it is."""

_EMPHASIS_NEAR_WIDE = re.compile(r"[*_](?=[^\x00-\u10ff])|[^\x00-\u10ff][*_]")

_MAX_BLOCK_CHARS = 5_000
"""A longer block is no prose, and is escaped without a parser, which may take seconds for it."""

_MAX_BLOCK_BRACKETS = 300
"""A block with more opening brackets is treated in the same way: each may begin a link."""


def sanitize(markdown: str, image_hosts: Collection[str] = ()) -> SafeMarkdown:
    """Return markdown that shows the same text, and cannot act.

    It is pure and never raises. A text is sanitized once: in the result, some text is in tags. If a
    paragraph or a row of a table is longer than 5 000 characters, everything is escaped: links
    become text.

    Args:
        markdown: what a model wrote, complete or healed.
        image_hosts: hosts from which images may be loaded, in lower case.

    Example:
        >>> sanitize("a <script>x</script> b, if c < d")
        'a &lt;script>x&lt;/script> b, if c < d'
        >>> sanitize("![a cat](https://example.org/cat.png)")
        '[a cat (image at example.org)](https://example.org/cat.png)'
        >>> sanitize("![a cat](https://example.org/cat.png)", image_hosts=["example.org"])
        '![a cat](https://example.org/cat.png)'
    """
    if not _SPECIAL.search(markdown) and not _EMPHASIS_NEAR_WIDE.search(markdown):
        return SafeMarkdown(markdown)
    text = normalize_line_ends(markdown)
    if is_too_long(text):
        return _escape_unparsed(text)
    hosts = frozenset(image_hosts)
    written = _write(text, hosts)
    return SafeMarkdown(written) if _is_safe(written, hosts) else _escape_unparsed(text)


def _write(text: str, hosts: frozenset[str]) -> str:
    document = parse(text)
    blocks = write_blocks(document.tokens, Context(hosts))
    targets = document.references.items()
    definitions = "\n".join(write_definition(label, target) for label, target in targets)
    written = "\n\n".join(filter(None, (blocks, definitions)))
    return written + text[len(text.rstrip("\n")) :]


def is_too_long(text: str) -> bool:
    """Return whether parsers may take seconds for one of the blocks of a text."""
    return any(_is_block_too_long(block, text) for block in Blocks(text).blocks)


def _is_block_too_long(block: Block, text: str) -> bool:
    """Return whether parsers may take long for a block; in a table, for one of its rows."""
    if block.kind == "fence":
        return False
    source = text[block.start : block.end]
    pieces = split_lines(source) if block.kind == "table" else [source]
    return any(
        len(piece) > _MAX_BLOCK_CHARS or piece.count("[") > _MAX_BLOCK_BRACKETS for piece in pieces
    )


def _escape_unparsed(text: str) -> SafeMarkdown:
    """Escape everything: the last resort, for text that no parser looks at."""
    lines = text.split("\n")
    return SafeMarkdown("\n".join(escape_everything(line.strip(" \t")) for line in lines))


def _is_safe(written: str, hosts: frozenset[str]) -> bool:
    """Return whether another parser sees only what may be there, with and without formulas."""
    view, formulas = hide_formulas(written)
    return _is_safe_view(written, hosts) and (not formulas or _is_safe_view(view, hosts))


def _is_safe_view(text: str, hosts: frozenset[str]) -> bool:
    env: dict[str, Any] = {}
    tokens = _JUDGE.parse(text, env)
    children = (child for token in tokens for child in (token, *(token.children or ())))
    targets = env.get("references", {}).values()
    return all(_is_safe_token(token, hosts) for token in children) and all(
        is_safe_url(target["href"]) for target in targets
    )


def _is_safe_token(token: MarkdownToken, hosts: frozenset[str]) -> bool:
    if token.type == "link_open":
        return is_safe_url(str(token.attrs.get("href", "")))
    if token.type == "image":
        return may_load(str(token.attrs.get("src", "")), hosts)
    if token.type in ("html_block", "html_inline"):
        return not re.sub(r"</?(?:span|code)>", "", TAG.sub("", token.content)).count("<")
    return True


def _make_judge() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
    # By default it makes no links of some URLs, which other parsers do: all must be seen here.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser.enable(["table", "strikethrough"])


_JUDGE = _make_judge()
