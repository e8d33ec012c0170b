"""The text of a web page as a reader sees it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from .documents import DocumentText, Section

_UNSEEN = {"script", "style", "template", "noscript", "svg", "head"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt"),
    *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
    *("li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
}
_CELLS = {"td", "th"}
_DECLARATION = re.compile(r"<!\[.*?\]?>", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\f\v]*\n[ \t\r\f\v]*")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 2_000


def find_encoding(data: bytes) -> str:
    """Return the encoding that a page names (HTML, section 4.2.5.4); empty if it names none."""
    declaration = _CHARSET.search(data[:_HEAD_BYTES])
    return declaration[1].decode("ascii") if declaration else ""


def read_html(text: str) -> DocumentText:
    """Return the text of a page without tags, styles and scripts.

    Example:
        >>> read_html("<title>Tides</title><style>p {}</style><p>The <b>moon</b> pulls.")
        DocumentText(title='Tides', sections=[Section(text='The moon pulls.', line=0)])
    """
    parser = _TextParser()
    # html.parser stops at marked sections that it does not know, as Word writes them.
    parser.feed(_DECLARATION.sub("", text))
    parser.close()
    title = " ".join((parser.title or parser.heading).split())
    return DocumentText(title, [Section(_BLANKS.sub("\n", "".join(parser.texts)).strip())])


class _TextParser(HTMLParser):
    """Collects the texts that a reader sees.

    Attributes:
        texts: the texts, with line breaks between blocks.
        title: the title of the page.
        heading: the text of its first heading.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.title = self.heading = ""
        self._open: list[str] = []
        """The elements around the current text that are not seen, or have a title."""
        self._has_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, or an element that is not seen."""
        if "head" in self._open and tag in _BLOCKS:
            self._open.clear()  # the end of the head may be left out
        if tag in _UNSEEN or tag in ("title", "h1"):
            self._open.append(tag)
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break the line, as at ``<br/>``."""
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """End a block, or an element that is not seen."""
        if tag in self._open:
            del self._open[self._open.index(tag) :]
            self._has_heading = self._has_heading or tag == "h1"
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Collect a text."""
        if self._open[-1:] == ["title"]:
            self.title += data
        elif not _UNSEEN.intersection(self._open):
            if "h1" in self._open and not self._has_heading:
                self.heading += data
            self.texts.append(data)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.texts.append("\n\n")
        elif tag == "br" or tag in _CELLS:
            self.texts.append("\n" if tag == "br" else " ")
