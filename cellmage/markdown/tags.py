"""HTML tags that models write all the time, and that cannot act: names from a list, no attributes.

A tag counts where its partner is in the same text. All other HTML is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

VOID_TAGS = frozenset({"br", "hr"})
INLINE_TAGS = frozenset(
    {"sub", "sup", "kbd", "u", "mark", "b", "i", "em", "strong", "s", "small", "del", "ins"}
)
BLOCK_TAGS = frozenset({"p", "details", "summary"})

TAG = re.compile(
    rf"<(/?)({'|'.join(sorted(VOID_TAGS | INLINE_TAGS | BLOCK_TAGS, key=len, reverse=True))})"
    r"[ \t\n]*(/?)>|<(details) open>",
    re.IGNORECASE,
)
"""Groups: the slash of a closing tag, the name, the slash of a void tag; or the name `details`."""

COMMENT = re.compile(r"<!--(?!-?>)(?:(?!-->).)*-->", re.DOTALL)


def match_tag(text: str, offset: int) -> tuple[str, str, int] | None:
    """Return the name of the tag at an offset, its kind and its end; None if there is none.

    The kind is open, close or void.

    Example:
        >>> match_tag("H<sub>2</sub>O", 1), match_tag("<b onclick=x>", 0)
        (('sub', 'open', 6), None)
    """
    match = TAG.match(text, offset)
    if match is None:
        return None
    name = (match[2] or match[4]).lower()
    if name in VOID_TAGS:
        return None if match[1] else (name, "void", match.end())
    return None if match[3] else (name, "close" if match[1] else "open", match.end())


def find_pairs(tokens: Sequence[Token]) -> set[int]:
    """Return the indexes of the tags that count: void ones, and those that have a partner.

    Args:
        tokens: the inline tokens of one block; the type of a tag's token is ``tag``.
    """
    paired: set[int] = set()
    open_tags: list[int] = []
    for index, token in enumerate(tokens):
        if token.info == "void" and token.type == "tag":
            paired.add(index)
        elif is_opening(token):
            open_tags.append(index)
        elif is_closing(token):
            opening = _close(tokens, open_tags, token)
            if opening is not None and token.type == "tag":
                paired.update((opening, index))
    return paired


def is_opening(token: Token) -> bool:
    """Return whether a token begins emphasis, a link, or the content of a tag."""
    return token.nesting > 0 or (token.type == "tag" and token.info == "open")


def is_closing(token: Token) -> bool:
    """Return whether a token ends emphasis, a link, or the content of a tag."""
    return token.nesting < 0 or (token.type == "tag" and token.info == "close")


def _close(tokens: Sequence[Token], open_tags: list[int], token: Token) -> int | None:
    """Remove the partner of a closing token from the open ones, with all within it.

    A closing tag does not reach over the end of emphasis or of a link.
    """
    for depth in range(len(open_tags) - 1, -1, -1):
        opening = tokens[open_tags[depth]]
        is_tag = token.type == "tag"
        if opening.tag == token.tag and (opening.type == "tag") == is_tag:
            index = open_tags[depth]
            del open_tags[depth:]
            return index
        if is_tag and opening.type != "tag":
            return None
    return None
