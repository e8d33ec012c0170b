"""Markdown as JupyterLab shows it: the visible text, the blocks, and what is unsafe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser

from tests.rendered import BARE_TAG, Page, normalize_text

from .node import Node

# The tags that the parser makes of markdown, with the attributes that it writes itself.
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "input": {"type", "disabled", "checked"},
    "ol": {"start"},
    "pre": {"class"},
    "td": {"align"},
    "th": {"align"},
}
PLAIN = frozenset(
    {"blockquote", "br", "del", "em", "hr", "li", "p", "strong", "table", "tbody", "thead", "tr",
     "ul"}
    | {"b", "details", "i", "ins", "kbd", "mark", "s", "small", "span", "sub", "summary", "sup"}
    | {"u"}
)  # fmt: skip
"""The tags without attributes: of the parser, and those that models write."""
NAMES = {"ol": "ordered_list", "p": "paragraph", "pre": "fence", "ul": "bullet_list"}
HEADING = re.compile("h([1-6])")
_RAW_BARE_TAG = re.compile(f"<!--raw-->(?={BARE_TAG.pattern})")
VOID = {"br", "hr", "img", "input"}
BLOCK = {
    "blockquote",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}


class Marked:
    """marked with JupyterLab's options and extensions, as a parser for the metrics."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def render_html(self, texts: Sequence[str]) -> list[str]:
        html: list[str] = self._node.call(list(texts))
        return html

    def render_pages(self, texts: Sequence[str]) -> list[Page]:
        pages = [_PageParser(html) for html in self.render_html(texts)]
        return [Page(normalize_text("".join(page.text)), page.blocks) for page in pages]

    def find_unsafe(self, texts: Sequence[str]) -> list[list[str]]:
        return [_PageParser(html).unsafe for html in self.render_html(texts)]


@contextmanager
def start_marked() -> Iterator[Marked]:
    with Node("render.mjs") as node:
        yield Marked(node)


class _PageParser(HTMLParser):
    """The visible text of a page, its blocks, and what in it could act."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.blocks: list[str] = []
        self.unsafe: list[str] = []
        self._depth = 0
        self.feed(_RAW_BARE_TAG.sub("", html))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        heading = HEADING.fullmatch(tag)
        allowed = {"id"} if heading else set() if tag in PLAIN else ATTRIBUTES.get(tag)
        if allowed is None or not allowed.issuperset(name for name, _ in attributes):
            self.unsafe.append(str(self.get_starttag_text()))
        values = dict(attributes)
        if tag == "a" and not re.match("https?://|mailto:", values.get("href") or ""):
            self.unsafe.append(str(self.get_starttag_text()))
        if tag == "br":
            self.text.append(" ")
        elif tag == "img":
            self.text.append(values.get("alt") or "")
        elif heading or tag in BLOCK:
            self._add_block(tag, heading, values)

    def _add_block(
        self, tag: str, heading: re.Match[str] | None, values: dict[str, str | None]
    ) -> None:
        self.text.append(" ")
        if not self._depth:
            name = f"heading{heading[1]}" if heading else NAMES.get(tag, tag)
            self.blocks.append("code_block" if values.get("class") == "indented" else name)
        self._depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (tag in BLOCK or HEADING.fullmatch(tag)):
            self.text.append(" ")
            self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def parse_html_declaration(self, i: int) -> int:
        is_comment = self.rawdata.startswith("<!--", i)
        return super().parse_html_declaration(i) if is_comment else self.parse_bogus_comment(i)

    def handle_comment(self, data: str) -> None:
        self.unsafe.append(f"<!--{data}-->")
        if not self._depth:
            self.blocks.append("html_block")
