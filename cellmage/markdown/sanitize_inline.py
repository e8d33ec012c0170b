"""The edits that make inline markdown safe, whichever parser shows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from .inline import Scanner, Span
from .links import is_safe_url, normalize_label
from .sanitize_rules import (
    CODE_RULES,
    CONTAINERS,
    MAYBE_UNSAFE,
    REPLACEMENTS,
    REPLACEMENTS_NEAR_CODE,
    Edit,
    escape_formula,
)

_URL_BEFORE_BACKTICK = re.compile(r"(?:(?:https?|ftp)://|www\.)[^\s<`]*+(?=`)", re.IGNORECASE)
_DEFINITION = re.compile(rf"{CONTAINERS})\[(?:[^\[\]\\]|\\.)+\]:\s*(<[^>\n]*>|\S*)", re.MULTILINE)
_DESTINATION = re.compile(r"\(\s*(<[^>\n]*>|[^\s]*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_OPENING_BRACKET = "&#91;"
_CLOSING_BRACKET = "&#93;"


class InlineSanitizer:
    """Finds the edits that a part of a text needs.

    Args:
        labels: destinations of reference links by label.
        image_hosts: hosts from which images may be loaded.
        is_code_trusted: whether code spans are left as they are; if not, they are edited like other
            text.
    """

    def __init__(
        self, labels: Mapping[str, str], image_hosts: Collection[str], is_code_trusted: bool
    ) -> None:
        self._labels = labels
        self._hosts = image_hosts
        self._is_code_trusted = is_code_trusted

    def edits(self, part: str) -> Iterator[Edit]:
        """Yield the edits, in no order; of two with the same start, the first one counts.

        Args:
            part: inline markdown; the offsets of the edits are in its characters.
        """
        spans = Scanner(part, is_open=False, labels=self._labels).scan().spans
        skip_ranges: list[tuple[int, int]] = []
        code: set[int] = set()
        for span in spans:
            if span.kind in _SPAN_HANDLERS:
                end, edits = _SPAN_HANDLERS[span.kind](self, part, span)
                skip_ranges.append((span.start, end))
                if span.kind == "code":
                    code.update(range(span.start + 1, end))
                yield from edits
            if span.text_end:
                skip_ranges.append((span.text_end, span.text_end + 1))
        yield from _end_urls(part, code)
        yield from _replace_characters(part, spans, skip_ranges)
        yield from _disable_definitions(part)

    def may_load(self, url: str) -> bool:
        """Return whether an image of this URL may be loaded."""
        return is_safe_url(url) and _host(url) in self._hosts

    # Each handler returns the end of the range that needs no other edits, and the span's own ones.

    def _sanitize_escape(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        # A bare URL of marked takes the backslash, and then the tag is not escaped.
        is_tag = part[span.start : span.end] == "\\<"
        return span.end, [Edit(span.start, span.end, "&lt;")] if is_tag else []

    def _sanitize_math(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        escaped = escape_formula(part[span.start : span.end])
        return span.end, [Edit(span.start, span.end, escaped)]

    def _sanitize_code(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        if not self._is_code_trusted:
            return span.start, []
        if not MAYBE_UNSAFE.search(part[span.start : span.end]):
            return span.end, []
        rule = next((rule for rule in CODE_RULES if rule.applies(part, span)), None)
        return span.end, [rule.edit(part, span)] if rule else []

    def _sanitize_autolink(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        is_safe = _is_safe_autolink(part[span.start + 1 : span.end - 1])
        return span.end if is_safe else span.start, []

    def _sanitize_link(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        is_safe = is_safe_url(self._destination(part, span))
        return span.start + 1, [] if is_safe else _unlink(span, span.start)

    def _sanitize_image(self, part: str, span: Span) -> tuple[int, list[Edit]]:
        url = self._destination(part, span)
        if self.may_load(url):
            return span.start + 2, []
        if not is_safe_url(url):
            return span.start + 2, _unlink(span, span.start + 1)
        space = " " * (part[span.text_end - 1] not in "[ ")
        note = f"{space}(image at {_host(url) or 'an address'})]"
        edits = [
            Edit(span.start, span.start + 1, ""),
            Edit(span.text_end, span.text_end + 1, note),
        ]
        return span.start + 2, edits

    def _destination(self, part: str, span: Span) -> str:
        target = part[span.text_end + 1 : span.end]
        if match := _DESTINATION.match(target):
            return match[1].strip("<>") if match[1].startswith("<") else match[1].rstrip(")")
        text_start = span.start + 1 + (span.kind == "image")
        label = target.strip("[]") or part[text_start : span.text_end]
        return str(self._labels.get(normalize_label(label), ""))


_SPAN_HANDLERS = {
    "link": InlineSanitizer._sanitize_link,
    "image": InlineSanitizer._sanitize_image,
    "escape": InlineSanitizer._sanitize_escape,
    "math": InlineSanitizer._sanitize_math,
    "code": InlineSanitizer._sanitize_code,
    "autolink": InlineSanitizer._sanitize_autolink,
}


def _end_urls(part: str, code: Collection[int]) -> Iterator[Edit]:
    """Put a space between a bare URL and the backticks after it, outside of code.

    marked takes them for a part of the URL, and then pairs other backticks.
    """
    for match in _URL_BEFORE_BACKTICK.finditer(part):
        end = len(part[: match.end()].rstrip("\\"))
        if end not in code:
            yield Edit(end, end, " ")


def _replace_characters(
    part: str, spans: Sequence[Span], skip_ranges: Sequence[tuple[int, int]]
) -> Iterator[Edit]:
    """Replace what is unsafe outside of the skipped ranges."""
    is_near_code = any(
        span.kind == "code" and MAYBE_UNSAFE.search(part, span.start, span.end) for span in spans
    )
    for replacement in REPLACEMENTS + REPLACEMENTS_NEAR_CODE * is_near_code:
        for offset in _find_outside(replacement.pattern, part, skip_ranges):
            yield Edit(offset, offset + 1, replacement.text)


def _disable_definitions(part: str) -> Iterator[Edit]:
    """Make text of the link definitions that lead to an unsafe URL."""
    for match in _DEFINITION.finditer(part):
        if not is_safe_url(match[2]):
            yield Edit(match.end(1), match.end(1) + 1, _OPENING_BRACKET)


def _unlink(span: Span, bracket: int) -> list[Edit]:
    """Return edits that leave the text of a link and its target, but no link.

    Args:
        span: the link or image.
        bracket: offset of its opening bracket.
    """
    return [
        Edit(bracket, bracket + 1, _OPENING_BRACKET),
        Edit(span.text_end, span.text_end + 1, _CLOSING_BRACKET),
    ]


def _is_safe_autolink(content: str) -> bool:
    if _SCHEME.match(content):
        return is_safe_url(content)
    # A comment may look like the address of a mail.
    return "@" in content and content[0].isalnum()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _find_outside(
    pattern: re.Pattern[str], part: str, skip_ranges: Sequence[tuple[int, int]]
) -> Iterator[int]:
    """Yield the offsets at which the pattern matches, outside of these ranges."""
    ranges = iter([*sorted(skip_ranges), (len(part), len(part))])
    start, end = next(ranges)
    for match in pattern.finditer(part):
        while match.start() >= end and end < len(part):
            start, end = next(ranges)
        if match.start() < start or match.start() >= end:
            yield match.start()
