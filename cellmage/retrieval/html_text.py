"""The text of a web page as a reader sees it.

The standard library's parser takes minutes for a page of many unfinished tags, so a page is read
here, once from its beginning to its end.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import islice

from .documents import DocumentText, Section, UnreadableError

_UNSEEN = {"script", "style", "template", "noscript", "svg", "head"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt"),
    *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
    *("li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
}
_SEPARATORS = dict.fromkeys(_BLOCKS, "\n\n") | {"br": "\n", "td": " ", "th": " "}
_TITLES = {"title", "h1"}
_RAW_TEXT = {"script", "style", "title"}
"""Elements without elements in them: a ``<`` is a character there (HTML, section 13.2.6.2)."""

# Each alternative ends at a place that is behind it, and is never tried again from there.
_MARKUP = re.compile(
    r"""
    <!--(?:>|->|.*?(?:--!?>|\Z))                       # a comment
  | <(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)            # a tag
    (?:[^=>]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+ (?:>|\Z)
  | <[!?/][^>]*+(?:>|\Z)                               # a declaration, an instruction
    """,
    re.VERBOSE | re.DOTALL,
)
_TAG_START = re.compile("</?[a-zA-Z]")
_MAX_TAGS = 400_000
"""More than a page of the largest size usually has."""

_BLANKS = " \t\r\f\v"
_LARGE_NUMBER = re.compile(r"&#\d{8,}")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 2_000
_NOT_OF_PAGES = {"utf7", "punycode", "idna", "unicodeescape", "rawunicodeescape", "undefined"}
"""Encodings of Python that no page has (Encoding Standard, section 4.2)."""


def find_encoding(data: bytes) -> str:
    """Return the encoding that a page names (HTML, section 4.2.5.4); empty if it names none."""
    declaration = _CHARSET.search(data[:_HEAD_BYTES])
    name = declaration[1].decode("ascii") if declaration else ""
    return "" if re.sub(r"[\W_]", "", name.lower()) in _NOT_OF_PAGES else name


def read_html(text: str) -> DocumentText:
    """Return the text of a page without tags, styles and scripts.

    Raises:
        UnreadableError: it has too many tags.

    Example:
        >>> read_html("<title>Tides</title><style>p {}</style><p>The <b>moon</b> pulls.")
        DocumentText(title='Tides', sections=[Section(text='The moon pulls.', line=0)])
    """
    if sum(1 for _ in islice(_TAG_START.finditer(text), _MAX_TAGS + 1)) > _MAX_TAGS:
        raise UnreadableError(f"it has more than {_MAX_TAGS} tags")
    page = _Page()
    position = 0
    while match := _MARKUP.search(text, position):
        page.add_text(text[position : match.start()])
        position = match.end()
        name = (match["name"] or "").lower()
        if match["end"]:
            page.close(name)
        elif name:
            page.open(name)
            if name in _RAW_TEXT:
                position = page.add_raw_text(text, name, position)
    page.add_text(text[position:])
    lines = "".join(page.texts).split("\n")
    content = "\n".join(line.strip(_BLANKS) for line in lines).strip()
    title = " ".join("".join(page.title or page.heading).split())
    return DocumentText(title, [Section(content)])


class _Page:
    """Collects the texts that a reader sees.

    Attributes:
        texts: the texts, with line breaks between blocks.
        title: the texts of the page's title.
        heading: the texts of its first heading.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.title: list[str] = []
        self.heading: list[str] = []
        self._open: list[str] = []
        """The elements around the current text that are not seen, or have a title; each once."""
        self._has_heading = False
        self._without_end: set[str] = set()
        """Elements whose end is not in the rest of the page."""

    def open(self, name: str) -> None:
        """Begin a block, or an element that is not seen."""
        if "head" in self._open and name in _BLOCKS:
            self._open.clear()  # the end of the head may be left out
        if (name in _UNSEEN or name in _TITLES) and name not in self._open:
            self._open.append(name)
        self._separate(name)

    def close(self, name: str) -> None:
        """End a block, or an element that is not seen."""
        if name in self._open:
            del self._open[self._open.index(name) :]
            self._has_heading = self._has_heading or name == "h1"
        self._separate(name)

    def _separate(self, name: str) -> None:
        if name in _SEPARATORS:
            self.texts.append(_SEPARATORS[name])

    def add_text(self, text: str) -> None:
        """Collect a text; character references are replaced."""
        if not text:
            return
        if "&" in text:
            text = unescape(_LARGE_NUMBER.sub("\ufffd", text))
        if self._open[-1:] == ["title"]:
            self.title.append(text)
        elif _UNSEEN.isdisjoint(self._open):
            if "h1" in self._open and not self._has_heading:
                self.heading.append(text)
            self.texts.append(text)

    def add_raw_text(self, text: str, name: str, position: int) -> int:
        """Collect the text of an element without elements, and return where it ends."""
        if name in self._without_end:
            return position
        end = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(text, position)
        if end is None:  # the page was cut; what follows is read as usual
            self._without_end.add(name)
            return position
        self.add_text(text[position : end.start()])
        return end.start()
