"""Inline tokens as markdown that all parsers read alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from markdown_it.token import Token

from .links import is_safe_url
from .tags import BLOCK_TAGS, find_pairs, is_closing
from .tex import escape_brackets, write_tex
from .write_text import entity, isolate, write_text, write_title

_TAG_NAMES = {"*": "em", "**": "strong", "~~": "del"}
_MARKS = {"em": "*", "strong": "**", "s": "~~"}
_NOT_IN_DESTINATIONS = re.compile(r"[()*$'`\\<>\"\s|\[\]]")
_ENTITY_LIKE = re.compile(r"&(?=#?\w+;)")
_NOT_A_WORD = re.compile(r"[^\w ]")
_MARKUP = re.compile(r"[*_~<\[\]]")
_MATH = re.compile(r"\$\$|\\begin\{|\\\\[(\[]")
"""What begins a formula to nbconvert and to JupyterLab, which look for its end in later blocks."""

_URL_START = frozenset("wWhHfF")
"""A bare URL of GFM may begin with such a letter."""

_PLAIN_LABEL = re.compile(r"[\w .-]+\Z")
_PLAIN_AUTOLINK = re.compile(r"[\w.:/?#&=%+,;~@-]*\Z", re.ASCII)
_ASCII_PUNCTUATION = frozenset("!\"#%'(),-./:;=?@[]{|}")


class Context(NamedTuple):
    """Facts about the place of the text on its page.

    Args:
        image_hosts: hosts from which images may be loaded, in lower case.
        is_cell: whether it is a cell of a table: no line feed, and no pipe.
        is_line: whether it must be one line, as in a heading or a cell.
        is_quote: whether it is in a quote. There a formula must be one line: JupyterLab hides it
            with the marks of the quote, and typesets them.
    """

    image_hosts: Collection[str] = ()
    is_cell: bool = False
    is_line: bool = False
    is_quote: bool = False


class _Emphasis(NamedTuple):
    """Emphasis whose marks depend on the text around it."""

    mark: str
    content: str


def write_inline(tokens: Sequence[Token], context: Context) -> str:
    """Return markdown for the tokens of one block.

    Args:
        tokens: the children of an inline token, see `cellmage.markdown.dialect.parse`.
        context: where it will be.
    """
    return _InlineWriter(tokens, context).write()


class _InlineWriter:
    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        self._tokens = tokens
        self._context = context
        self._paired = find_pairs(tokens)
        self._index = 0
        self._links = 0

    def write(self) -> str:
        return self._write_until(lambda token: False)

    def _write_until(self, is_end: Callable[[Token], bool]) -> str:
        pieces: list[str | _Emphasis] = []
        while self._index < len(self._tokens):
            index = self._index
            token = self._tokens[index]
            self._index += 1
            if is_end(token):
                break
            pieces.append(self._write_token(token, index))
        return _join(pieces)

    def _write_token(self, token: Token, index: int) -> str | _Emphasis:
        if token.type == "tag":
            return self._write_tag(token, index)
        if token.nesting > 0:
            content = self._write_content(token)
            if token.type == "link_open":
                return self._write_link(token, content, self._tokens[index + 1].content)
            return _Emphasis(_MARKS[token.tag], content)
        return _WRITERS.get(token.type, _InlineWriter._write_text)(self, token)

    def _write_content(self, opening: Token) -> str:
        closing = opening.type.replace("_open", "_close")
        self._links += opening.type == "link_open"
        content = self._write_until(lambda token: token.type == closing)
        self._links -= opening.type == "link_open"
        return content

    def _write_tag(self, token: Token, index: int) -> str:
        if index not in self._paired or token.tag in BLOCK_TAGS or token.tag == "hr":
            return write_text(token.content)
        return f"<{'/' * is_closing(token)}{token.tag}>"

    def _write_text(self, token: Token) -> str:
        text = write_text(token.content)
        return text.replace("|", "&#124;") if self._context.is_cell else text

    def _write_special(self, token: Token) -> str:
        return "".join(map(_write_escaped, token.content))

    def _write_code(self, token: Token) -> str:
        content = token.content
        if self._context.is_cell:
            content = content.replace("|", "\\|")
        runs = {len(run) for run in re.findall("`+", content)}
        fence = next((mark for mark in ("`", "``") if len(mark) not in runs), "")
        # marked looks for emphasis and links in code that contains backticks. JupyterLab takes a
        # dollar before a backtick for a part of the code: it would not end the formula.
        is_misread = (bool(runs) and _MARKUP.search(content)) or _MATH.search(content)
        if not fence or is_misread or self._follows_formula():
            return f"<code>{_NOT_A_WORD.sub(lambda match: entity(match[0]), content)}</code>"
        # marked takes a backslash before the mark for an escape, when it looks for emphasis.
        is_padded = content.startswith("`") or content.endswith(("`", "\\"))
        is_padded |= content.startswith(" ") and content.endswith(" ") and bool(content.strip())
        return f"{fence} {content} {fence}" if is_padded else f"{fence}{content}{fence}"

    def _follows_formula(self) -> bool:
        """Return whether the token before the one that is written is a formula."""
        return self._index > 1 and self._tokens[self._index - 2].type == "formula"

    def _write_formula(self, token: Token) -> str:
        mark = "$$" if token.block else "$"
        context = self._context
        is_line = context.is_line or context.is_quote
        tex = escape_brackets(token.content) if self._links else token.content
        # Two dollars between two formulas would begin a display formula.
        gap = "&#8203;" if self._follows_formula() else ""
        return f"{gap}{mark}{write_tex(tex, is_line, context.is_cell)}{mark}"

    def _write_softbreak(self, _: Token) -> str:
        return " " if self._context.is_line else "\n"

    def _write_hardbreak(self, _: Token) -> str:
        return "<br>" if self._context.is_line else "  \n"

    def _write_link(self, token: Token, content: str, text: str) -> str:
        if self._links:  # an address in the text of a link: to parsers it would be the link
            return content
        href = str(token.attrs["href"])
        if token.info == "auto":
            address = href.removeprefix("mailto:")
            # Where the address has codes for characters of the text, marked would show the codes.
            is_plain = address == text and _PLAIN_AUTOLINK.match(href)
            return f"<{address}>" if is_plain else _link(_escape_brackets(content), href, "")
        label = str(token.meta.get("label", "")).lower()
        if _PLAIN_LABEL.match(label):
            return f"[{content}][{label}]"  # the first definition on the page counts
        return _link(content, href, str(token.attrs.get("title", "")))

    def _write_image(self, token: Token) -> str:
        href = str(token.attrs["src"])
        text = _escape_brackets(write_text(token.content))
        if may_load(href, self._context.image_hosts):
            return "!" + _link(text, href, str(token.attrs.get("title", "")))
        space = " " if text and not text.endswith(" ") else ""
        label = f"{text}{space}(image at {write_text(url_host(href)) or 'an address'})"
        return label if self._links else _link(label, href, "")


_WRITERS: Mapping[str, Callable[[_InlineWriter, Token], str]] = {
    "text": _InlineWriter._write_text,
    "text_special": _InlineWriter._write_special,
    "code_inline": _InlineWriter._write_code,
    "formula": _InlineWriter._write_formula,
    "softbreak": _InlineWriter._write_softbreak,
    "hardbreak": _InlineWriter._write_hardbreak,
    "image": _InlineWriter._write_image,
}


def may_load(url: str, image_hosts: Collection[str]) -> bool:
    """Return whether an image of this URL may be loaded."""
    return is_safe_url(url) and url_host(url) in image_hosts


def write_destination(url: str) -> str:
    """Return the destination of a link, which no parser can end early."""
    quoted = _NOT_IN_DESTINATIONS.sub(lambda match: f"%{ord(match[0]):02X}", url)
    return _ENTITY_LIKE.sub("&amp;", quoted)


def _escape_brackets(markdown: str) -> str:
    return markdown.replace("[", entity("[")).replace("]", entity("]"))


def _link(content: str, url: str, title: str) -> str:
    quoted = f' "{write_title(title)}"' if title else ""
    return f"[{content}]({write_destination(url)}{quoted})"


def url_host(url: str) -> str:
    """Return the host of a URL; "" if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _write_escaped(char: str) -> str:
    """Return a character that was escaped, or an entity; it stays apart from the text around it."""
    if char in "$\\":
        return isolate(char)
    is_plain = not char.isascii() or char == " " or (char.isalnum() and char not in _URL_START)
    return char if is_plain else entity(char)


def _join(pieces: Sequence[str | _Emphasis]) -> str:
    """Join the pieces; emphasis gets marks where all parsers read them alike, else tags."""
    result = ""
    for index, piece in enumerate(pieces):
        if isinstance(piece, str):
            is_image = piece.startswith("[") and result.endswith("!")
            result = (result[:-1] + entity("!") if is_image else result) + piece
        elif piece.content:
            following = pieces[index + 1] if index + 1 < len(pieces) else " "
            after = following[:1] or " " if isinstance(following, str) else "*"
            result += _write_emphasis(piece, result[-1:] or " ", after)
    return result


def _write_emphasis(piece: _Emphasis, before: str, after: str) -> str:
    mark, content = piece
    # mistune ends what is struck out before it looks for code.
    is_ended = mark == "~~" and mark in content
    if not is_ended and _is_certain(before, content[0]) and _is_certain(after, content[-1]):
        return f"{mark}{content}{mark}"
    tag = _TAG_NAMES[mark]
    return f"<{tag}>{content}</{tag}>"


def _is_certain(outer: str, inner: str) -> bool:
    """Return whether a mark between these characters opens or closes for every parser.

    The rules of CommonMark 6.2, without the cases in which parsers use another list of punctuation.
    """
    if inner.isspace() or inner in "*_~<>":
        return False
    if outer.isspace():
        return True
    return inner.isalnum() and (outer.isalnum() or outer in _ASCII_PUNCTUATION)
