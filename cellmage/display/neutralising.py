"""Markdown that a model wrote, made so that it cannot act on the page that shows it.

JupyterLab trusts the output of a cell that was just run, and does not clean its markdown: raw HTML
would run, and an image would call home. So raw HTML becomes visible text, images become links that
name their host, and links lead to http, https and mailto only. Code and formulas stay as they are.

Our own scanner edits the source, and a real parser judges what comes out: what would still act
there is escaped more and more bluntly.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken

from .blocks import Blocks, lines
from .inline import Scanner, Span
from .links import normal_label

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\s*[(:\[]|!\[")
_ROW = re.compile(r"^[ \t>|:-]*-[ \t>|:-]*$", re.MULTILINE)
_URL_TICKS = re.compile(r"(?:(?:https?|ftp)://|www\.)[^\s<`]*?(?=\\*`)", re.IGNORECASE)
_ODD = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_BANG = re.compile(r"!(?=\[)")
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_RISKY = re.compile(rf"{_TAG.pattern}|\]\s*[(:\[]|!\[|{_DIRECTION.pattern}")
_DEFINITION = re.compile(
    r"^([ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)\[(?:[^\[\]\\]|\\.)+\]:\s*(<[^>\n]*>|\S*)",
    re.MULTILINE,
)
_TARGET = re.compile(r"\(\s*(<[^>\n]*>|[^\s]*)")
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060\ufeff\\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CODE = -1
_LONG = 20_000
"""Characters from which a block is no prose, and is escaped without a look at what it means."""


def neutralise(markdown: str, image_hosts: Collection[str] = ()) -> str:
    """The same text, unable to act; pure, idempotent, and never raises.

    Args:
        markdown: what a model wrote, whole or healed.
        image_hosts: hosts from which images may be loaded.

    Example:
        >>> neutralise("a <script>x</script> b, if c < d")
        'a &lt;script>x&lt;/script> b, if c < d'
        >>> neutralise("![a cat](https://example.org/cat.png)")
        '[a cat (image at example.org)](https://example.org/cat.png)'
    """
    if not _RISKY.search(markdown):
        return markdown
    if any(b.end - b.start > _LONG and b.kind != "fence" for b in Blocks(markdown).blocks):
        return _blunt(markdown)
    # What one parser takes for the end of a line is a character to another.
    text = _ODD.sub(lambda match: "\n" if match[0][0] == "\r" else " ", markdown)
    for is_code_trusted in (True, True, True, False, False):
        page = _Page(text, frozenset(image_hosts), is_code_trusted)
        edited = page.edited()
        if edited == text and not page.acts:
            return text
        text = edited
    return _blunt(text)


def is_harmless(url: str) -> bool:
    """Whether a link may lead there, whatever encoding the address hides in.

    Example:
        >>> is_harmless("https://example.org"), is_harmless("java&#x73;cript%3Ax")
        (True, False)
    """
    plain = url.strip("<>")
    for _ in range(3):
        plain = _BLANK.sub("", unquote(html.unescape(plain)))
    return bool(re.match(r"(?:https?://|mailto:)", plain, re.IGNORECASE))


def _blunt(text: str) -> str:
    """Nothing in this text is a tag, a link or a definition, whoever reads it."""
    text = _DIRECTION.sub("", _TAG.sub("&lt;", text))
    return re.sub(r"\](?=\s*[(:\[])", "&#93;", text.replace("![", "!&#91;"))


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class _Page:
    """A text as CommonMark's parser sees it: which lines are code, and what could act."""

    def __init__(self, text: str, hosts: Collection[str], is_code_trusted: bool) -> None:
        self.text = text
        self._hosts = hosts
        self._is_code_trusted = is_code_trusted
        env: dict[str, Any] = {}
        self._tokens = _PARSER.parse(text, env)
        references: Mapping[str, Any] = env.get("references", {})
        self._labels = {normal_label(key): value["href"] for key, value in references.items()}

    @property
    def acts(self) -> bool:
        """Whether the parser sees HTML, an image or a link that must not be there."""
        children = (child for token in self._tokens for child in token.children or ())
        return any(map(self._is_acting, (*self._tokens, *children))) or not all(
            map(is_harmless, self._labels.values())
        )

    def _is_acting(self, token: MarkdownToken) -> bool:
        if token.type == "link_open":
            return not is_harmless(str(token.attrs.get("href", "")))
        if token.type == "image":
            return not self._may_load(str(token.attrs.get("src", "")))
        return token.type in ("html_block", "html_inline")

    def _may_load(self, url: str) -> bool:
        return is_harmless(url) and _host(url) in self._hosts

    def edited(self) -> str:
        """The text with what could act taken out."""
        edits: dict[int, _Edit] = {}
        for start, part in self._parts():
            for edit in self._edits(part):
                edits.setdefault(start + edit.start, _shifted(edit, start))
        pieces, position = [], 0
        for at in sorted(edits):
            if at >= position:
                pieces += [self.text[position:at], edits[at].text]
                position = edits[at].end
        return "".join([*pieces, self.text[position:]])

    def _parts(self) -> Iterator[tuple[int, str]]:
        """Everything but code blocks, in parts over whose borders no inline construct reaches."""
        sources = list(lines(self.text))
        owners: list[int | None] = [None] * len(sources)
        for number, token in enumerate(self._tokens):
            if token.map and token.type in ("fence", "code_block", "inline"):
                owner = number if not self._is_code(token, sources) else _CODE
                owners[slice(*token.map)] = [owner] * (token.map[1] - token.map[0])
        start = position = 0
        for number, source in enumerate(sources):
            position += len(source)
            if number + 1 == len(sources) or owners[number + 1] != owners[number]:
                if owners[number] != _CODE:
                    yield start, self.text[start:position]
                start = position

    def _is_code(self, token: MarkdownToken, sources: list[str]) -> bool:
        """Whether all parsers see code here; on indented code they agree in the open only."""
        if token.type == "code_block" and token.map:
            first = token.map[0]
            return token.level == 0 and (first == 0 or not sources[first - 1].strip())
        return token.type == "fence"

    def _edits(self, part: str) -> Iterator[_Edit]:
        opaque: list[tuple[int, int]] = []
        for span in Scanner(part, is_open=False, labels=self._labels).scan().spans:
            if span.kind in _SPANS:
                end, edits = _SPANS[span.kind](self, part, span)
                opaque.append((span.start, end))
                yield from edits
        for match in _URL_TICKS.finditer(part):
            # marked takes backticks behind a bare URL for a part of it, and then pairs others.
            if not any(start < match.end() < end for start, end in opaque):
                yield _Edit(match.end(), match.end(), " ")
        for pattern, harmless in _MARKS:
            yield from (_Edit(at, at + 1, harmless) for at in _outside(pattern, part, opaque))
        for match in _DEFINITION.finditer(part):
            if not is_harmless(match[2]):
                yield _Edit(match.end(1), match.end(1) + 1, "&#91;")

    # Each gives the end of what is not looked at again, and the edits of the span.

    def _escape(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        # A bare URL takes the backslash, and what it escaped then stands alone.
        is_tag = part[span.start : span.end] == "\\<"
        return span.end, [_Edit(span.start, span.end, "&lt;")] if is_tag else []

    def _math(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        formula = part[span.start : span.end]
        harmless = _blunt(formula) if _LINK.search(formula) else _TAG.sub("< ", formula)
        return span.end, [_Edit(span.start, span.end, harmless)]

    def _code(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        if not self._is_code_trusted:
            return span.start, []
        code = part[span.start : span.end]
        # marked may see a table here, whose cells and rows end in the midst of code.
        may_end = "\n" in code or ("|" in code and _ROW.search(part))
        return span.end, [_Edit(span.start, span.end, _blunt(code))] if may_end else []

    def _autolink(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        return span.end if _is_address(part[span.start + 1 : span.end - 1]) else span.start, []

    def _link(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        if is_harmless(self._url(part, span)):
            return span.start + 1, []
        return span.start + 1, self._text_alone(span, span.start)

    def _image(self, part: str, span: Span) -> tuple[int, list[_Edit]]:
        url = self._url(part, span)
        if self._may_load(url):
            return span.start + 1, []
        if not is_harmless(url):
            return span.start + 1, self._text_alone(span, span.start + 1)
        alt = " " * (part[span.text_end - 1] not in "[ ")
        where = f"{alt}(image at {_host(url) or 'an address'})]"
        edits = [
            _Edit(span.start, span.start + 1, ""),
            _Edit(span.text_end, span.text_end + 1, where),
        ]
        return span.start + 1, edits

    def _text_alone(self, span: Span, bracket: int) -> list[_Edit]:
        return [
            _Edit(bracket, bracket + 1, "&#91;"),
            _Edit(span.text_end, span.text_end + 1, "&#93;"),
        ]

    def _url(self, part: str, span: Span) -> str:
        target = part[span.text_end + 1 : span.end]
        if match := _TARGET.match(target):
            return match[1].strip("<>") if match[1].startswith("<") else match[1].rstrip(")")
        begin = span.start + 1 + (span.kind == "image")
        label = target.strip("[]") or part[begin : span.text_end]
        return str(self._labels.get(normal_label(label), ""))


_SPANS = {
    "link": _Page._link,
    "image": _Page._image,
    "escape": _Page._escape,
    "math": _Page._math,
    "code": _Page._code,
    "autolink": _Page._autolink,
}

# What is replaced wherever it stands in the open: an image by reference, whose definition may stand
# anywhere on the page, a tag, and a mark that turns the direction of the text.
_MARKS = ((_BANG, "&#33;"), (_TAG, "&lt;"), (_DIRECTION, ""))


def _is_address(inside: str) -> bool:
    return is_harmless(inside) if _SCHEME.match(inside) else "@" in inside


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _outside(pattern: re.Pattern[str], part: str, opaque: list[tuple[int, int]]) -> Iterator[int]:
    """Where the pattern matches outside of these ranges, which are in order."""
    ranges = iter([*sorted(opaque), (len(part), len(part))])
    start, end = next(ranges)
    for match in pattern.finditer(part):
        while match.start() >= end and end < len(part):
            start, end = next(ranges)
        if match.start() < start or match.start() >= end:
            yield match.start()


def _shifted(edit: _Edit, by: int) -> _Edit:
    return _Edit(edit.start + by, edit.end + by, edit.text)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
    # Its own opinion of addresses would hide from us what other parsers turn into links.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser.enable(["table", "strikethrough"])


_PARSER = _parser()
