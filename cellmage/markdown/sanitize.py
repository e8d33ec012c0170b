"""Markdown of a model, made so that it cannot act on the page that shows it.

JupyterLab trusts the output of a cell that was just run, and does not clean its markdown: raw HTML
would run, and an image would send a request. So raw HTML becomes visible text, images become links
that name their host, and links lead to http, https and mailto only. Code and formulas stay as they
are.

Our own scanner edits the source, and a real parser judges the result: what is still unsafe is
escaped in coarser ways. It judges twice: the text as it is, and the text without the formulas,
which JupyterLab hides from its parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken

from .blocks import Block, Blocks, split_lines
from .links import is_safe_url, normalize_label
from .math import PLACEHOLDER, Formula, hide_formulas, restore_formulas
from .sanitize_inline import InlineSanitizer
from .sanitize_rules import (
    MAYBE_UNSAFE,
    ZERO_WIDTH_SPACE,
    Edit,
    apply_edits,
    escape_everything,
    strip_info_string,
)

__all__ = ["is_safe_url", "sanitize"]

# What one parser takes for the end of a line is a character to another.
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_BLANK_WITH_TAB = re.compile(r"(?:(?<=>)|^)[ ]*\t[ \t]*$", re.MULTILINE)
_INDENTED_OR_ITEM = re.compile(r"^(?:[ \t>]|[-+*][ \t]|\d{1,9}[.)])", re.MULTILINE)
_FENCE_AFTER_TAB = re.compile(r"[^`~\n]*\t[^`~\n]*(?:```|~~~)")
_MIXED_FENCE = re.compile(r"^[ \t>]*(?:`{3,}(?=~)|~{3,}(?=`))(?=[`~]*[ \t]*$)", re.MULTILINE)
_URL = re.compile(r"://|www\.", re.IGNORECASE)
_FORMULA_DELIMITER = re.compile(r"\$\$?|\\\\?")

_CODE = -1
"""Marks the lines of a code block, in place of the index of a token."""

_PASSES = (True, True, True, True, True, True, False, False)
"""Whether code is trusted, in each pass over the text.

An edit may change the meaning of the text after it, so passes are repeated until one changes
nothing. Of 60 000 random texts of hostile pieces, 95 % needed at most two (one edits, one
confirms), and none more than six. In a text that is not settled by then, parsers may not agree on
what is code: two passes edit code like other text (again, one edits, one confirms). A text that is
not settled then is escaped everywhere.
"""

_MAX_BLOCK_CHARS = 5_000
"""A longer block is no prose, and is escaped without a parser, which may take seconds for it."""

_MAX_BLOCK_BRACKETS = 300
"""A block with more opening brackets is treated in the same way: each may begin a link."""


def sanitize(markdown: str, image_hosts: Collection[str] = ()) -> str:
    """Return markdown that shows the same text, and cannot act.

    It is pure and never raises, and sanitizing its result again changes nothing. If a paragraph or
    a row of a table is longer than 5 000 characters, everything is escaped: links become text.

    Args:
        markdown: what a model wrote, complete or healed.
        image_hosts: hosts from which images may be loaded, in lower case.

    Example:
        >>> sanitize("a <script>x</script> b, if c < d")
        'a &lt;script>x&lt;/script> b, if c < d'
        >>> sanitize("![a cat](https://example.org/cat.png)")
        '[a cat (image at example.org)](https://example.org/cat.png)'
        >>> sanitize("![a cat](https://example.org/cat.png)", image_hosts=["example.org"])
        '![a cat](https://example.org/cat.png)'
    """
    if _is_certainly_safe(markdown):
        return markdown
    if any(_is_too_long(block, markdown) for block in Blocks(markdown).blocks):
        return _escape_unparsed(markdown)
    text = _LINE_ENDS.sub(lambda match: "\n" if match[0][0] == "\r" else " ", markdown)
    hosts = frozenset(image_hosts)
    for is_code_trusted in _PASSES:
        text = _BLANK_WITH_TAB.sub("", text)
        page = _Page(text, hosts, is_code_trusted)
        edited = page.sanitize()
        if edited == text and not page.is_unsafe:
            edited = _sanitize_as_jupyterlab_sees_it(text, hosts, is_code_trusted)
            if edited == text:
                return text
        text = edited
    return _escape_unparsed(text)


def _is_certainly_safe(text: str) -> bool:
    """Decide by patterns alone, which is cheap; False may also mean that a parser must decide."""
    return (
        not MAYBE_UNSAFE.search(text)
        and strip_info_string(text) == text
        and not _may_have_formula_in_url(text)
    )


def _is_too_long(block: Block, text: str) -> bool:
    """Return whether parsers may take long for a block; in a table, for one of its rows."""
    if block.kind == "fence":
        return False
    source = text[block.start : block.end]
    pieces = split_lines(source) if block.kind == "table" else [source]
    return any(
        len(piece) > _MAX_BLOCK_CHARS or piece.count("[") > _MAX_BLOCK_BRACKETS for piece in pieces
    )


def _may_have_formula_in_url(text: str) -> bool:
    return ("$" in text or "\\" in text) and ("://" in text or "www." in text)


def _sanitize_as_jupyterlab_sees_it(text: str, hosts: frozenset[str], is_code_trusted: bool) -> str:
    """Sanitize the text as JupyterLab's parser gets it: its formulas are hidden, and restored."""
    view, formulas = hide_formulas(text)
    if not formulas:
        return text
    page = _Page(view, hosts, is_code_trusted)
    edited = page.sanitize()
    if edited != view:
        return restore_formulas(edited, text, formulas)
    # JupyterLab restores a formula as it was, in a destination or a title as well: a quotation mark
    # in it would end the attribute.
    quoting = {index for index, f in enumerate(formulas) if '"' in text[f.start : f.end]}
    to_escape = quoting.intersection(page.formulas_in_attributes())
    to_escape.update(_formulas_in_bare_urls(view))
    if page.is_unsafe:
        to_escape.update(range(len(formulas)))
    return _escape_formulas(text, formulas, to_escape)


def _formulas_in_bare_urls(view: str) -> set[int]:
    """Return the indexes of hidden formulas in words with a URL.

    A bare URL is a link to JupyterLab's parser alone, and may go on after a formula.
    """
    words = (word for word in view.split() if _URL.search(word))
    return {int(index) for word in words for index in PLACEHOLDER.findall(word)}


def _escape_formulas(text: str, formulas: list[Formula], indexes: Iterable[int]) -> str:
    """Return the text in which these formulas are plain text."""
    edits = {}
    escaped = [formulas[index] for index in indexes if index < len(formulas)]
    for offset in (
        offset for formula in escaped for offset in (formula.start, formula.close_start)
    ):
        if match := _FORMULA_DELIMITER.match(text, offset):
            entities = "&#92;" if match[0][0] == "\\" else "&#36;" * len(match[0])
            edits[offset] = Edit(offset, match.end(), entities)
    return apply_edits(text, edits)


def _escape_unparsed(text: str) -> str:
    """Escape everything: the last resort, for text that no parser looks at."""
    text = strip_info_string(escape_everything(text))
    if _may_have_formula_in_url(text):
        view, formulas = hide_formulas(text)
        words = "".join(word for word in view.split() if _URL.search(word))
        return _escape_formulas(text, formulas, map(int, PLACEHOLDER.findall(words)))
    return text


class _Page:
    """A text as CommonMark's parser sees it: which lines are code, and what is unsafe.

    Args:
        text: the markdown.
        hosts: hosts from which images may be loaded.
        is_code_trusted: whether code spans are left as they are.
    """

    def __init__(self, text: str, hosts: Collection[str], is_code_trusted: bool) -> None:
        self.text = text
        env: dict[str, Any] = {}
        self._tokens = _PARSER.parse(text, env)
        references: Mapping[str, Any] = env.get("references", {})
        self._labels = {normalize_label(key): value["href"] for key, value in references.items()}
        self._inline = InlineSanitizer(self._labels, hosts, is_code_trusted)

    @property
    def is_unsafe(self) -> bool:
        """True if the parser sees HTML, or an image or a link that must not be there."""
        return any(map(self._is_unsafe_token, self._all_tokens())) or not all(
            map(is_safe_url, self._labels.values())
        )

    def formulas_in_attributes(self) -> set[int]:
        """Return the indexes of hidden formulas in a destination or a title."""
        values = [str(value) for token in self._all_tokens() for value in token.attrs.values()]
        values += [token.content for token in self._all_tokens() if token.type == "image"]
        return {int(index) for value in values for index in PLACEHOLDER.findall(value)}

    def _all_tokens(self) -> Iterator[MarkdownToken]:
        for token in self._tokens:
            yield token
            yield from token.children or ()

    def _is_unsafe_token(self, token: MarkdownToken) -> bool:
        if token.type == "link_open":
            return not is_safe_url(str(token.attrs.get("href", "")))
        if token.type == "image":
            return not self._inline.may_load(str(token.attrs.get("src", "")))
        return token.type in ("html_block", "html_inline")

    def sanitize(self) -> str:
        """Return the text without what is unsafe."""
        edits: dict[int, Edit] = {}
        for start, part in self._inline_parts():
            for edit in self._inline.edits(part):
                shifted = Edit(start + edit.start, start + edit.end, edit.text)
                if self.text[shifted.start : shifted.end] != shifted.text:
                    edits.setdefault(shifted.start, shifted)
        for match in _MIXED_FENCE.finditer(self.text):
            # marked takes it for the end of a fence.
            edits[match.end()] = Edit(match.end(), match.end(), ZERO_WIDTH_SPACE)
        for start, line in self._unsafe_info_strings():
            edits[start] = Edit(start, start + len(line), strip_info_string(line))
        return apply_edits(self.text, edits)

    def _unsafe_info_strings(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that open a fence to any parser and have an unsafe info string.

        The offset of each line precedes it.
        """
        sources = list(split_lines(self.text))
        code: set[int] = set()
        for token in self._code_tokens(sources):
            start, end = token.map or (0, 0)
            code.update(range(start + (token.type == "fence"), end))
        offset = 0
        for index, line in enumerate(sources):
            if index not in code and strip_info_string(line) != line:
                yield offset, line
            offset += len(line)

    def _code_tokens(self, sources: list[str]) -> Iterator[MarkdownToken]:
        for token in self._tokens:
            if token.type in ("fence", "code_block") and self._is_code(token, sources):
                yield token

    def _inline_parts(self) -> Iterator[tuple[int, str]]:
        """Yield the text outside of code blocks in parts, with their offsets.

        No inline construct reaches over the border of a part.
        """
        sources = list(split_lines(self.text))
        owners: list[int | None] = [None] * len(sources)
        for index, token in enumerate(self._tokens):
            if token.map and token.type in ("fence", "code_block", "inline"):
                owner = _CODE if self._is_code(token, sources) else index
                owners[slice(*token.map)] = [owner] * (token.map[1] - token.map[0])
        start = end = 0
        for index, source in enumerate(sources):
            end += len(source)
            if index + 1 == len(sources) or owners[index + 1] != owners[index]:
                if owners[index] != _CODE:
                    yield start, self.text[start:end]
                start = end

    def _is_code(self, token: MarkdownToken, sources: list[str]) -> bool:
        """Return whether all parsers see code here; they differ about tabs, and near a list."""
        if token.type not in ("fence", "code_block") or not token.map:
            return False
        first = token.map[0]
        if token.type == "fence":
            return not _FENCE_AFTER_TAB.match(sources[first])
        preceding = "".join(sources[:first]).rstrip(" \n")
        paragraph = preceding[preceding.rfind("\n\n") + 1 :].lstrip("\n")
        return (
            token.level == 0
            and (first == 0 or not sources[first - 1].strip(" \n"))
            and not _INDENTED_OR_ITEM.search(paragraph)
        )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
    # By default it makes no links of some URLs, which other parsers do: all must be seen here.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser.enable(["table", "strikethrough"])


_PARSER = _parser()
