"""What to change in inline markdown that must not act, whichever parser shows it.

CommonMark says what is code and what is a link. marked, JupyterLab's parser, differs here and
there: what it could take for the beginning of something else is written as an entity, which looks
the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .inline import Scanner, Span
from .links import is_safe_url, normalize_label

_PREFIX = r"^((?:[ \t>]|(?:[-+*]|\d{1,9}[.)])[ \t])*"
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\s*[(:\[]|!\[")
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_ROW = re.compile(r"^[ \t>|:-]*-[ \t>|:-]*$", re.MULTILINE)
_URL_TICKS = re.compile(r"(?:(?:https?|ftp)://|www\.)[^\s<`]*+(?=`)", re.IGNORECASE)
_DEFINITION = re.compile(rf"{_PREFIX})\[(?:[^\[\]\\]|\\.)+\]:\s*(<[^>\n]*>|\S*)", re.MULTILINE)
_INFO = re.compile(rf"{_PREFIX}(?:`{{3,}}+|~{{3,}}+))([^\n]+)", re.MULTILINE)
_NO_INFO = re.compile(r"[^\w \t+#.,{}='()/:-]")
_TARGET = re.compile(r"\(\s*(<[^>\n]*>|[^\s]*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

RISKY = re.compile(rf"{_TAG.pattern}|{_LINK.pattern}|{_DIRECTION.pattern}")
"""What there is in a text that may need a change; the names of languages are another matter."""

# What is replaced wherever it stands in the open: an image by reference, whose definition may stand
# anywhere on the page, a tag, a mark that turns the direction of the text, and what is a link to
# marked only, which does not count parentheses.
_MARKS = (
    (re.compile(r"!(?=\[)"), "&#33;"),
    (_TAG, "&lt;"),
    (_DIRECTION, ""),
    (re.compile(r"\](?=\()"), "&#93;"),
)

# In the neighbourhood of code that would act, marked may pair these with what stands in the code.
_NEAR_CODE = (
    (re.compile("<(?=[^<>`]*`)"), "&lt;"),
    (re.compile(r"\[(?![ xX]\])"), "&#91;"),
    (re.compile("`"), "&#96;"),
)


class Edit(NamedTuple):
    """Text to put between two offsets."""

    start: int
    end: int
    text: str


def changed(text: str, edits: Mapping[int, Edit]) -> str:
    """The text with these edits; of two that overlap, the first."""
    pieces, position = [], 0
    for at in sorted(edits):
        if at >= position:
            pieces += [text[position:at], edits[at].text]
            position = edits[at].end
    return "".join([*pieces, text[position:]])


def blunt(text: str) -> str:
    """Nothing in this text is a tag, a link or a definition, whoever reads it."""
    text = _DIRECTION.sub("", _TAG.sub("&lt;", text))
    return re.sub(r"\](?=\s*[(:\[])", "&#93;", text.replace("![", "!&#91;"))


def plain_info(text: str) -> str:
    """The text without what no language has in its name: it becomes an attribute as it stands."""
    if "```" not in text and "~~~" not in text:
        return text
    return _INFO.sub(lambda match: match[1] + _NO_INFO.sub("", match[2]), text)


class Defuser:
    """Finds the edits that a part of a text needs.

    Args:
        labels: the addresses of reference links.
        image_hosts: hosts from which images may be loaded.
        is_code_trusted: whether everybody will see code where we do.
    """

    def __init__(
        self, labels: Mapping[str, str], image_hosts: Collection[str], is_code_trusted: bool
    ) -> None:
        self._labels = labels
        self._hosts = image_hosts
        self._is_code_trusted = is_code_trusted

    def edits(self, part: str) -> Iterator[Edit]:
        """The edits, in no order; offsets are those of the part."""
        opaque: list[tuple[int, int]] = []
        code: set[int] = set()
        marks: tuple[tuple[re.Pattern[str], str], ...] = _MARKS
        for span in Scanner(part, is_open=False, labels=self._labels).scan().spans:
            if span.kind in _SPANS:
                end, edits = _SPANS[span.kind](self, part, span)
                opaque.append((span.start, end))
                if span.kind == "code":
                    code.update(range(span.start + 1, end))
                yield from edits
            if span.text_end:
                opaque.append((span.text_end, span.text_end + 1))
            elif span.kind == "code" and RISKY.search(part, span.start, span.end):
                marks = _MARKS + _NEAR_CODE
        for match in _URL_TICKS.finditer(part):
            # marked takes backticks behind a bare URL for a part of it, and then pairs others.
            at = len(part[: match.end()].rstrip("\\"))
            if at not in code:
                yield Edit(at, at, " ")
        for pattern, harmless in marks:
            yield from (Edit(at, at + 1, harmless) for at in _outside(pattern, part, opaque))
        for match in _DEFINITION.finditer(part):
            if not is_safe_url(match[2]):
                yield Edit(match.end(1), match.end(1) + 1, "&#91;")

    def may_load(self, url: str) -> bool:
        """Whether this image may be loaded."""
        return is_safe_url(url) and _host(url) in self._hosts

    # Each gives the end of what is not looked at again, and the edits of the span.

    def _escape(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        # A bare URL takes the backslash, and what it escaped then stands alone.
        is_tag = part[span.start : span.end] == "\\<"
        return span.end, [Edit(span.start, span.end, "&lt;")] if is_tag else []

    def _math(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        formula = part[span.start : span.end]
        harmless = blunt(formula) if _LINK.search(formula) else _TAG.sub("< ", formula)
        return span.end, [Edit(span.start, span.end, harmless)]

    def _code(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        if not self._is_code_trusted:
            return span.start, []
        code = part[span.start : span.end]
        if not RISKY.search(code):
            return span.end, []
        # marked may see a table here, whose cells and rows end in the midst of code. It sees marks
        # in code that has other backticks within, and what is struck through ends in any code.
        inner = code.strip("`")
        is_odd = "`" in inner and (_LINK.search(inner) or not {*"*_"}.isdisjoint(inner))
        is_odd = is_odd or ("~" in code and "~" in part[: span.start])
        if "\n" in code or is_odd or ("|" in code and _ROW.search(part)):
            return span.end, [Edit(span.start, span.end, blunt(code))]
        # It takes tildes and the backticks behind them for text.
        is_joined = part[: span.start].endswith("~")
        return span.end, [Edit(span.start, span.start, "\u200b")] if is_joined else []

    def _autolink(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        return span.end if _is_address(part[span.start + 1 : span.end - 1]) else span.start, []

    def _link(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        if is_safe_url(self._url(part, span)):
            return span.start + 1, []
        return span.start + 1, self._text_alone(span, span.start)

    def _image(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        url = self._url(part, span)
        if self.may_load(url):
            return span.start + 2, []
        if not is_safe_url(url):
            return span.start + 2, self._text_alone(span, span.start + 1)
        alt = " " * (part[span.text_end - 1] not in "[ ")
        where = f"{alt}(image at {_host(url) or 'an address'})]"
        edits = [
            Edit(span.start, span.start + 1, ""),
            Edit(span.text_end, span.text_end + 1, where),
        ]
        return span.start + 2, edits

    def _text_alone(self, span: Span, bracket: int) -> list[Edit]:
        return [
            Edit(bracket, bracket + 1, "&#91;"),
            Edit(span.text_end, span.text_end + 1, "&#93;"),
        ]

    def _url(self, part: str, span: Span) -> str:
        target = part[span.text_end + 1 : span.end]
        if match := _TARGET.match(target):
            return match[1].strip("<>") if match[1].startswith("<") else match[1].rstrip(")")
        begin = span.start + 1 + (span.kind == "image")
        label = target.strip("[]") or part[begin : span.text_end]
        return str(self._labels.get(normalize_label(label), ""))


_SPANS = {
    "link": Defuser._link,
    "image": Defuser._image,
    "escape": Defuser._escape,
    "math": Defuser._math,
    "code": Defuser._code,
    "autolink": Defuser._autolink,
}


def _is_address(inside: str) -> bool:
    # A comment may look like the address of a mail.
    return is_safe_url(inside) if _SCHEME.match(inside) else "@" in inside and inside[0].isalnum()


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
