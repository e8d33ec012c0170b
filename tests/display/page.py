"""How a page shows markdown, by a parser that is not ours: its visible text and its blocks."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.token import Token

CURSOR = "▌"
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

_NO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_TEXT = {"text", "code_inline", "image"}


def visible(markdown: str) -> str:
    """The text on the page, without the cursor, white space folded."""
    parts: list[str] = []
    for token in PARSER.parse(markdown):
        for child in token.children or ():
            parts.append(
                child.content if child.type in _TEXT else " " * child.type.endswith("break")
            )
        if token.type in ("fence", "code_block"):
            parts.append(token.content)
        parts.append(" " if token.nesting <= 0 else "")
    return " ".join(_NO_WIDTH.sub("", "".join(parts).replace(CURSOR, "")).split())


def blocks(markdown: str) -> list[str]:
    """The types of the top-level blocks, as the corpus names them."""
    return [
        _name(token) for token in PARSER.parse(markdown) if not token.level and token.nesting >= 0
    ]


def _name(token: Token) -> str:
    name = token.type.removesuffix("_open")
    return name + token.tag[1:] if name == "heading" else name


def is_prefix(text: str, whole: str) -> bool:
    return whole.replace(" ", "").startswith(text.replace(" ", ""))


class Frames:
    """A document shown a character at a time, and the figures of the corpus about it."""

    def __init__(self, markdown: str, show: Callable[[str, str], str]) -> None:
        final, ending = visible(markdown), blocks(markdown)
        self.count = len(markdown)
        self.wrong = self.flips = 0
        self.lags: list[int] = []
        before: list[str] = []
        received = 0
        target = final.replace(" ", "")
        for end in range(1, len(markdown) + 1):
            shown = show(markdown[:end], CURSOR)
            text, now = visible(shown), blocks(shown)
            self.wrong += not is_prefix(text, final)
            for place, (a, b) in enumerate(zip(before, now, strict=False)):
                self.flips += a != b and not _demanded(a, b, place, ending)
            if received < len(target) and markdown[end - 1] == target[received]:
                received += 1
            self.lags.append(max(0, received - len(text.replace(" ", ""))))
            before = now
        self.lags.sort()

    def lag(self, share: float) -> int:
        return self.lags[int((len(self.lags) - 1) * share)]


def _demanded(a: str, b: str, index: int, ending: list[str]) -> bool:
    """A paragraph that an underline turns into a heading: the document itself wants it."""
    return a == "paragraph" and b.startswith("heading") and ending[index : index + 1] == [b]
