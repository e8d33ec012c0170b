"""Text of our dialect as tokens of CommonMark that a terminal can show.

Formulas are Unicode where it says the same (`cellmage.markdown.plain_tex`), else their TeX as code.
Tags are emphasis, line ends and small characters; an image is a link that names its host.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy

from markdown_it.token import Token

from ..text import strip_control_chars
from .dialect import parse
from .line_ends import normalize_line_ends
from .literals import has_many_candidates, has_many_lines
from .plain_inline import INDENT, formula_lines, make_token, plain_inline
from .safe import SafeMarkdown
from .sanitize import is_too_long
from .write_html import find_block_tags, split_at_tags

_MAX_LINES = 2_000
"""Lines of blocks that belong together and are looked at, beside those of a fence."""

_MAX_CODE_LINES = 40_000
"""Lines of a fence, which the parser takes one by one."""


def clean_markdown(markdown: str, image_hosts: Collection[str] = ()) -> SafeMarkdown:
    """Return markdown without the characters that control a terminal: it is safe there alone.

    Args:
        markdown: what a model wrote, complete or healed.
        image_hosts: ignored: a terminal loads no image.
    """
    return SafeMarkdown(strip_control_chars(normalize_line_ends(markdown)))


def parse_plain(markdown: str, encoding: str = "utf-8") -> list[Token]:
    r"""Return a text as tokens of CommonMark; text that takes long to parse is shown as it is.

    Args:
        markdown: complete or healed markdown.
        encoding: the encoding of the terminal: of a formula that it lacks, the TeX is shown.

    Example:
        >>> tokens = parse_plain(r"So \(x^2 \le \frac{1}{2}\), H<sub>2</sub>O.")
        >>> "".join(token.content for token in tokens[1].children)
        'So x² ≤ ½, H₂O.'
    """
    if _takes_long(markdown):
        return _paragraph([_text(markdown)])
    return plain_tokens(parse(markdown).tokens, encoding)


def _takes_long(markdown: str) -> bool:
    return (
        has_many_candidates(markdown)
        or has_many_lines(markdown, 0, _MAX_LINES)
        or markdown.count("\n") > _MAX_CODE_LINES
        or is_too_long(markdown)
    )


def plain_tokens(tokens: Sequence[Token], encoding: str) -> list[Token]:
    """Return the tokens of a text as those that CommonMark has.

    Args:
        tokens: the tokens, see `cellmage.markdown.dialect.parse`.
        encoding: the encoding of the terminal.
    """
    block_tags = find_block_tags(tokens)
    remaining = iter(tokens)
    result: list[Token] = []
    for token in remaining:
        if token.type == "paragraph_open":
            children = next(remaining).children or []
            next(remaining)  # the end of the paragraph
            result += _plain_paragraph(children, block_tags, encoding)
        elif token.type == "formula_block":
            result += _plain_formula(token, encoding)
        elif token.type == "inline":
            result.append(_inline(plain_inline(token.children or [], encoding, is_line=True)))
        else:
            result.append(_plain_block(token))
    return result


def _plain_block(token: Token) -> Token:
    block = copy(token)
    block.content = strip_control_chars(token.content)
    return block


def _plain_paragraph(children: Sequence[Token], block_tags: set[int], encoding: str) -> list[Token]:
    """Return the blocks of a paragraph: more than one if it contains tags of blocks."""
    blocks: list[Token] = []
    is_summary = False
    for piece in split_at_tags(children, block_tags):
        if not isinstance(piece, Token):
            blocks += _paragraph(plain_inline(piece, encoding), is_summary)
        elif piece.tag == "hr":
            blocks.append(make_token("hr", "", "hr"))
        else:
            is_summary = piece.tag == "summary" and piece.info == "open"
    return blocks


def _plain_formula(token: Token, encoding: str) -> list[Token]:
    lines = formula_lines(token.content, encoding)
    if not lines:
        fence = make_token("fence", f"{token.content}{token.info}\n", "code")
        fence.info = "latex"
        return [fence]
    lines[-1] += token.info
    return _paragraph(_join_lines([INDENT + line for line in lines]))


def _join_lines(lines: Sequence[str]) -> list[Token]:
    tokens = [token for line in lines for token in (make_token("hardbreak"), _text(line))]
    return tokens[1:]


def _text(content: str) -> Token:
    return make_token("text", content)


def _paragraph(children: Sequence[Token], is_strong: bool = False) -> list[Token]:
    """Return the tokens of a paragraph; none if it is empty."""
    if not children:
        return []
    content = _nest("strong", "strong", children) if is_strong else children
    return _nest("paragraph", "p", [_inline(content)])


def _nest(kind: str, tag: str, tokens: Sequence[Token]) -> list[Token]:
    opening, closing = (f"{kind}_open", 1), (f"{kind}_close", -1)
    first, last = (make_token(name, "", tag, nesting) for name, nesting in (opening, closing))
    return [first, *tokens, last]


def _inline(children: Sequence[Token]) -> Token:
    token = make_token("inline")
    token.children = list(children)
    return token
