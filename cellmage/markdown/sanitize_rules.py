"""Edits that make inline markdown safe, as tables: the condition, the edit, and an example of each.

CommonMark defines what is code and what is a link. marked, JupyterLab's parser, differs here and
there. What it could take for the beginning of a tag or a link is written as an entity, which looks
the same. tests/markdown/test_sanitize_rules.py runs the examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .inline import Span

CONTAINERS = r"^((?:[ \t>]|(?:[-+*]|\d{1,9}[.)])[ \t])*"
"""Pattern of the quotes and list markers at the start of a line; it leaves its group open."""

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\s*[(:\[]|!\[")
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_DELIMITER_ROW = re.compile(r"^[ \t>|:-]*-[ \t>|:-]*$", re.MULTILINE)
_INFO_STRING = re.compile(rf"{CONTAINERS}(?:`{{3,}}+|~{{3,}}+))([^\n]+)", re.MULTILINE)
_NOT_IN_INFO_STRINGS = re.compile(r"[^\w \t+#.,{}='()/:-]")

MAYBE_UNSAFE = re.compile(rf"{_TAG.pattern}|{_LINK.pattern}|{_DIRECTION.pattern}")
"""Finds text that may need an edit; the info strings of fences are another matter."""

ZERO_WIDTH_SPACE = "\u200b"


class Edit(NamedTuple):
    """A replacement of the text between two offsets, in characters."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Mapping[int, Edit]) -> str:
    """Return the text with these edits; of two that overlap, the first one is applied.

    Args:
        text: the text before the edits.
        edits: the edits by their start.
    """
    pieces, position = [], 0
    for start in sorted(edits):
        if start >= position:
            pieces += [text[position:start], edits[start].text]
            position = edits[start].end
    return "".join([*pieces, text[position:]])


def escape_everything(text: str) -> str:
    """Return the text without any tag, link or definition, however a parser reads it."""
    text = _DIRECTION.sub("", _TAG.sub("&lt;", text))
    return re.sub(r"\](?=\s*[(:\[])", "&#93;", text.replace("![", "!&#91;"))


def escape_formula(formula: str) -> str:
    """Return a formula without tags and links; a space after ``<`` keeps its meaning in TeX."""
    return escape_everything(formula) if _LINK.search(formula) else _TAG.sub("< ", formula)


def strip_info_string(text: str) -> str:
    """Return the text without the characters in info strings that no language has in its name.

    JupyterLab puts the info string of a fence into an attribute as it is.
    """
    if "```" not in text and "~~~" not in text:
        return text
    return _INFO_STRING.sub(lambda match: match[1] + _NOT_IN_INFO_STRINGS.sub("", match[2]), text)


class Replacement(NamedTuple):
    """A character that is replaced wherever it is not inside of a construct known to be safe."""

    reason: str
    pattern: re.Pattern[str]
    """Matches at the character."""
    text: str
    example: str
    result: str


REPLACEMENTS = (
    Replacement(
        "an image by reference: its definition may be anywhere on the page",
        re.compile(r"!(?=\[)"), "&#33;",
        "see ![a][1]", "see &#33;[a][1]",
    ),
    Replacement(
        "a tag",
        _TAG, "&lt;",
        "a <b> c", "a &lt;b> c",
    ),
    Replacement(
        "a character that turns the direction of the text",
        _DIRECTION, "",
        "a\u202eb", "ab",
    ),
    Replacement(
        "a link to marked alone, which does not balance parentheses",
        re.compile(r"\](?=\()"), "&#93;",
        "[a](javascript:x()", "[a&#93;(javascript:x()",
    ),
)  # fmt: skip

REPLACEMENTS_NEAR_CODE = (
    Replacement(
        "to marked it may be a tag that ends in the code",
        re.compile("<(?=[^<>`]*`)"), "&lt;",
        "a <1 `<b>`", "a &lt;1 `<b>`",
    ),
    Replacement(
        "to marked it may be a link that ends in the code; a task is none",
        re.compile(r"\[(?![ xX]\])"), "&#91;",
        "[ ] [a `b](x)`", "[ ] &#91;a `b](x)`",
    ),
    Replacement(
        "to marked it may be the start of other code",
        re.compile("`"), "&#96;",
        "a ``` b `<b>`", "a &#96;&#96;&#96; b `<b>`",
    ),
)  # fmt: skip
"""Replacements in a text with code that would be unsafe if it were not code."""


class CodeRule(NamedTuple):
    """A code span of CommonMark that marked reads otherwise; it contains what may be unsafe."""

    reason: str
    applies: Callable[[str, Span], bool]
    """Decides about a span of an inline text."""
    edit: Callable[[str, Span], Edit]
    example: str
    result: str


def _has_lines(part: str, span: Span) -> bool:
    return "\n" in part[span.start : span.end]


def _has_cells(part: str, span: Span) -> bool:
    return "|" in part[span.start : span.end] and bool(_DELIMITER_ROW.search(part))


def _has_backticks_and_link(part: str, span: Span) -> bool:
    content = part[span.start : span.end].strip("`")
    return "`" in content and bool(_LINK.search(content))


def _has_backticks_and_emphasis(part: str, span: Span) -> bool:
    content = part[span.start : span.end].strip("`")
    return "`" in content and ("*" in content or "_" in content)


def _ends_strikethrough(part: str, span: Span) -> bool:
    return "~" in part[span.start : span.end] and "~" in part[: span.start]


def _is_after_tilde(part: str, span: Span) -> bool:
    return part[: span.start].endswith("~")


def _escape_code(part: str, span: Span) -> Edit:
    return Edit(span.start, span.end, escape_everything(part[span.start : span.end]))


def _separate_code(_: str, span: Span) -> Edit:
    return Edit(span.start, span.start, ZERO_WIDTH_SPACE)


CODE_RULES = (
    CodeRule(
        "marked may see a table, whose rows end in the code",
        _has_lines, _escape_code,
        "`a\n<b>` c", "`a\n&lt;b>` c",
    ),
    CodeRule(
        "marked may see a table, whose cells end in the code",
        _has_cells, _escape_code,
        "`a|<b>`\n|-|-|", "`a|&lt;b>`\n|-|-|",
    ),
    CodeRule(
        "a link of marked may begin in code with backticks",
        _has_backticks_and_link, _escape_code,
        "``a ` [b](x)``", "``a ` [b&#93;(x)``",
    ),
    CodeRule(
        "emphasis of marked may end in code with backticks",
        _has_backticks_and_emphasis, _escape_code,
        "*``x`*<b>``*", "*``x`*&lt;b>``*",
    ),
    CodeRule(
        "strikethrough of marked ends in any code",
        _ends_strikethrough, _escape_code,
        "~a `b~ <b>`", "~a `b~ &lt;b>`",
    ),
    CodeRule(
        "to marked, tildes and the backticks after them are text",
        _is_after_tilde, _separate_code,
        "a ~`<b>`", f"a ~{ZERO_WIDTH_SPACE}`<b>`",
    ),
)  # fmt: skip
"""The first rule that applies counts."""
