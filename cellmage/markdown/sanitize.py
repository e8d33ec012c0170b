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
from functools import lru_cache
from itertools import islice
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken

from .blocks import Block, find_blocks, split_lines
from .dialect import parse
from .line_ends import normalize_line_ends
from .links import is_safe_url
from .literals import has_deep_line, has_many_candidates
from .long_blocks import Piece, split_long_block
from .math import hide_formulas
from .safe import SafeMarkdown, join_safe
from .settled import split_settled
from .tags import TAG
from .write_blocks import write_blocks, write_code, write_definition
from .write_inline import Context, may_load
from .write_text import escape_everything

__all__ = ["is_safe_url", "sanitize"]

_SPECIAL = re.compile(
    r"[<\\$&\t\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]"
    r"|\]\s*[(:\[]|!\[|://|www\.|@@|~"
    r"|^[ >+*\-\d.)]*+```(?:(?!\w*$)|`|(?:md|markdown|mermaid)$)"
    r"|^(?: {4}| *> *(?:`| {4}))"
    r"|^[^`\n]*+(?:`[^`|\n]*+`[^`\n]*+)*+`[^`|\n]*+\|[^`\n]*+`",  # code with a pipe
    re.IGNORECASE | re.MULTILINE,
)
"""Finds text that must be parsed; without a match a text is published as it is."""

_EMPHASIS_NEAR_WIDE = re.compile(r"[*_](?=[^\x00-\u10ff])|[^\x00-\u10ff][*_]")

_MAX_BLOCK_CHARS = 5_000
"""A longer block is no prose, and is escaped without a parser, which may take seconds for it."""

MAX_LINES = 128
"""Lines of a run of blocks that is parsed as a whole; code does not count."""

_MAX_CODE_LINES = 2_000
"""Lines of a run that is looked at line by line, code included."""

_CACHED_PIECES = 512
"""Pieces of long lists and tables that are kept: those of a few answers."""

_FENCE = re.compile(
    r"^(`{3,}+|~{3,}+)(?![^\n]*`)([^\n]*)\n(.*?)(?:^\1[`~]*[ \t]*(?:\n|\Z)|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""Matches a fence at the margin; groups 2 and 3 are its info string and its code."""

_MAX_FENCES = 1_000
"""Fences of a text that takes long to parse; what follows them is escaped."""

_MAX_BLOCK_BRACKETS = 200
"""A block with more opening brackets is treated in the same way: each may begin a link."""


_CONTAINERS = re.compile(r"^[ \t]*(?:(?:>|[-+*]|\d{1,9}[.)])[ \t]*)*", re.MULTILINE)
_MAX_CONTAINER_CHARS = 2_000
"""Characters of quotes, list markers and indentation in a text that is parsed as a whole."""

_MARKS = "!#$%&*+:<=>@[\\]^_`{}~|-"
_MAX_MARKS = 1_200
"""Characters of a text that is parsed as a whole at which parsers stop to look for more."""


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
    if _is_plain(markdown):
        return SafeMarkdown(markdown)
    hosts = frozenset(image_hosts)
    text = normalize_line_ends(markdown)
    runs = split_settled(text) if text.count("\n") > MAX_LINES else [text]
    if not any(map(_has_many_lines, runs)):
        return _write_safely(text, hosts)
    return join_safe("", (_write_run(run, hosts) for run in runs))


def _is_plain(markdown: str) -> bool:
    return not (_SPECIAL.search(markdown) or _EMPHASIS_NEAR_WIDE.search(markdown))


def _is_hostile(run: str) -> bool:
    """Return whether a run is not looked at line by line, as that would take long."""
    return run.count("\n") > _MAX_CODE_LINES or has_many_candidates(run)


def _has_many_lines(run: str) -> bool:
    """Return whether parsers take long for a run: in a fence they only look for its end."""
    if run.count("\n") <= MAX_LINES or _is_hostile(run):
        return run.count("\n") > MAX_LINES
    prose = (block for block in find_blocks(run).blocks if block.kind != "fence")
    return sum(run.count("\n", block.start, block.end) for block in prose) > MAX_LINES


def _write_run(run: str, hosts: frozenset[str]) -> SafeMarkdown:
    """Write blocks that belong together: a long list or table in pieces, each of them once."""
    if not _has_many_lines(run):
        return _write_safely(run, hosts)
    if _is_hostile(run):
        return _write_fences_alone(run)
    return _write_pieces(run, hosts)


def _write_pieces(run: str, hosts: frozenset[str]) -> SafeMarkdown:
    *complete, last = split_long_block(run)
    if not complete:
        return _write_fences_alone(run)
    written = [*(_write_once(piece, hosts) for piece in complete), _write_piece(last, hosts)]
    return join_safe("", written)


def _write_piece(piece: Piece, hosts: frozenset[str]) -> SafeMarkdown:
    lines = _write_safely(piece.source, hosts).splitlines(keepends=True)
    return SafeMarkdown("".join(lines[piece.head_lines :]))


_write_once = lru_cache(maxsize=_CACHED_PIECES)(_write_piece)


def _write_safely(text: str, hosts: frozenset[str]) -> SafeMarkdown:
    if _is_plain(text):
        return SafeMarkdown(text)
    if is_too_long(text):
        return _write_long(text, hosts)
    written = _write(text, hosts)
    return SafeMarkdown(written) if _is_safe(written, hosts) else _escape_unparsed(text)


def _write_long(text: str, hosts: frozenset[str]) -> SafeMarkdown:
    """Write one by one what takes long to parse as a whole: the runs of blocks, or pieces."""
    runs = split_settled(text)
    if len(runs) == 1:
        return _write_pieces(text, hosts)
    return join_safe("", (_write_safely(run, hosts) for run in runs))


def _write_fences_alone(text: str) -> SafeMarkdown:
    """Write the fences of a text, and escape all else: for a text that takes long to parse."""
    pieces, position = [], 0
    for fence in islice(_FENCE.finditer(text), _MAX_FENCES):
        code = f"{write_code(fence[2], fence[3])}\n"
        pieces += [_escape_unparsed(text[position : fence.start()]), SafeMarkdown(code)]
        position = fence.end()
    return join_safe("", [*pieces, _escape_unparsed(text[position:])])


def _write(text: str, hosts: frozenset[str]) -> str:
    document = parse(text)
    blocks = write_blocks(document.tokens, Context(hosts))
    targets = document.references.items()
    definitions = "\n".join(write_definition(label, target) for label, target in targets)
    written = "\n\n".join(filter(None, (blocks, definitions)))
    return written + text[len(text.rstrip("\n")) :]


def is_too_long(text: str) -> bool:
    """Return whether parsers take too long for a text, or may take seconds for a block of it."""
    if has_deep_line(text):
        return True
    blocks = [block for block in find_blocks(text).blocks if block.kind != "fence"]
    prose = "".join(text[block.start : block.end] for block in blocks)
    return (
        sum(map(prose.count, _MARKS)) > _MAX_MARKS
        or sum(map(len, _CONTAINERS.findall(prose))) > _MAX_CONTAINER_CHARS
        or any(_is_block_too_long(block, text) for block in blocks)
    )


def _is_block_too_long(block: Block, text: str) -> bool:
    """Return whether parsers may take long for a block; in a table, for one of its rows."""
    source = text[block.start : block.end]
    pieces = split_lines(source) if block.kind == "table" else [source]
    return any(
        len(piece) > _MAX_BLOCK_CHARS or piece.count("[") > _MAX_BLOCK_BRACKETS for piece in pieces
    )


def _escape_unparsed(text: str) -> SafeMarkdown:
    """Escape everything: the last resort, for text that no parser looks at."""
    lines = "\n".join(line.strip(" \t") for line in text.split("\n"))
    return SafeMarkdown(escape_everything(lines))


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
