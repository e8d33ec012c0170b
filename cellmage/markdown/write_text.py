r"""Text as markdown that every parser reads as this text.

Parsers disagree about backslashes, and JupyterLab looks for formulas before it looks for anything
else. All of them agree about entities: so what could mean something is written as an entity.
"""

from __future__ import annotations

import re

_URL_SCHEME = re.compile(r"(?i)(https?|ftp):(?=//)")
_WWW = re.compile(r"(?i)www\.")
_BRACKETS = re.compile(r"\[(?:[^\[\]\n]*)\]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")

SPECIAL = re.compile(
    r"\\|[`*_~\[\]$]|<(?![ \t\n=\d])|&(?=#?\w+;)|!(?=\[)|@(?=@)|(?<=\])[(:]|\ufeff"
)
"""Characters that may mean something to a parser; each is looked at in its context. A byte order
mark is removed by some parsers where it begins a text: what follows then begins a line."""

_PLAIN_MARKS = {"*": re.compile(r"\s\*\s"), "_": re.compile(r"[^\W_]_[^\W_]")}
"""An asterisk between spaces, or an underscore in a word, means nothing to any parser."""

_LINE_START = re.compile(
    r"^(?:(#)(?=#{0,5}(?:[ \t]|$))|([-+*])(?=[ \t]|$)|(>)|\d{1,9}([.)])(?=[ \t]|$)"
    r"|(:)(?=[ \t])|([-=|:_*])(?=[-=|:_* \t]*$)|(~)(?=~~))",
    re.MULTILINE,
)
"""Text that begins a block where it begins a line; one group, the character to replace."""

_BLOCK_LINE = re.compile(r"^(?=(?:</?[a-z]+>[ \t]*)+$|\$\$.*\$\$.*(?<!\$\$)$)", re.MULTILINE)
"""Where a line of tags alone would begin a block of HTML (CommonMark 4.6), or a formula with text
behind it one of VS Code's, which ends at a line that ends in dollars."""

_MATHJAX_COMMAND = re.compile(r"\\(?=[(\[$]|begin\{|(?:eq)?ref\{|\Z)")


def entity(char: str) -> str:
    """Return a character as an entity."""
    names = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return names.get(char) or f"&#{ord(char)};"


def isolate(char: str) -> str:
    """Return a character in an element of its own.

    On the page, MathJax looks for formulas in the text that the parser made, entities included, but
    not across the border of an element.
    """
    return f"<span>{entity(char)}</span>"


_EVERYTHING = [
    *((char, entity(char)) for char in "&`*_~[]<!@:|\ufeff"),  # the ampersand before what has some
    *((char, isolate(char)) for char in "$\\"),  # last, as these are replaced by tags
]

ISOLATED = re.compile(r"<span>(&#\d+;)</span>")
"""Matches the result of `isolate`; group 1 is the entity."""


def write_text(text: str) -> str:
    r"""Return one line of markdown for a plain text.

    Brackets in pairs stay: they may be a link whose definition has not arrived.

    Example:
        >>> write_text("a*b"), write_text("snake_case, 2 * 3, x < y and [1]")
        ('a&#42;b', 'snake_case, 2 * 3, x < y and [1]')
        >>> write_text("$5 and <b>")
        '<span>&#36;</span>5 and &lt;b>'
    """
    text = _DIRECTION.sub("", text)
    matches = list(_BRACKETS.finditer(text))
    pairs = {match.start() for match in matches} | {match.end() - 1 for match in matches}
    text = SPECIAL.sub(lambda match: _write_special(match, pairs), text)
    # A URL without brackets is a link to JupyterLab, and may take what follows it.
    return _WWW.sub("www&#46;", _URL_SCHEME.sub(r"\1&#58;", text))


def _write_special(match: re.Match[str], pairs: set[int]) -> str:
    char, text, offset = match[0], match.string, match.start()
    if char in "[]" and offset in pairs:
        return char
    if char == "$" or (char == "\\" and _MATHJAX_COMMAND.match(text, offset)):
        return isolate(char)
    is_plain = char in _PLAIN_MARKS and _PLAIN_MARKS[char].match(text, max(offset - 1, 0))
    return char if is_plain else entity(char)


def escape_everything(text: str) -> str:
    """Return markdown for lines of plain text of any length.

    One `str.replace` for each character takes a third of the time of `str.translate`.
    """
    text = _DIRECTION.sub("", text)
    has_address = "www." in text.lower()
    for char, escaped in _EVERYTHING:
        text = text.replace(char, escaped)
    return _WWW.sub("www&#46;", text) if has_address else text


_OPENS_FORMULA = re.compile(r"\$|\\(?=[(\[]|begin)")
_FULL_WIDTH = {"$": "＄", "\\": "＼"}


def write_title(title: str) -> str:
    """Return the title of a link, for double quotes.

    A parser that sees no link shows the title as text, where JupyterLab would typeset a formula:
    what would begin one is of full width.
    """
    text = " ".join(_DIRECTION.sub("", title).split())
    text = _OPENS_FORMULA.sub(lambda match: _FULL_WIDTH[match[0]], text)
    return re.sub(r"[\\`*_~\[\]$<>&\"'!|{}@()]", lambda match: entity(match[0]), text)


def protect_line_starts(markdown: str) -> str:
    """Return inline markdown of which no line begins a block."""
    markdown = _LINE_START.sub(_replace_start, markdown)
    return _BLOCK_LINE.sub("&#8203;", markdown)


def _replace_start(match: re.Match[str]) -> str:
    start, end = match.span(match.lastindex or 0)
    whole = match[0]
    offset = start - match.start()
    return whole[:offset] + entity(match.string[start:end]) + whole[offset + end - start :]
