"""What acts in the HTML that a parser has made: an element, a handler, an address, an image."""

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
SAFE_ADDRESS = re.compile(r"(?:https?:)?//|mailto:", re.IGNORECASE)


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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
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
