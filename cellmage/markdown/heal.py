"""The markdown to show for a text that is still arriving.

The rule: the visible text is a prefix of the final visible text. So an open construct is closed,
and text that may still turn into something else is held back until its meaning is certain.
"""

from __future__ import annotations

import re

from .blocks import Block, Blocks, find_blocks, strip_containers
from .emphasis import Delimiter, is_punctuation
from .fences import close_fences
from .formulas import OPENING, PIPE, find_pipe, hide_code_in_row
from .inline import Inline, Scanner
from .line_ends import replace_line_separators
from .literals import count_details, has_many_candidates, has_many_lines
from .settled import find_tail_start

# Beginnings of a line, without its quotes and list markers, that decide nothing yet.
_AMBIGUOUS_START = re.compile(
    r"(?:"
    r"[-+*]"  # a list item, a thematic break, a setext underline, emphasis
    r"|\d{1,9}[.)]?"  # an item of an ordered list, a number
    r"|#{1,6}"  # an ATX heading
    r"|[ \t]*>"  # a quote
    r"|=+|(?:-[ \t]*)+|(?:\*[ \t]*)+|(?:_[ \t]*)+"  # setext underlines and thematic breaks
    r"|`{1,2}|`{3,}[^`]*|~{1,2}|~{3,}.*"  # the opening line of a fence
    r"|\$\$?|\\(?:\[|b[a-z]*\{?[A-Za-z]*\*?)?"  # a formula
    r"|<!?-*"  # a comment
    r"|\[[^\[\]]*\]:[ \t]*<?(?:\S{0,7}|(?:https?://|mailto:).*)"  # a link definition
    r"|\[[ xX]?\]?"  # a task
    r"|\|.*"  # the head of a table
    r"|[-:|][-:| \t]*"  # the delimiter row of a table
    r")[ \t]*\Z",
    re.DOTALL,
)
_DIAGRAM = re.compile(
    r"([ \t>]*(?:[-+*\d.)]+[ \t]+)*(?:`{3,}|~{3,}))([ \t]*mermaid\b[^\n]*)", re.IGNORECASE
)
_CLOSING_HASHES = re.compile(r"(?<=[ \t])#")
_BARE_URL = re.compile(r"(?:https?://|www\.)\S*\Z")
_OPEN_BACKTICKS = re.compile(r"(?<!`)(`+)(?!`)(?!.*(?<!`)\1(?!`)).*\Z", re.DOTALL)
_EMPTY_DETAILS = re.compile(r"<details(?: open)?>\s*(?:<\w+>\s*)*\Z")
"""Matches a block without a summary yet: the browser would show a word of its own for it."""

_MAX_CHARS = 10_000
"""Characters at the end of a text that are scanned; a longer block is shown as it is."""

_MAX_MARKS = 1_500
"""Marks of a block that is scanned; a block with more is published as plain text anyway."""

_MAX_ROW_CHARS = 5_000
"""Characters of a row that is scanned; a longer one is published as plain text anyway."""

_MAX_CANDIDATES = 300
"""Lines at the end of a text that may open or end code and formulas; it may be scanned often."""

_MAX_LINES = 1_000
"""Lines at the end of a text that are scanned, beside those of a fence."""

_MAX_DETAILS = 20
"""Blocks in blocks that are closed; beyond that their tags are text."""

_PASS_MARKS = 5_000
_MIN_PASSES = 3
"""Passes over a text: as many as these marks allow, and this number at least."""

_MARK = re.compile(r"[\\`$<&!\[\]*_~\n]")
_CHARS_PER_MARK = 10
"""Characters that are scanned in the time for a mark."""

_ZERO_WIDTH_JOINER = "\u200d"
_ZERO_WIDTH = "\u200b"
"""A space of no width: it shows a block of which no text may be shown yet."""

_HAIR_SPACE = "\u200a"
"""A space that keeps the cursor apart from text that it would become a part of."""


def heal(text: str, cursor: str = "") -> str:
    r"""Return the markdown to show for a text that is still arriving.

    It is pure and never raises; without a cursor, healing the result again changes nothing. Blocks
    before the last one are returned as they are; nor is a block above 10 000 characters healed.

    Args:
        text: the text so far, of any length.
        cursor: a mark to place at the end of the visible text, for example ``"▌"``; it is left out
            where it would change the meaning of the markdown.

    Example:
        >>> heal("Some **bold te"), heal("Two things:\n-"), heal("see [the docs](https://exa")
        ('Some **bold te**', 'Two things:\n', 'see the docs')
        >>> heal("Some **bold te", cursor="▌")
        'Some **bold te▌**'
    """
    if not text:
        return cursor
    text = replace_line_separators(text)
    start = find_tail_start(text, _MAX_CHARS)
    is_hostile = has_many_candidates(text, start, _MAX_CANDIDATES)
    if is_hostile or has_many_lines(text, start, _MAX_LINES):
        return text + cursor
    stable = _find_stable(text[start:])
    healed = _heal_once(stable, cursor) if stable else _cursor_of_held_formula(text[start:], cursor)
    return text[:start] + _close_details(healed)


def _find_stable(text: str) -> str:
    """Return what healing again and again leads to.

    A text that was closed or cut may end with another open construct. In a cycle of several texts,
    the shortest shows the least. A hostile text may need a pass for each of its characters.
    """
    tails = [text]
    marks = 1 + len(text) // _CHARS_PER_MARK + len(_MARK.findall(text))
    for _ in range(max(_MIN_PASSES, _PASS_MARKS // marks)):
        tail = _heal_once(tails[-1], "")
        if tail in tails:
            return min(tails[tails.index(tail) :], key=len)
        tails.append(tail)
    return tails[-1]


def _close_details(text: str) -> str:
    """Return the text with the tags that end what `<details>` opened, outside of code."""
    if "<details" not in text:
        return text
    prose = (
        text[block.start : block.end] for block in find_blocks(text).blocks if not block.literal
    )
    depth = count_details("".join(prose))
    return close_fences(text) + "\n\n</details>" * depth if 0 < depth <= _MAX_DETAILS else text


def _heal_once(text: str, cursor: str) -> str:
    line_start = text.rfind("\n") + 1
    blocks = find_blocks(text[:line_start])
    line = text[line_start:]
    last = blocks.last
    if last is not None and last.is_open and last.kind == "fence":
        return _heal_fence(text, line_start, last, cursor)
    if last is not None and last.is_open and _is_held(last, text):
        return _place_cursor(text[: last.start], cursor)
    if showable := _showable_line(line, last):
        return _with_last_line(text[:line_start] + showable, line_start, blocks, cursor)
    return _without_last_line(text[:line_start], line, blocks, cursor)


def _cursor_of_held_formula(text: str, cursor: str) -> str:
    """Return the cursor for a text of which nothing may be shown: only where a formula begins."""
    last = find_blocks(text[: text.rfind("\n") + 1]).last
    return cursor if last is not None and last.is_open and _is_held(last, text) else ""


def _is_held(block: Block, text: str) -> bool:
    """Return whether nothing of an open block is shown: a formula or a comment without an end."""
    literal = block.literal
    return literal is not None and not literal.is_abandoned(text, block.start, len(text))


def _showable_line(line: str, last: Block | None) -> str:
    """Return the part of the last line whose block is certain; inline markdown is not considered.

    Args:
        line: the last line of the text.
        last: the block before it.
    """
    if last is not None and last.kind == "table" and last.is_open:
        return "" if line.strip(" \t>") in ("", "|") else line
    content = line.lstrip(" \t>")
    if not content.strip() or _AMBIGUOUS_START.match(content):
        return ""
    content = strip_containers(line)
    if not _AMBIGUOUS_START.match(content):
        return line
    # The marker of a list is certain, the first block of its item is not.
    return "" if not content.strip("-*_ \t") else line[: line.rindex(content)] + _ZERO_WIDTH


def _heal_fence(text: str, line_start: int, block: Block, cursor: str) -> str:
    """Return code as it is, without a last line that may become the end of the fence.

    A diagram is shown as code until its fence is closed: half of one is an error to Mermaid.
    """
    if match := _DIAGRAM.match(text, block.start):
        text, line_start = text[: match.end(1)] + text[match.end() :], line_start - len(match[2])
    line = text[line_start:]
    # Blanks that are less than the indentation of a list item would end the fence.
    if not line.strip() or not line.lstrip(" \t>").rstrip().strip(block.marker[0]):
        text = text[:line_start]
    return _place_cursor(text, cursor)


def _without_last_line(text: str, line: str, blocks: Blocks, cursor: str) -> str:
    """Return the text of which nothing in the last line may be shown.

    Args:
        text: the text before the last line.
        line: the last line.
        blocks: the blocks of the text.
        cursor: the mark at the end of the visible text.
    """
    last = blocks.last
    if last is None:
        return ""
    if last.kind == "paragraph" and last.is_open:
        if not line.strip(" \t>-:|"):  # it may become the delimiter row of a table
            text = _before_pipe(text, text.rfind("\n", 0, len(text) - 1) + 1)
        return _heal_paragraph(text, last, blocks, cursor) if text[last.start :] else text
    return _place_cursor(_without_closing_hashes(text), cursor) if last.marker == "#" else text


def _with_last_line(text: str, line_start: int, blocks: Blocks, cursor: str) -> str:
    """Return the text with its last line, whose block is certain.

    Args:
        text: the text with the part of the last line that may be shown.
        line_start: the offset of the last line.
        blocks: the blocks before the last line.
        cursor: the mark at the end of the visible text.
    """
    block = blocks.with_line(text[line_start:]).blocks[-1]
    if block.kind == "table":
        return _heal_row(text, line_start, blocks)
    if block.kind == "heading":
        text = _without_closing_hashes(text)
    elif block.kind == "paragraph":
        text = _before_pipe(text, line_start)
    return _heal_paragraph(text, block, blocks, cursor)


def _without_closing_hashes(text: str) -> str:
    """Return a text that ends with an ATX heading, without the hashes that may close it (4.2)."""
    line_end = "\n" * text.endswith("\n")
    content_end = len(text.rstrip("# \t\n"))
    match = _CLOSING_HASHES.search(text, content_end)  # all runs of them at once
    return text[: match.start()].rstrip() + line_end if match else text


def _before_pipe(text: str, line_start: int) -> str:
    """Return the text up to a pipe in the last line, which may become the head of a table.

    The text before it is that of the first cell. A line after one with a pipe is not a head.
    """
    if len(text) - line_start > _MAX_CHARS:
        return text
    line_before = text.rfind("\n", 0, max(line_start - 1, 0)) + 1
    if line_start and find_pipe(text[line_before:line_start]) is not None:
        return text
    pipe = find_pipe(text[line_start:])
    return text if pipe is None else text[: line_start + pipe]


def _heal_row(text: str, line_start: int, blocks: Blocks) -> str:
    """Heal the last cell, up to an open code or formula: a pipe in them ends no cell.

    A table has no cursor: in a narrow cell it would change the width of every column.
    """
    if len(text) - line_start > _MAX_ROW_CHARS:
        return text
    row, is_open = hide_code_in_row(text[line_start:])
    if backticks := _OPEN_BACKTICKS.search(row):
        row = row[: backticks.start()]
    text = text[: line_start + len(row)]
    cell = line_start + max((match.end() for match in PIPE.finditer(row)), default=0)
    healed = text[:cell] + _heal_inline(text[cell:], blocks, "")
    return healed.rstrip() if is_open else healed


def _heal_paragraph(text: str, block: Block, blocks: Blocks, cursor: str) -> str:
    """Return the text with its paragraph healed; one that begins with a held formula is empty."""
    source = text[block.start :]
    content = strip_containers(source)
    marker = source[: source.find(content)]
    inline = _heal_inline(source, blocks, cursor)
    is_certain = text.endswith("]") or OPENING.match(content)
    if is_certain and not inline[len(marker) :].strip(cursor):
        inline = marker + _ZERO_WIDTH + cursor
    return text[: block.start] + inline


def _heal_inline(text: str, blocks: Blocks, cursor: str) -> str:
    """Return the inline text of an open block: cut where it is undecided, and closed."""
    if len(text) > _MAX_CHARS or len(_MARK.findall(text)) > _MAX_MARKS:
        return text + cursor
    inline = Scanner(text, is_open=True, labels=blocks.labels).scan()
    visible = _visible_text(text, inline).rstrip("!" + _ZERO_WIDTH_JOINER)
    openers = []
    opener = inline.delimiters
    while opener is not None:
        openers.append(opener)
        opener = opener.previous
    is_literal = len(visible.rstrip()) != inline.emphasis_end
    return _close_emphasis(visible, openers, cursor, is_literal)


def _visible_text(text: str, inline: Inline) -> str:
    visible = text[: inline.hold_from]
    if inline.link_text is not None:
        start, end = inline.link_text
        visible += text[start:end]
    if inline.spans and inline.spans[-1].kind == "open code":
        _, start, end, _ = inline.spans[-1]
        visible = visible.rstrip() + text[start:end]
    return visible


def _close_emphasis(text: str, openers: list[Delimiter], cursor: str, is_literal: bool) -> str:
    """Return the text with the cursor and the marks that close its emphasis.

    Args:
        text: the visible text.
        openers: the open delimiter runs, the innermost first.
        cursor: the mark at the end of the visible text.
        is_literal: False if the text ends with a run that closes emphasis.
    """
    visible = text.rstrip()
    space = text[len(visible) :]
    visible = _EMPTY_DETAILS.sub("", visible)
    if openers and is_literal and visible[-1:] in {opener.char for opener in openers}:
        # As a text it would make one delimiter run with a mark after it.
        visible = visible.rstrip("*_~ ")
    while openers and len(visible) <= openers[0].start + openers[0].length:
        visible = visible[: openers[0].start].rstrip()  # emphasis of nothing
        openers = openers[1:]
    marks = "".join(opener.closing for opener in openers)
    return _add_cursor(visible, cursor) + marks + space if visible else visible


def _add_cursor(text: str, cursor: str) -> str:
    # A delimiter run closes emphasis or not by the character after it (CommonMark 6.2), and a bare
    # URL takes every character that is no space.
    if cursor and text and (is_punctuation(text[-1]) or _BARE_URL.search(text)):
        return text + _HAIR_SPACE + cursor
    return text + cursor


def _place_cursor(text: str, cursor: str) -> str:
    """Add the cursor after the last visible character, before line ends."""
    visible = text.rstrip("\n")
    return visible + cursor + text[len(visible) :] if visible else text
