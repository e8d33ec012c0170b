"""What to show of a markdown text that is still arriving.

The rule: what is on the page is a prefix of what will be on the page at the end. So what is open
is closed, and what may still turn into something else is held back until it is known.
"""

from __future__ import annotations

import re

from .blocks import Block, Blocks, content_of, tail_start
from .inline import Delimiter, Inline, Scanner, is_mark

# Beginnings of a line that say nothing yet, without its quotes and list markers.
_UNDECIDED = re.compile(
    r"(?:"
    r"[-+*]"  # a list, a rule, an underline, emphasis
    r"|\d{1,9}[.)]?"  # a numbered list, a number
    r"|#{1,6}"  # a heading
    r"|[ \t]*>"  # a quote
    r"|=+|(?:-[ \t]*)+|(?:\*[ \t]*)+|(?:_[ \t]*)+"  # underlines and rules
    r"|`{1,2}|`{3,}[^`]*|~+[^~]*"  # the opening line of a fence
    r"|\$\$?"  # a formula
    r"|\[[^\[\]]*\]:.*"  # a definition
    r"|\[[ xX]?\]?"  # a task
    r"|\|.*"  # the head of a table
    r"|[-:|][-:| \t]*"  # its delimiter row
    r")[ \t]*\Z",
    re.DOTALL,
)
_CLOSING_HASHES = re.compile(r"(?<=[ \t])#")
_BARE_URL = re.compile(r"(?:https?://|www\.)\S*\Z")
_PIPE = re.compile(r"(?<!\\)\|")
_OPEN_TICKS = re.compile(r"(?<!`)(`+)(?!`)(?!.*(?<!`)\1(?!`)).*\Z", re.DOTALL)
_LONG = 10_000
"""Characters at the end of a text that are looked at; a longer block is shown as it stands."""

_ZWJ = "\u200d"
_NOTHING = "\u200b"
"""A mark of no width, where a block is known to begin and none of its text may be shown."""

_HAIR = "\u200a"
"""A space as thin as a hair: keeps the cursor apart from what it would become a part of."""


def heal(text: str, cursor: str = "") -> str:
    """The markdown to show for a text that is still arriving; pure, and never raises.

    Args:
        text: the text so far.
        cursor: a mark to put where the text goes on, wherever it does no harm.

    Example:
        >>> heal("Some **bold te"), heal("Two things:\\n-"), heal("see [the docs](https://exa")
        ('Some **bold te**', 'Two things:\\n', 'see the docs')
    """
    if not text:
        return cursor
    settled = tail_start(text, _LONG)
    # What is closed or cut may leave something new at the end: go on until nothing changes.
    seen = [text[settled:]]
    while (shown := _heal(seen[-1], "")) not in seen:
        seen.append(shown)
    stable = min(seen[seen.index(shown) :], key=len)
    return text[:settled] + (_heal(stable, cursor) if stable else "")


def _heal(text: str, cursor: str) -> str:
    head_end = text.rfind("\n") + 1
    blocks = Blocks(text[:head_end])
    line = text[head_end:]
    last = blocks.last
    if last is not None and last.is_open and last.kind == "fence":
        return _in_fence(text, head_end, last, cursor)
    if last is not None and last.is_open and last.kind == "math":
        return _put(text[: last.start], cursor)
    known = _known(line, last)
    if known:
        return _in_line(text[:head_end] + known, head_end, blocks, cursor)
    return _after_line(text[:head_end], line, blocks, cursor)


def _known(line: str, last: Block | None) -> str:
    """What may be shown of the last line as far as its beginning decides; inline is seen later."""
    if last is not None and last.kind == "table" and last.is_open:
        return "" if line.strip(" \t>") in ("", "|") else line
    content = line.lstrip(" \t>")
    if not content.strip() or _UNDECIDED.match(content):
        return ""
    rest = content_of(line)
    if not _UNDECIDED.match(rest):
        return line
    # The marker of a list is certain, what the item begins with is not.
    return "" if not rest.strip("-*_ \t") else line[: line.rindex(rest)] + _NOTHING


def _in_fence(text: str, head_end: int, block: Block, cursor: str) -> str:
    """Code is shown as it is, but for a line that may become the end of the fence."""
    line = text[head_end:].lstrip(" \t>").rstrip()
    if line and not line.strip(block.mark[0]):
        text = text[:head_end]
    return _put(text, cursor)


def _after_line(text: str, line: str, blocks: Blocks, cursor: str) -> str:
    """Nothing of the last line may be shown: the block above it is what is seen."""
    last = blocks.last
    if last is None:
        return ""
    if last.kind == "paragraph" and last.is_open:
        row = text.rfind("\n", 0, len(text) - 1) + 1
        if _is_row(text, row) and not _is_row_above(text, row) and not line.strip(" \t>-:|"):
            text = text[:row]  # the head of a table, until its delimiter row is there
        return _paragraph(text, last, blocks, cursor) if text[last.start :] else text
    return _put(text, cursor) if last.mark == "#" else text


def _is_row(text: str, start: int) -> bool:
    return content_of(text[start : text.find("\n", start)]).startswith("|")


def _is_row_above(text: str, start: int) -> bool:
    return start > 0 and _is_row(text, text.rfind("\n", 0, start - 1) + 1)


def _in_line(text: str, head_end: int, blocks: Blocks, cursor: str) -> str:
    whole = Blocks(text)
    block = whole.blocks[-1]
    if block.kind == "table":
        return _row(text, head_end, blocks, cursor)
    if block.kind == "heading":
        shown = text.rstrip("# \t")
        if match := _CLOSING_HASHES.search(text, len(shown)):  # every run of them, in one go
            text = text[: match.start()]
    return _paragraph(text, block, blocks, cursor)


def _row(text: str, head_end: int, blocks: Blocks, cursor: str) -> str:
    """The row of a table: GFM ends a cell at every pipe that is not escaped, even in code."""
    cell = max((match.end() for match in _PIPE.finditer(text, head_end)), default=head_end)
    ticks = _OPEN_TICKS.search(text, cell)
    shown = text[: ticks.start()] if ticks else text
    return text[:cell] + _inline(shown[cell:], blocks, cursor)


def _paragraph(text: str, block: Block, blocks: Blocks, cursor: str) -> str:
    shown = _inline(text[block.start :], blocks, cursor)
    if not shown and text.endswith("]"):
        shown = _NOTHING + cursor
    return text[: block.start] + shown


def _inline(text: str, blocks: Blocks, cursor: str) -> str:
    """The inline text of an open block, closed and cut."""
    if len(text) > _LONG:
        return text + cursor
    found = Scanner(text, is_open=True, labels=blocks.labels).scan()
    body = _body(text, found).rstrip("!" + _ZWJ)
    openers = []
    opener = found.delimiters
    while opener is not None:
        openers.append(opener)
        opener = opener.below
    return _close(body, openers, cursor)


def _body(text: str, found: Inline) -> str:
    if found.bare is None:
        body = text[: found.cut]
    else:
        begin, end = found.bare
        body = text[: found.cut] + text[begin:end]
    if found.spans and found.spans[-1].kind == "open code":
        _, start, end, _ = found.spans[-1]
        body = body.rstrip() + text[start:end]
    return body


def _close(body: str, openers: list[Delimiter], cursor: str) -> str:
    shown = body.rstrip()
    space = body[len(shown) :]
    if openers and shown[-1:] in {opener.char for opener in openers}:
        shown = shown.rstrip("*_~ ")  # literal, but a mark behind it would make one run of both
    while openers and len(shown) <= openers[0].start + openers[0].length:
        shown = shown[: openers[0].start].rstrip()
        openers = openers[1:]
    marks = "".join(opener.char * opener.length for opener in openers)
    return _with_cursor(shown, cursor) + marks + space if shown else shown


def _with_cursor(shown: str, cursor: str) -> str:
    if cursor and shown and (is_mark(shown[-1]) or _BARE_URL.search(shown)):
        return shown + _HAIR + cursor
    return shown + cursor


def _put(text: str, cursor: str) -> str:
    """The cursor behind the last visible character, before line ends."""
    shown = text.rstrip("\n")
    return shown + cursor + text[len(shown) :] if shown else text
