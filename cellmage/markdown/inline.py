"""Inline markdown as far as one must know it while it arrives: what is whole, and what is open.

Sources: CommonMark 0.31.2, sections 2.4, 2.5 and 6; GitHub Flavored Markdown (strikethrough); TeX
formulas between dollars, as JupyterLab finds them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .links import normalize_label, target_end

_SPECIAL = re.compile(r"[\\`$<&!\[\]*_~]")
_TOKEN = re.compile(r"\\.?|`+|\$\$?|<|&|!\[?|\[|\]|\*+|_+|~+", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_OPEN = re.compile(r"&#?[A-Za-z0-9]{0,31}\Z")
_ATTRIBUTE = r"\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?"
_HTML = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?|/[A-Za-z][A-Za-z0-9-]*\s*)>"
    r"|<!---?>|<!--(?:(?!-->).)*-->|<\?(?:(?!\?>).)*\?>|<![A-Za-z][^>]*>|<!\[CDATA\[.*?\]\]>",
    re.DOTALL,
)
AUTOLINK = re.compile(
    r"<(?:([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)|([\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+))>"
)
_ANGLE_OPEN = re.compile(r"<(?:[A-Za-z/!?][^<>\n]*)?\Z")
_HTML_ENDS = {"!": ">", "?": "?>"}
_MATH_END = re.compile(r"(?<![\\\s])\$")
_PATIENCE = 100
"""Characters for which an open bracket is held back; after that it is taken for text."""


class Span(NamedTuple):
    """A whole construct: `kind` is escape, code, math, html, autolink, entity, link or image."""

    kind: str
    start: int
    end: int
    text_end: int = 0
    """Where the text of a link ends, and its target begins."""


class Delimiter(NamedTuple):
    """A run of ``*``, ``_`` or ``~~`` that opens emphasis and waits for its end."""

    char: str
    length: int
    start: int
    below: Delimiter | None


@dataclass(slots=True)
class Inline:
    """What a scan has found.

    `cut` is where something begins that may still turn into anything: what stands before it may
    be shown. `bare` is the part of a link's text that may be shown although its target is open.
    """

    spans: list[Span]
    cut: int
    bare: tuple[int, int] | None = None
    delimiters: Delimiter | None = None


class _Bracket(NamedTuple):
    start: int
    is_image: bool
    delimiters: Delimiter | None


class Scanner:
    """One left-to-right scan; every character is looked at a bounded number of times.

    Args:
        text: the inline text of one block.
        is_open: whether the text may still go on.
        labels: the labels that are defined, for reference links.
    """

    def __init__(self, text: str, is_open: bool, labels: Mapping[str, str] | None = None) -> None:
        self.text = text
        self.is_open = is_open
        self.labels = labels or {}
        self.found = Inline([], len(text))
        self._brackets: list[_Bracket] = []
        self._ticks: dict[int, list[int]] | None = None
        self._stopped = False

    def scan(self) -> Inline:
        """Scan the text."""
        position = 0
        while not self._stopped and (special := _SPECIAL.search(self.text, position)):
            token = _TOKEN.match(self.text, special.start()).group()  # type: ignore[union-attr]
            position = self._token(token, special.start())
        if self.is_open and not self._stopped:
            self._hold_bracket()
        return self.found

    def _token(self, token: str, at: int) -> int:
        handler = _HANDLERS[token[0]]
        return handler(self, token, at)

    # Each gives the position to go on from.

    def _escape(self, token: str, at: int) -> int:
        if len(token) == 1 and self.is_open:
            return self._stop(at)
        self.found.spans.append(Span("escape", at, at + len(token)))
        return at + len(token)

    def _code(self, token: str, at: int) -> int:
        begin = at + len(token)
        starts = self._runs().get(len(token), [])
        index = bisect_left(starts, begin)
        if index < len(starts):
            end = starts[index] + len(token)
            # A run at the very end may still grow, and then it closes nothing.
            if not (self.is_open and end == len(self.text) and len(token) > 1):
                return self._whole(Span("code", at, end))
        if not self.is_open:
            return begin
        content = self.text[begin:].rstrip("`")
        if not content.strip():
            return self._stop(at)
        self._stop(begin + len(content))
        self.found.spans.append(Span("open code", at, begin))
        return len(self.text)

    def _runs(self) -> dict[int, list[int]]:
        if self._ticks is None:
            self._ticks = {}
            for run in re.finditer("`+", self.text):
                self._ticks.setdefault(len(run.group()), []).append(run.start())
        return self._ticks

    def _math(self, token: str, at: int) -> int:
        begin = at + len(token)
        follower = self.text[begin : begin + 1]
        if token == "$" and (follower.isspace() or follower.isdigit()):
            return begin
        if token == "$$":
            end = self.text.find("$$", begin)
            end = end + 2 if end != -1 else -1
        else:
            match = _MATH_END.search(self.text, begin)
            end = match.end() if match else -1
        if end != -1:
            return self._whole(Span("math", at, end))
        return self._stop(at) if self.is_open else begin

    def _angle(self, token: str, at: int) -> int:
        ending = _HTML_ENDS.get(self.text[at + 1 : at + 2])
        if ending and self.text.find(ending, at) == -1:  # looked for quickly, and so often
            return self._stop(at) if self.is_open and _ANGLE_OPEN.match(self.text, at) else at + 1
        for kind, pattern in (("autolink", AUTOLINK), ("html", _HTML)):
            if match := pattern.match(self.text, at):
                return self._whole(Span(kind, at, match.end()))
        if self.is_open and _ANGLE_OPEN.match(self.text, at):
            return self._stop(at)
        return at + 1

    def _ampersand(self, token: str, at: int) -> int:
        if match := _ENTITY.match(self.text, at):
            return self._whole(Span("entity", at, match.end()))
        if self.is_open and _ENTITY_OPEN.match(self.text, at):
            return self._stop(at)
        return at + 1

    def _open_bracket(self, token: str, at: int) -> int:
        if token == "!":
            return at + 1
        self._brackets.append(_Bracket(at, token == "![", self.found.delimiters))
        return at + len(token)

    def _close_bracket(self, token: str, at: int) -> int:
        if not self._brackets:
            return at + 1
        bracket = self._brackets.pop()
        kind = "image" if bracket.is_image else "link"
        begin = bracket.start + 1 + bracket.is_image
        follower = self.text[at + 1 : at + 2]
        end, is_cut = self._target(at + 1, self.text[begin:at])
        if end:
            self.found.delimiters = bracket.delimiters
            return self._whole(Span(kind, bracket.start, end, at))
        if is_cut or (self.is_open and not follower):
            self._stop(bracket.start, bracket.delimiters)
            if follower and not bracket.is_image:
                self.found.bare = (begin, at)
            return len(self.text)
        return at + 1

    def _target(self, at: int, text: str) -> tuple[int, bool]:
        """The end of a link's target that begins here (0 for none), and whether it is cut."""
        begin = self.text[at : at + 1]
        if begin == "(":
            end = target_end(self.text, at)
            return end, self.is_open and end == 0
        if begin == "[":
            close = self.text.find("]", at)
            label = normalize_label(self.text[at + 1 : close] or text)
            if close != -1 and label in self.labels:
                return close + 1, False
            # A definition usually follows at the end of an answer: until then show the text.
            return 0, self.is_open and close == -1
        return (at if normalize_label(text) in self.labels else 0), False

    def _emphasis(self, token: str, at: int) -> int:
        end = at + len(token)
        if self.is_open and end == len(self.text):
            return self._stop(at)
        if token[0] == "~" and len(token) != 2:
            return end
        can_open, can_close = _flanking(self.text, at, end)
        if token == "*" and self.text.startswith(".", end):
            can_open = False  # a pattern such as *.py: far more common than emphasis of a dot
        left = len(token)
        if can_close:
            left = self._close(token[0], left, can_open)
        if can_open and left:
            below = self.found.delimiters
            self.found.delimiters = Delimiter(token[0], left, end - left, below)
        return end

    def _close(self, char: str, count: int, can_open: bool) -> int:
        """Close what this run closes; give what is left of the run."""
        while count:
            opener = self.found.delimiters
            while opener is not None and opener.char != char:
                opener = opener.below
            if opener is None or (can_open and (opener.length + count) % 3 == 0 and count % 3):
                return count
            used = min(2, count, opener.length)
            count -= used
            rest = opener.length - used
            below = opener.below
            self.found.delimiters = Delimiter(char, rest, opener.start, below) if rest else below
        return count

    def _whole(self, span: Span) -> int:
        self.found.spans.append(span)
        return span.end

    def _stop(self, at: int, delimiters: Delimiter | bool | None = False) -> int:
        self._stopped = True
        self.found.cut = at
        if not isinstance(delimiters, bool):
            self.found.delimiters = delimiters
        self._hold_bracket()
        return len(self.text)

    def _hold_bracket(self) -> None:
        """An open bracket may become a link or stay text: not shown before that is known."""
        ends = [*(bracket.start for bracket in self._brackets[1:]), self.found.cut]
        for bracket, end in zip(self._brackets, ends, strict=False):
            if end - bracket.start <= _PATIENCE:
                self.found.cut, self.found.bare = bracket.start, None
                self.found.delimiters = bracket.delimiters
                return


_HANDLERS = {
    "\\": Scanner._escape,
    "`": Scanner._code,
    "$": Scanner._math,
    "<": Scanner._angle,
    "&": Scanner._ampersand,
    "!": Scanner._open_bracket,
    "[": Scanner._open_bracket,
    "]": Scanner._close_bracket,
    "*": Scanner._emphasis,
    "_": Scanner._emphasis,
    "~": Scanner._emphasis,
}


def _flanking(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether a run can open and can close emphasis: CommonMark, section 6.2."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    space_before, space_after = before.isspace(), after.isspace()
    mark_before, mark_after = is_mark(before), is_mark(after)
    left = not space_after and (not mark_after or space_before or mark_before)
    right = not space_before and (not mark_before or space_after or mark_after)
    if text[start] == "_":
        return left and (not right or mark_before), right and (not left or mark_after)
    return left, right


def is_mark(char: str) -> bool:
    """Whether CommonMark takes the character for punctuation."""
    return unicodedata.category(char)[0] in "PS"
