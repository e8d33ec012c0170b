"""A page as a list of tags and texts, to compare how two pages look."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote

_SAME = {"s": "del", "b": "strong", "i": "em"}
"""Tags that look like another."""

_UNSEEN = frozenset({"span"})
_VOID = frozenset({"br", "hr", "img", "input"})
_INLINE = frozenset(
    {"a", "code", "del", "em", "img", "input", "ins", "kbd", "mark", "small", "strong", "sub",
     "sup", "u"}
)  # fmt: skip
_ATTRIBUTES = frozenset({"href", "title", "src", "start", "align", "style", "checked", "open"})
_NO_WIDTH = re.compile("[\u200b\ufeff]")
_TAG_NAME = re.compile(r"</?([a-z0-9]+)")


def read_tree(html: str) -> list[str]:
    """Return the tags and the texts of a page, in order.

    White space is collapsed, but not in code. Addresses are decoded.

    Example:
        >>> read_tree("<p>a  <i>b</i></p>\\n")
        ['<p>', 'a ', '<em>', 'b', '</em>', '</p>']
    """
    reader = _Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    return _trim_texts(reader.parts)


class _Reader(HTMLParser):
    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.parts: list[str] = [""]
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_code |= tag == "pre"
        if tag in _UNSEEN:
            return
        seen = sorted((name, _clean(value)) for name, value in attrs if name in _ATTRIBUTES)
        attributes = "".join(f' {name}="{value}"' for name, value in seen)
        self._add(f"<{_SAME.get(tag, tag)}{attributes}>")
        if tag == "p" and len(self.parts) > 4 and self.parts[-4].startswith("<input"):
            # marked writes the box of a task before its paragraph, or in it.
            box, space, paragraph, _ = self.parts[-4:]
            self.parts[-4:] = [paragraph, "", box, space]

    def handle_endtag(self, tag: str) -> None:
        self._is_code &= tag != "pre"
        if tag not in _VOID | _UNSEEN:
            self._add(f"</{_SAME.get(tag, tag)}>")

    def handle_data(self, data: str) -> None:
        text = _NO_WIDTH.sub("", data)
        self.parts[-1] += text if self._is_code else " ".join(re.split(r"\s+", text))

    def _add(self, tag: str) -> None:
        self.parts += [tag, ""]


def _clean(value: str | None) -> str:
    return " ".join(unquote(value or "").split())


def _trim_texts(parts: list[str]) -> list[str]:
    """Return the parts without empty texts and without white space beside blocks."""
    trimmed = list(parts)
    for index in range(0, len(parts), 2):
        if not index or _is_block(parts[index - 1]):
            trimmed[index] = trimmed[index].lstrip(" ")
        if index + 1 == len(parts) or _is_block(parts[index + 1]):
            trimmed[index] = trimmed[index].rstrip(" ")
    return [part for part in trimmed if part]


def _is_block(tag: str) -> bool:
    match = _TAG_NAME.match(tag)
    return match is not None and match[1] not in _INLINE
