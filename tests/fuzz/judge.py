"""What acts in the HTML that a parser has made: an element, a handler, an address, an image.

MathJax looks for formulas in the text of the finished page, so commands of TeX are judged there.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

PLAIN = frozenset(
    {"b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr", "i",
     "ins", "kbd", "li", "mark", "ol", "p", "pre", "s", "section", "small", "span", "strong", "sub",
     "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
    | {f"h{level}" for level in range(1, 7)}
)  # fmt: skip
ATTRIBUTES = frozenset(
    {"align", "aria-hidden", "checked", "class", "data-lang", "disabled", "id", "lang", "open",
     "start", "title", "type"}
)  # fmt: skip
STYLES = re.compile(r"(?:text-align: ?\w+;?|opacity:0\.7|)\Z")
SAFE_ADDRESS = re.compile(
    r"(?:https?:)?//|[\w.+-]*mailto:"
    # cmark-gfm takes what is around an address into it, and leaves out its scheme.
    r"|(?![a-z][a-z0-9+.-]*:)[^/?#]*@",
    re.IGNORECASE,
)
# What MathJax takes for one text: it has no tag but line breaks, and code is left alone.
ACTIVE_TEX = re.compile(
    r"(?:\$|\\[(\[]|\\begin\{).*?"
    r"\\(?:href|url|html\w+|class|cssId|style|data|includegraphics|require|unicode|mmlToken)\b",
    re.DOTALL,
)
NO_TEX = frozenset({"code", "pre"})


def find_acts(html: str) -> list[str]:
    """Return the tags that act."""
    judge = _Judge(convert_charrefs=True)
    judge.feed(html)
    judge.close()
    return judge.acts


class _Judge(HTMLParser):
    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.acts: list[str] = []
        self._text = ""
        self._code = 0

    def handle_data(self, data: str) -> None:
        self._text += "" if self._code else data

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in NO_TEX and self._code > 0
        self._end_text()

    def close(self) -> None:
        super().close()
        self._end_text()

    def _end_text(self) -> None:
        if match := ACTIVE_TEX.search(self._text):
            self.acts.append(match[0])
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in NO_TEX
        if tag != "br":
            self._end_text()
        # Of two attributes of one name, browsers take the first.
        values = {name: value or "" for name, value in reversed(attrs)}
        is_own_anchor = values.get("class") == "anchor-link" and values.get("href", "")[:1] == "#"
        is_link = tag == "a" and (is_own_anchor or SAFE_ADDRESS.match(values.get("href", "x:")))
        is_box = tag == "input" and values.get("type") == "checkbox"
        allowed = ATTRIBUTES | ({"href"} if tag == "a" else {"style"})
        is_known = tag in PLAIN or is_link or is_box
        if not is_known or set(values) - allowed or not STYLES.match(values.get("style", "")):
            self.acts.append(str(self.get_starttag_text()))

    def handle_comment(self, data: str) -> None:
        self.acts.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.acts.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.acts.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.acts.append(f"<![{data}]>")
