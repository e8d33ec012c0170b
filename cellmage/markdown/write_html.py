"""Tags of blocks in paragraphs: `<details>` with its summary, `<p>` and `<hr>`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from .tags import BLOCK_TAGS, is_closing, is_opening
from .tex import write_tex
from .write_text import entity, escape_everything

_HTML_SPECIAL = re.compile(r"[<>&$\\`*_~\[\]!:@|]")


def find_block_tags(tokens: Sequence[Token]) -> set[int]:
    """Return the ids (`id`) of the tags of blocks that have a partner in the same container.

    A tag in emphasis or in a link is none of a block.

    Args:
        tokens: the tokens of a text; a paragraph may begin `<details>`, and a later one end it.
    """
    paired: set[int] = set()
    containers: list[list[Token]] = [[]]
    for previous, token in zip([None, *tokens], tokens, strict=False):
        if token.type in ("blockquote_open", "list_item_open"):
            containers.append([])
        elif token.type in ("blockquote_close", "list_item_close"):
            containers.pop()
        elif previous is not None and previous.type == "paragraph_open":
            _pair_tags(token.children or (), containers[-1], paired)
    return paired


def _pair_tags(children: Sequence[Token], open_tags: list[Token], paired: set[int]) -> None:
    depth = 0
    for token in children:
        # A block that begins in emphasis or in a link would leave it open.
        depth += token.nesting
        if depth or token.type != "tag" or token.tag not in BLOCK_TAGS | {"hr"}:
            continue
        if token.info == "void":
            paired.add(id(token))
        elif is_opening(token):
            open_tags.append(token)
        elif open_tags and open_tags[-1].tag == token.tag:
            paired.update((id(open_tags.pop()), id(token)))
    # The summary and a paragraph end where they began.
    open_tags[:] = [token for token in open_tags if token.tag == "details"]


def split_at_tags(children: Sequence[Token], paired: set[int]) -> Iterator[Token | list[Token]]:
    """Yield the tags of blocks among these tokens, and the tokens between them.

    Args:
        children: the inline tokens of a paragraph.
        paired: the result of `find_block_tags`.
    """
    segment: list[Token] = []
    for token in children:
        if id(token) in paired:
            yield segment
            yield token
            segment = []
        else:
            segment.append(token)
    yield segment


def write_html(tokens: Sequence[Token]) -> str:
    """Return inline tokens as HTML, for a block of HTML, in which there is not markdown."""
    return "".join(map(_write_token, tokens)).strip()


def write_tag(token: Token) -> str:
    """Return the tag of a token."""
    name = "del" if token.tag == "s" else token.tag
    return f"<{'/' * is_closing(token)}{name}>"


def _write_token(token: Token) -> str:
    if token.type == "formula":
        return f"${write_tex(token.content, is_line=True).replace('<', '&lt;')}$"
    if token.type in ("link_open", "link_close") or token.tag in BLOCK_TAGS:
        return ""
    if token.nesting or token.type == "tag":
        return write_tag(token)
    if token.type == "code_inline":  # MathJax leaves code alone
        return f"<code>{_HTML_SPECIAL.sub(lambda match: entity(match[0]), token.content)}</code>"
    return escape_everything(token.content) or " "
