r"""Inline markdown that is still arriving: its complete constructs, and the start of the undecided.

Sources: CommonMark 0.31.2, sections 2.4, 2.5 and 6; strikethrough of GitHub Flavored Markdown;
formulas as models write them; bare HTML tags.

One scan from left to right finds what these patterns describe; as patterns, some of them would take
quadratic time for hostile text:

    escape      \\.                                                    2.4
    entity      &(?:#\d{1,7}|#[xX]\h{1,6}|name);                       2.5
    code        (?<!`)(`+)(?!`).*?(?<!`)\1(?!`)                        6.1
    emphasis    delimiter runs of * and _, and of ~~ in GFM            6.2
    link        \[ text \](?: \( destination title? \) | \[label\] )?  6.3
    image       ! before a link                                        6.4
    autolink    <(?:scheme:[^\s<>]*|address@host)>                     6.5
    html        < tag, comment, instruction, declaration or CDATA >    6.6
    math        as `cellmage.markdown.formulas` finds it
    tag         < name >, for the names in `cellmage.markdown.tags`
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .emphasis import Delimiter, classify_run, close_emphasis, close_tag
from .formulas import OPENING, match_formula, may_become_formula
from .html_patterns import AUTOLINK, HTML, HTML_ENDS, HTML_OPEN, TAG_OPEN
from .links import find_target_end, may_become_safe_url, normalize_label
from .tags import match_tag

_SPECIAL = re.compile(r"[\\`$<&!\[\]*_~]")
_TOKEN = re.compile(r"\\.?|`+|\$\$?|<|&|!\[?|\[|\]|\*+|_+|~+", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_OPEN = re.compile(r"&#?[A-Za-z0-9]{0,31}\Z")
_BACKSLASH_OPEN = re.compile(r"\\(?:b(?:e(?:g(?:i(?:n(?:\{[A-Za-z]*\*?)?)?)?)?)?)?\n?\Z")

_CITATION = re.compile(r"\d+\Z")
"""Text of brackets that is a citation, and seldom a link: its brackets are shown."""

_IN_NAME = re.compile(r"[\w)\]]")
"""A character before the brackets of an index, as in ``x[i][j]``."""

_MAX_HELD_CHARS = 100
"""Length for which an open bracket is held back; a longer text is taken for no link."""


class Span(NamedTuple):
    """A complete construct; offsets are in characters.

    Args:
        kind: escape, code, math, html, autolink, entity, link or image; or "open code", for the
            opening backticks of a code span that has no end yet.
        start: offset of its first character.
        end: offset after its last character.
        text_end: offset of the bracket that ends the text of a link or an image; else 0.
    """

    kind: str
    start: int
    end: int
    text_end: int = 0


@dataclass(slots=True)
class Inline:
    """The result of a scan; offsets are in characters.

    Args:
        spans: the complete constructs, in the order of their ends.
        hold_from: offset of the first construct that may still turn into anything: the text before
            it may be shown.
        link_text: the range of a link's text that may be shown though its target is open.
        delimiters: the last of the open delimiter runs.
        emphasis_end: offset after the last run that closed emphasis, and nothing else.
    """

    spans: list[Span]
    hold_from: int
    link_text: tuple[int, int] | None = None
    delimiters: Delimiter | None = None
    emphasis_end: int = 0


class _Bracket(NamedTuple):
    start: int
    is_image: bool
    delimiters: Delimiter | None


class Scanner:
    """A scan from left to right, which looks at each character a bounded number of times.

    Args:
        text: the inline text of one block.
        is_open: whether more text may arrive.
        labels: destinations by label, for reference links.
    """

    def __init__(self, text: str, is_open: bool, labels: Mapping[str, str] | None = None) -> None:
        self.text = text
        self.is_open = is_open
        self.labels = labels or {}
        self._inline = Inline([], len(text))
        self._brackets: list[_Bracket] = []
        self._backticks: dict[int, list[int]] | None = None
        self._html_ends: dict[str, int] = {}
        self._is_stopped = False

    def scan(self) -> Inline:
        """Scan the text, once, and return what it contains."""
        position = 0
        while not self._is_stopped and (special := _SPECIAL.search(self.text, position)):
            offset = special.start()
            token = _TOKEN.match(self.text, offset).group()  # type: ignore[union-attr]
            position = _HANDLERS[token[0]](self, token, offset)
        if self.is_open and not self._is_stopped:
            self._hold_back_bracket()
        return self._inline

    # Each handler returns the offset to go on from.

    def _scan_escape(self, token: str, offset: int) -> int:
        if self.is_open and _BACKSLASH_OPEN.match(self.text, offset):
            return self._hold_back(offset)
        end = self._scan_formula(offset) if OPENING.match(self.text, offset) else 0
        return end or self._add_span(Span("escape", offset, offset + len(token)))

    def _scan_code(self, token: str, offset: int) -> int:
        start = offset + len(token)
        closing_runs = self._backtick_runs().get(len(token), [])
        index = bisect_left(closing_runs, start)
        if index < len(closing_runs):
            end = closing_runs[index] + len(token)
            # A run at the end of the text may still grow, and a longer one closes nothing.
            if not (self.is_open and end == len(self.text) and len(token) > 1):
                return self._add_span(Span("code", offset, end))
        if not self.is_open:
            return start
        content = self.text[start:].rstrip("`")
        if not content.strip():
            return self._hold_back(offset)
        self._hold_back(start + len(content))
        self._inline.spans.append(Span("open code", offset, start))
        return len(self.text)

    def _backtick_runs(self) -> dict[int, list[int]]:
        """Return the offsets of the runs of backticks by their length."""
        if self._backticks is None:
            self._backticks = {}
            for run in re.finditer("`+", self.text):
                self._backticks.setdefault(len(run.group()), []).append(run.start())
        return self._backticks

    def _scan_math(self, token: str, offset: int) -> int:
        return self._scan_formula(offset) or offset + len(token)

    def _scan_formula(self, offset: int) -> int:
        """Return the offset after a formula; 0 if none begins here."""
        formula = match_formula(self.text, offset)
        # A digit after a dollar, or a parenthesis after a bracket, makes a formula text.
        is_undecided = formula is not None and formula.end == len(self.text)
        if formula is not None and not (self.is_open and is_undecided):
            return self._add_span(Span("math", offset, formula.end))
        is_held = self.is_open and may_become_formula(self.text, offset)
        return self._hold_back(offset) if is_held else 0

    def _scan_angle_bracket(self, _: str, offset: int) -> int:
        if tag := match_tag(self.text, offset):
            name, kind, end = tag
            if kind == "close" and self.is_open and end == len(self.text):
                return self._hold_back(offset)  # the cursor stays in the element
            return self._add_tag(name, kind, end, offset)
        for kind, pattern in (
            (("autolink", AUTOLINK), ("html", HTML)) if self._has_end(offset) else ()
        ):
            if match := pattern.match(self.text, offset):
                return self._add_span(Span(kind, offset, match.end()))
        return self._scan_open_angle(offset) if self.is_open else offset + 1

    def _has_end(self, offset: int) -> bool:
        """Return whether what may end HTML follows: its beginning may repeat without an end."""
        starts = (start for start in HTML_ENDS if self.text.startswith(start, offset))
        if (start := next(starts, None)) is None:
            return True
        if start not in self._html_ends:
            self._html_ends[start] = self.text.rfind(HTML_ENDS[start])
        return self._html_ends[start] > offset

    def _scan_open_angle(self, offset: int) -> int:
        """Hold back what may become a tag, a comment or a URL; other HTML is shown as text."""
        if TAG_OPEN.match(self.text, offset):
            return self._hold_back(offset)
        if match := HTML_OPEN.match(self.text, offset):
            # No mark in it counts if its end arrives.
            return self._hold_back(match.end()) if match.end() < len(self.text) else match.end()
        return offset + 1

    def _add_tag(self, name: str, kind: str, end: int, offset: int) -> int:
        last = self._inline.delimiters
        if kind == "open" and name != "details":
            last = Delimiter(name, end - offset, offset, last, f"</{name}>")
        elif kind == "close":
            last = close_tag(last, name)
        self._inline.delimiters = last
        return end

    def _scan_entity(self, _: str, offset: int) -> int:
        if match := _ENTITY.match(self.text, offset):
            return self._add_span(Span("entity", offset, match.end()))
        if self.is_open and _ENTITY_OPEN.match(self.text, offset):
            return self._hold_back(offset)
        return offset + 1

    def _scan_open_bracket(self, token: str, offset: int) -> int:
        if token == "!":
            return offset + 1
        self._brackets.append(_Bracket(offset, token == "![", self._inline.delimiters))
        return offset + len(token)

    def _scan_close_bracket(self, _: str, offset: int) -> int:
        if not self._brackets:
            return offset + 1
        bracket = self._brackets.pop()
        kind = "image" if bracket.is_image else "link"
        start = bracket.start + 1 + bracket.is_image
        next_char = self.text[offset + 1 : offset + 2]
        end, is_cut = self._find_target_end(offset + 1, self.text[start:offset])
        if next_char == "[" and _IN_NAME.match(self.text, bracket.start - 1):
            is_cut = False  # x[i][j] of a program: hardly a link with a label
        if end:
            self._inline.delimiters = bracket.delimiters
            return self._add_span(Span(kind, bracket.start, end, offset))
        if is_cut or (self.is_open and not next_char):
            self._hold_back_from(bracket)
            if next_char and not bracket.is_image:
                self._inline.link_text = (start, offset)
            return len(self.text)
        return offset + 1

    def _find_target_end(self, offset: int, text: str) -> tuple[int, bool]:
        """Return the end of a link's target, or 0 if there is none, and whether more may follow.

        Args:
            offset: where the target begins.
            text: the text of the link, which may be its label.
        """
        char = self.text[offset : offset + 1]
        if char == "(":
            # A link that leads nowhere safe is text, as it is on the page.
            if not may_become_safe_url(self.text[offset + 1 :]):
                return 0, False
            end = find_target_end(self.text, offset)
            return end, self.is_open and end == 0
        if char == "[":
            close = self.text.find("]", offset)
            label = normalize_label(self.text[offset + 1 : close] or text)
            if close != -1 and label in self.labels:
                return close + 1, False
            if _CITATION.match(text):
                return 0, False
            # A definition is usually at the end of an answer: until then the text is shown.
            return 0, self.is_open and close == -1
        return (offset if normalize_label(text) in self.labels else 0), False

    def _scan_emphasis(self, token: str, offset: int) -> int:
        end = offset + len(token)
        if self.is_open and end == len(self.text):
            return self._hold_back(offset)
        if token[0] == "~" and len(token) != 2:
            return end
        can_open, can_close = classify_run(self.text, offset, end)
        if token == "*" and self.text.startswith(".", end):
            can_open = False  # a pattern such as *.py: far more common than emphasis of a dot
        last, length = self._inline.delimiters, len(token)
        if can_close:
            last, length = close_emphasis(last, token[0], length, can_open)
            self._inline.emphasis_end = 0 if length else end
        if can_open and length:
            last = Delimiter(token[0], length, end - length, last)
        self._inline.delimiters = last
        return end

    def _add_span(self, span: Span) -> int:
        self._inline.spans.append(span)
        return span.end

    def _hold_back(self, offset: int) -> int:
        """Stop the scan: nothing from this offset on is certain."""
        self._is_stopped = True
        self._inline.hold_from = offset
        self._hold_back_bracket()
        return len(self.text)

    def _hold_back_from(self, bracket: _Bracket) -> None:
        self._inline.delimiters = bracket.delimiters
        self._hold_back(bracket.start)

    def _hold_back_bracket(self) -> None:
        """Hold back the text from an open bracket on, which may become a link."""
        inline = self._inline
        ends = [*(bracket.start for bracket in self._brackets[1:]), inline.hold_from]
        for bracket, end in zip(self._brackets, ends, strict=False):
            if end - bracket.start <= _MAX_HELD_CHARS:
                inline.hold_from, inline.link_text = bracket.start, None
                inline.delimiters = bracket.delimiters
                return


_HANDLERS = {
    "\\": Scanner._scan_escape,
    "`": Scanner._scan_code,
    "$": Scanner._scan_math,
    "<": Scanner._scan_angle_bracket,
    "&": Scanner._scan_entity,
    "!": Scanner._scan_open_bracket,
    "[": Scanner._scan_open_bracket,
    "]": Scanner._scan_close_bracket,
    "*": Scanner._scan_emphasis,
    "_": Scanner._scan_emphasis,
    "~": Scanner._scan_emphasis,
}
