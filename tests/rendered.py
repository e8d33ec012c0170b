"""How a page shows markdown, by a parser that is not ours: its visible text and its blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from markdown_it import MarkdownIt
from markdown_it.token import Token

CURSOR = "▌"
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OPEN = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
OPEN.enable(["table", "strikethrough"]).validateLink = lambda url: True  # type: ignore[method-assign]

_NO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_TEXT = {"text", "code_inline", "image"}


class Page(NamedTuple):
    """The visible text, and the types of the top-level blocks as the corpus names them."""

    text: str
    blocks: list[str]


class Parser(Protocol):
    """Reads many texts at once, for one that has a long way to go for each."""

    def pages(self, texts: Sequence[str]) -> list[Page]:
        """How these texts are shown."""

    def acting(self, texts: Sequence[str]) -> list[list[str]]:
        """What in each of these texts could act."""


class _MarkdownIt:
    def pages(self, texts: Sequence[str]) -> list[Page]:
        return [_page(PARSER.parse(text)) for text in texts]

    def acting(self, texts: Sequence[str]) -> list[list[str]]:
        return [_acting(OPEN.parse(text)) for text in texts]


MARKDOWN_IT: Parser = _MarkdownIt()


def page(markdown: str, parser: Parser = MARKDOWN_IT) -> Page:
    return parser.pages([markdown])[0]


def visible(markdown: str, parser: Parser = MARKDOWN_IT) -> str:
    """The text on the page, without the cursor, white space folded."""
    return page(markdown, parser).text


def blocks(markdown: str, parser: Parser = MARKDOWN_IT) -> list[str]:
    """The types of the top-level blocks, as the corpus names them."""
    return page(markdown, parser).blocks


def folded(text: str) -> str:
    """Without the cursor and what has no width, white space folded."""
    return " ".join(_NO_WIDTH.sub("", text.replace(CURSOR, "")).split())


def is_prefix(text: str, whole: str) -> bool:
    return whole.replace(" ", "").startswith(text.replace(" ", ""))


def _page(tokens: list[Token]) -> Page:
    parts: list[str] = []
    for token in tokens:
        for child in token.children or ():
            parts.append(
                child.content if child.type in _TEXT else " " * child.type.endswith("break")
            )
        if token.type in ("fence", "code_block"):
            parts.append(token.content)
        parts.append(" " if token.nesting <= 0 else "")
    top = [_name(token) for token in tokens if not token.level and token.nesting >= 0]
    return Page(folded("".join(parts)), top)


def _name(token: Token) -> str:
    name = token.type.removesuffix("_open")
    return name + token.tag[1:] if name == "heading" else name


def _acting(tokens: list[Token]) -> list[str]:
    found = []
    for token in tokens:
        for each in (token, *(token.children or ())):
            if each.type in ("html_block", "html_inline", "image"):
                found.append(each.content or each.type)
            elif each.type == "link_open":
                href = str(each.attrs["href"])
                if not re.match("https?://|mailto:", href):
                    found.append(href)
    return found


class Frames:
    """A document shown a character at a time, and the figures of the corpus about it."""

    def __init__(
        self, markdown: str, show: Callable[[str, str], str], parser: Parser = MARKDOWN_IT
    ) -> None:
        shown = [show(markdown[:end], CURSOR) for end in range(1, len(markdown) + 1)]
        self._measure(markdown, *parser.pages([markdown, *shown]))

    def _measure(self, markdown: str, final: Page, *frames: Page) -> None:
        self.count = len(markdown)
        self.wrong = self.flips = self.demanded = 0
        self.lags: list[int] = []
        before: list[str] = []
        received = 0
        target = final.text.replace(" ", "")
        for char, (text, now) in zip(markdown, frames, strict=True):
            self.wrong += not is_prefix(text, final.text)
            for place, (a, b) in enumerate(zip(before, now, strict=False)):
                is_demanded = _demanded(a, b, place, final.blocks)
                self.demanded += a != b and is_demanded
                self.flips += a != b and not is_demanded
            if received < len(target) and char == target[received]:
                received += 1
            self.lags.append(max(0, received - len(text.replace(" ", ""))))
            before = now
        self.lags.sort()

    def lag(self, share: float) -> int:
        return self.lags[int((len(self.lags) - 1) * share)]


def _demanded(a: str, b: str, index: int, ending: list[str]) -> bool:
    """A paragraph that an underline turns into a heading: the document itself wants it."""
    return a == "paragraph" and b.startswith("heading") and ending[index : index + 1] == [b]
