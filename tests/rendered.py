"""The visible text and the blocks of markdown on a page, by a parser that is not ours."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from markdown_it import MarkdownIt
from markdown_it.token import Token

CURSOR = "▌"
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PERMISSIVE_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
PERMISSIVE_PARSER.enable(["table", "strikethrough"])
PERMISSIVE_PARSER.validateLink = lambda url: True  # type: ignore[method-assign]

BARE_TAG = re.compile(
    "</?(?:br|sub|sup|kbd|u|mark|b|i|em|strong|s|small|del|ins|details|summary|span|code)>"
)
"""The only HTML that may be on a page: it has no attributes."""

_NO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_TEXT = {"text", "code_inline", "image"}


class Page(NamedTuple):
    """The visible text, and the types of the top-level blocks as the corpus names them."""

    text: str
    blocks: list[str]


class Parser(Protocol):
    """Renders many texts at once, because each call to another process takes time."""

    def render_pages(self, texts: Sequence[str]) -> list[Page]:
        """Return the page of each text."""

    def find_unsafe(self, texts: Sequence[str]) -> list[list[str]]:
        """Return what could act in each text."""


class _MarkdownIt:
    def render_pages(self, texts: Sequence[str]) -> list[Page]:
        return [_render_page(PARSER.parse(text)) for text in texts]

    def find_unsafe(self, texts: Sequence[str]) -> list[list[str]]:
        return [_find_unsafe(PERMISSIVE_PARSER.parse(text)) for text in texts]


MARKDOWN_IT: Parser = _MarkdownIt()


def render_page(markdown: str, parser: Parser = MARKDOWN_IT) -> Page:
    return parser.render_pages([markdown])[0]


def visible_text(markdown: str, parser: Parser = MARKDOWN_IT) -> str:
    """Return the text on the page, without the cursor, white space collapsed."""
    return render_page(markdown, parser).text


def block_types(markdown: str, parser: Parser = MARKDOWN_IT) -> list[str]:
    """Return the types of the top-level blocks, as the corpus names them."""
    return render_page(markdown, parser).blocks


def normalize_text(text: str) -> str:
    """Return a text without the cursor and characters of no width, white space collapsed."""
    return " ".join(_NO_WIDTH.sub("", text.replace(CURSOR, "")).split())


def is_prefix(text: str, final_text: str) -> bool:
    return final_text.replace(" ", "").startswith(text.replace(" ", ""))


def _render_page(tokens: list[Token]) -> Page:
    parts: list[str] = []
    for token in tokens:
        parts += map(_inline_text, token.children or ())
        if token.type in ("fence", "code_block"):
            parts.append(token.content)
        elif token.type == "html_block":
            parts.append(html.unescape(BARE_TAG.sub("", token.content)))
        parts.append(" " if token.nesting <= 0 else "")
    top = [_block_type(token) for token in tokens if not token.level and token.nesting >= 0]
    return Page(normalize_text("".join(parts)), top)


def _inline_text(token: Token) -> str:
    if token.type in _TEXT:
        return token.content
    return " " * (token.type.endswith("break") or token.content == "<br>")


def _block_type(token: Token) -> str:
    name = token.type.removesuffix("_open")
    return name + token.tag[1:] if name == "heading" else name


def _find_unsafe(tokens: list[Token]) -> list[str]:
    unsafe = []
    for token in (child for block in tokens for child in (block, *(block.children or ()))):
        if token.type in ("html_block", "html_inline"):
            if "<" in BARE_TAG.sub("", token.content):
                unsafe.append(token.content)
        elif token.type == "image":
            unsafe.append(token.content or token.type)
        elif token.type == "link_open":
            href = str(token.attrs["href"])
            if not re.match("https?://|mailto:", href):
                unsafe.append(href)
    return unsafe


class Frames:
    """The frames of a document that arrives a character at a time, and their figures.

    Args:
        markdown: the document.
        show: returns the markdown to show for a prefix of the document and a cursor.
        parser: renders the frames.
        publish: returns the markdown of the complete document.

    `count` is the number of frames; `wrong` of these show text that the document does not have,
    and `shrunk` show less text than the frame before.
    `flips` counts blocks that change their type, `demanded` those for which the document itself is
    the reason. `lags` are the characters, sorted, that arrived and are not visible.
    """

    def __init__(
        self,
        markdown: str,
        show: Callable[[str, str], str],
        parser: Parser = MARKDOWN_IT,
        publish: Callable[[str], str] = str,
    ) -> None:
        frames = [show(markdown[:end], CURSOR) for end in range(1, len(markdown) + 1)]
        self._measure(markdown, *parser.render_pages([publish(markdown), *frames]))

    def _measure(self, markdown: str, final: Page, *frames: Page) -> None:
        self.count = len(markdown)
        self.wrong = self.shrunk = self.flips = self.demanded = 0
        shown = 0
        self.lags: list[int] = []
        previous_blocks: list[str] = []
        received = 0
        target = final.text.replace(" ", "")
        for char, (text, blocks) in zip(markdown, frames, strict=True):
            self.wrong += not is_prefix(text, final.text)
            size = len(text.replace(" ", ""))
            self.shrunk += size < shown
            shown = size
            for index, (old, new) in enumerate(zip(previous_blocks, blocks, strict=False)):
                is_demanded = _is_demanded(old, new, final.blocks[index : index + 1])
                self.demanded += old != new and is_demanded
                self.flips += old != new and not is_demanded
            if received < len(target) and char == target[received]:
                received += 1
            self.lags.append(max(0, received - size))
            previous_blocks = blocks
        self.lags.sort()

    def lag(self, share: float) -> int:
        """Return a quantile of the lags, for a share from 0 to 1."""
        return self.lags[int((len(self.lags) - 1) * share)]


def _is_demanded(old: str, new: str, final: list[str]) -> bool:
    """Return whether an underline in the document turns a paragraph into a heading."""
    return old == "paragraph" and new.startswith("heading") and final == [new]
