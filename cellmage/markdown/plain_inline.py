"""Inline tokens of our dialect as those of CommonMark, with text that a terminal can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from markdown_it.token import Token

from ..plain_tex import plain_tex
from ..plain_tex.scripts import subscript, superscript
from ..plain_tex.text_boxes import cell_width
from ..text import strip_control_chars
from .tags import find_pairs
from .write_inline import url_host

INDENT = "    "
"""What is before each line of a display formula."""

_MAX_FORMULA_CELLS = 74
"""A wider line of a formula of several lines would be broken, and its columns with it."""

_STYLES: Mapping[str, str] = {
    "b": "strong", "strong": "strong", "mark": "strong", "i": "em", "em": "em", "u": "em",
    "ins": "em", "s": "s", "del": "s", "kbd": "code",
}  # fmt: skip
"""The emphasis that shows a tag; rich knows em, strong, s and code."""

_SCRIPTS = {"sub": subscript, "sup": superscript}
_FORMULA_BREAK = "formula break"
"""The markup of a line end beside a formula, where spaces and other line ends are dropped."""

_FORMULA_LINE = "formula"
_BREAKS = ("softbreak", "hardbreak")


def make_token(kind: str, content: str = "", tag: str = "", nesting: int = 0) -> Token:
    """Return a token; its content has no characters that act on a terminal."""
    text = strip_control_chars(content)
    return Token(kind, tag, nesting, content=text)  # type: ignore[arg-type]


def plain_inline(tokens: Sequence[Token], encoding: str, is_line: bool = False) -> list[Token]:
    """Return inline tokens that CommonMark has.

    Args:
        tokens: the children of an inline token, see `cellmage.markdown.dialect.parse`.
        encoding: the encoding of the terminal.
        is_line: whether they must be one line, as in a heading or a cell.
    """
    return _tidy(_InlineConverter(tokens, encoding, is_line).convert())


def formula_lines(tex: str, encoding: str) -> list[str]:
    """Return the lines of a formula; empty if no text is known that says the same."""
    text = plain_tex(tex) or ""
    lines = text.split("\n")
    is_too_wide = len(lines) > 1 and max(map(cell_width, lines)) > _MAX_FORMULA_CELLS
    return lines if text and not is_too_wide and _is_encodable(text, encoding) else []


def _is_encodable(text: str, encoding: str) -> bool:
    return text.encode(encoding, "ignore").decode(encoding) == text


class _InlineConverter:
    def __init__(self, tokens: Sequence[Token], encoding: str, is_line: bool) -> None:
        self._tokens = tokens
        self._encoding = encoding
        self._is_line = is_line
        self._paired = find_pairs(tokens)
        self._result: list[Token] = []
        self._open: list[tuple[Token, int]] = []

    def convert(self) -> list[Token]:
        for index, token in enumerate(self._tokens):
            if token.type == "tag":
                self._convert_tag(token, index)
            elif token.nesting:
                self._convert_nesting(token)
            else:
                _CONVERTERS.get(token.type, _InlineConverter._convert_text)(self, token)
        while self._open:  # emphasis around tags of blocks is cut at them
            opening = self._open[-1][0]
            self._close(opening.type.replace("_open", "_close"), opening.tag)
        return self._result

    def _add(self, kind: str, content: str = "") -> None:
        self._result.append(make_token(kind, content))

    def _convert_text(self, token: Token) -> None:
        self._add("text", token.content)

    def _convert_code(self, token: Token) -> None:
        self._result.append(make_token("code_inline", token.content, "code"))

    def _convert_break(self, token: Token) -> None:
        is_hard = token.type == "hardbreak" and not self._is_line
        self._add("hardbreak" if is_hard else "softbreak")

    def _convert_formula(self, token: Token) -> None:
        lines = formula_lines(token.content, self._encoding)
        if not lines or (self._is_line and len(lines) > 1):
            code = make_token("code_inline", " ".join(token.content.split()), "code")
            self._add_formula([code], token.block)
        else:
            self._add_formula([make_token("text", line) for line in lines], token.block)

    def _add_formula(self, lines: Sequence[Token], is_display: bool) -> None:
        """Add a formula; one that is displayed or has several lines has lines of its own."""
        if self._is_line or not (is_display or len(lines) > 1):
            self._result += lines
            return
        for line in lines:
            self._add_formula_break()
            self._add("text", INDENT)
            self._result[-1].markup = _FORMULA_LINE
            self._result.append(line)
        self._add_formula_break()

    def _add_formula_break(self) -> None:
        self._add("hardbreak")
        self._result[-1].markup = _FORMULA_BREAK

    def _convert_image(self, token: Token) -> None:
        url = str(token.attrs["src"])
        label = f"{token.content} (image at {url_host(url) or 'an address'})".strip()
        is_in_link = any(opening.type == "link_open" for opening, _ in self._open)
        if is_in_link:
            self._add("text", label)
            return
        opening = Token("link_open", "a", 1, attrs={"href": url})
        self._result += [opening, make_token("text", label), Token("link_close", "a", -1)]

    def _convert_nesting(self, token: Token) -> None:
        if token.type.startswith("link_") and token.info == "auto":
            return  # the text is the address
        if token.nesting > 0:
            self._open.append((token, len(self._result)))
            self._result.append(token)
        elif self._open and self._open[-1][0].tag == token.tag:
            self._close(token.type, token.tag)

    def _close(self, kind: str, tag: str) -> None:
        opening, start = self._open.pop()
        if opening.type == "script":
            self._close_script(opening.tag, start)
        else:
            self._result.append(make_token(kind, "", tag, -1))

    def _convert_tag(self, token: Token, index: int) -> None:
        if index not in self._paired or token.tag not in _TAG_CONVERTERS:
            self._add("text", token.content)
        else:
            _TAG_CONVERTERS[token.tag](self, token)

    def _convert_line_end(self, _: Token) -> None:
        self._add("hardbreak")

    def _convert_style(self, token: Token, style: str) -> None:
        kind = {"open": 1, "close": -1}[token.info]
        nesting = make_token(f"{style}_{token.info}", "", style, kind)
        self._convert_nesting(nesting)

    def _convert_script(self, token: Token) -> None:
        if token.info == "open":
            self._open.append((make_token("script", "", token.tag), len(self._result)))
        elif self._open and self._open[-1][0].tag == token.tag:
            self._close("script", token.tag)

    def _close_script(self, tag: str, start: int) -> None:
        content = self._result[start:]
        text = _SCRIPTS[tag]("".join(token.content for token in content))
        is_text = all(token.type == "text" for token in content)
        if is_text and _is_encodable(text, self._encoding):
            self._result[start:] = [make_token("text", text)]
            return
        mark = "_(" if tag == "sub" else "^("
        self._result[start:] = [make_token("text", mark), *content, make_token("text", ")")]

    def _skip(self, _: Token) -> None:
        """Add nothing for a tag about the size of text, which a terminal does not have."""


_CONVERTERS = {
    "code_inline": _InlineConverter._convert_code,
    "formula": _InlineConverter._convert_formula,
    "softbreak": _InlineConverter._convert_break,
    "hardbreak": _InlineConverter._convert_break,
    "image": _InlineConverter._convert_image,
}

_TAG_CONVERTERS: Mapping[str, Callable[[_InlineConverter, Token], None]] = {
    **{tag: partial(_InlineConverter._convert_style, style=s) for tag, s in _STYLES.items()},
    **dict.fromkeys(_SCRIPTS, _InlineConverter._convert_script),
    "br": _InlineConverter._convert_line_end,
    "small": _InlineConverter._skip,
}


def _tidy(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens without spaces and line ends beside those of a formula and at the ends."""
    result: list[Token] = []
    for token in tokens:
        is_start = not result or result[-1].markup == _FORMULA_BREAK
        if token.markup == _FORMULA_BREAK:
            _strip_end(result)
            result += [token] if result else []
        elif not (is_start and token.type in _BREAKS):
            if is_start and token.type == "text" and token.markup != _FORMULA_LINE:
                token.content = token.content.lstrip()
            result.append(token)
    _strip_end(result)
    return result


def _strip_end(tokens: list[Token]) -> None:
    while tokens and tokens[-1].type in _BREAKS:
        tokens.pop()
    if tokens and tokens[-1].type == "text":
        tokens[-1].content = tokens[-1].content.rstrip()
