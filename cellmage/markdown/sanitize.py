"""Markdown that a model wrote, made so that it cannot act on the page that shows it.

JupyterLab trusts the output of a cell that was just run, and does not clean its markdown: raw HTML
would run, and an image would call home. So raw HTML becomes visible text, images become links that
name their host, and links lead to http, https and mailto only. Code and formulas stay as they are.

Our own scanner edits the source, and a real parser judges what comes out: what would still act
there is escaped more and more bluntly. It judges twice: the text as it stands, and as it is when
JupyterLab has taken the formulas out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken

from .blocks import Block, Blocks, split_lines
from .links import is_safe_url, normalize_label
from .math import Formula, hide_formulas, restore_formulas
from .sanitize_inline import RISKY, Defuser, Edit, blunt, changed, plain_info

__all__ = ["is_safe_url", "sanitize"]

_ODD = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_BLANK_WITH_TAB = re.compile(r"(?:(?<=>)|^)[ ]*\t[ \t]*$", re.MULTILINE)
_INDENTED_OR_ITEM = re.compile(r"^(?:[ \t>]|[-+*][ \t]|\d{1,9}[.)])", re.MULTILINE)
_TABBED = re.compile(r"[^`~\n]*\t[^`~\n]*(?:```|~~~)")
_MIXED = re.compile(r"^[ \t>]*(?:`{3,}(?=~)|~{3,}(?=`))(?=[`~]*[ \t]*$)", re.MULTILINE)
_HIDDEN = re.compile("@@([0-9]+)@@")
_URL = re.compile(r"://|www\.", re.IGNORECASE)
_DELIMITER = re.compile(r"\$\$?|\\\\?")
_CODE = -1
_ROUNDS = (True, True, True, True, True, True, False, False)
_LONG = 5_000
_BRACKETS = 300
"""Characters, and brackets, from which a block is no prose, and is escaped without a look at what
it means: a parser may take seconds for it. Of a table it is each row that counts."""


def sanitize(markdown: str, image_hosts: Collection[str] = ()) -> str:
    """The same text, unable to act; pure, idempotent, and never raises.

    Args:
        markdown: what a model wrote, whole or healed.
        image_hosts: hosts from which images may be loaded.

    Example:
        >>> sanitize("a <script>x</script> b, if c < d")
        'a &lt;script>x&lt;/script> b, if c < d'
        >>> sanitize("![a cat](https://example.org/cat.png)")
        '[a cat (image at example.org)](https://example.org/cat.png)'
    """
    is_plain = not RISKY.search(markdown) and plain_info(markdown) == markdown
    if is_plain and not _may_have_formula_in_url(markdown):
        return markdown
    if any(_is_long(block, markdown) for block in Blocks(markdown).blocks):
        return _blunt(markdown)
    # What one parser takes for the end of a line is a character to another.
    text = _ODD.sub(lambda match: "\n" if match[0][0] == "\r" else " ", markdown)
    hosts = frozenset(image_hosts)
    for is_code_trusted in _ROUNDS:
        text = _BLANK_WITH_TAB.sub("", text)
        page = _Page(text, hosts, is_code_trusted)
        edited = page.edited()
        if edited == text and not page.acts:
            edited = _edited_for_lab(text, hosts, is_code_trusted)
            if edited == text:
                return text
        text = edited
    return _blunt(text)


def _is_long(block: Block, text: str) -> bool:
    if block.kind == "fence":
        return False
    source = text[block.start : block.end]
    pieces = split_lines(source) if block.kind == "table" else [source]
    return any(len(piece) > _LONG or piece.count("[") > _BRACKETS for piece in pieces)


def _may_have_formula_in_url(text: str) -> bool:
    return ("$" in text or "\\" in text) and ("://" in text or "www." in text)


def _edited_for_lab(text: str, hosts: frozenset[str], is_code_trusted: bool) -> str:
    """The text edited as JupyterLab's parser gets it: without formulas, which come back later."""
    view, formulas = hide_formulas(text)
    if not formulas:
        return text
    page = _Page(view, hosts, is_code_trusted)
    edited = page.edited()
    if edited != view:
        return restore_formulas(edited, text, formulas)
    # A formula comes back as it was, also in an address or a title: there its quotation mark would
    # end the attribute. A bare URL is none to our parser, and may go on behind a formula.
    quoting = {number for number, f in enumerate(formulas) if '"' in text[f.start : f.end]}
    trapped = quoting.intersection(page.formulas_in_attributes())
    runs = [run for run in view.split() if _URL.search(run)]
    trapped.update(int(number) for run in runs for number in _HIDDEN.findall(run))
    if page.acts:
        trapped.update(range(len(formulas)))
    return _without(text, [f for number, f in enumerate(formulas) if number in trapped])


def _without(text: str, formulas: list[Formula]) -> str:
    """The text with these formulas as plain text."""
    edits = {}
    for at in (at for formula in formulas for at in (formula.start, formula.close_start)):
        if mark := _DELIMITER.match(text, at):
            entities = "&#92;" if mark[0][0] == "\\" else "&#36;" * len(mark[0])
            edits[at] = Edit(at, mark.end(), entities)
    return changed(text, edits)


def _blunt(text: str) -> str:
    """The last resort, for text whose structure is not looked at."""
    text = plain_info(blunt(text))
    if _may_have_formula_in_url(text):
        view, formulas = hide_formulas(text)
        runs = "".join(run for run in view.split() if _URL.search(run))
        text = _without(
            text, [formulas[int(n)] for n in _HIDDEN.findall(runs) if int(n) < len(formulas)]
        )
    return text


class _Page:
    """A text as CommonMark's parser sees it: which lines are code, and what could act."""

    def __init__(self, text: str, hosts: Collection[str], is_code_trusted: bool) -> None:
        self.text = text
        env: dict[str, Any] = {}
        self._tokens = _PARSER.parse(text, env)
        references: Mapping[str, Any] = env.get("references", {})
        self._labels = {normalize_label(key): value["href"] for key, value in references.items()}
        self._defuser = Defuser(self._labels, hosts, is_code_trusted)

    @property
    def acts(self) -> bool:
        """Whether the parser sees HTML, an image or a link that must not be there."""
        return any(map(self._is_acting, self._all())) or not all(
            map(is_safe_url, self._labels.values())
        )

    def formulas_in_attributes(self) -> set[int]:
        """The numbers of hidden formulas that stand in an address or a title."""
        values = [str(value) for token in self._all() for value in token.attrs.values()]
        values += [token.content for token in self._all() if token.type == "image"]
        return {int(number) for value in values for number in _HIDDEN.findall(value)}

    def _all(self) -> Iterator[MarkdownToken]:
        for token in self._tokens:
            yield token
            yield from token.children or ()

    def _is_acting(self, token: MarkdownToken) -> bool:
        if token.type == "link_open":
            return not is_safe_url(str(token.attrs.get("href", "")))
        if token.type == "image":
            return not self._defuser.may_load(str(token.attrs.get("src", "")))
        return token.type in ("html_block", "html_inline")

    def edited(self) -> str:
        """The text with what could act taken out."""
        edits: dict[int, Edit] = {}
        for start, part in self._parts():
            for edit in self._defuser.edits(part):
                shifted = Edit(start + edit.start, start + edit.end, edit.text)
                if self.text[shifted.start : shifted.end] != shifted.text:
                    edits.setdefault(shifted.start, shifted)
        for match in _MIXED.finditer(self.text):
            # marked takes it for the end of a fence.
            edits[match.end()] = Edit(match.end(), match.end(), "\u200b")
        for start, line in self._openings():
            edits[start] = Edit(start, start + len(line), plain_info(line))
        return changed(self.text, edits)

    def _openings(self) -> Iterator[tuple[int, str]]:
        """Lines that open a fence, to whomever, with a name that is none."""
        sources = list(split_lines(self.text))
        code: set[int] = set()
        for token in self._tokens:
            if (
                token.map
                and token.type in ("fence", "code_block")
                and self._is_code(token, sources)
            ):
                code.update(range(token.map[0] + (token.type == "fence"), token.map[1]))
        position = 0
        for number, line in enumerate(sources):
            if number not in code and plain_info(line) != line:
                yield position, line
            position += len(line)

    def _parts(self) -> Iterator[tuple[int, str]]:
        """Everything but code blocks, in parts over whose borders no inline construct reaches."""
        sources = list(split_lines(self.text))
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
        """Whether all parsers see code here: not where a tab counts, and not near a list."""
        assert token.map
        first = token.map[0]
        if token.type != "code_block":
            return token.type == "fence" and not _TABBED.match(sources[first])
        above = "".join(sources[:first]).rstrip(" \n")
        paragraph = above[above.rfind("\n\n") + 1 :].lstrip("\n")
        return (
            token.level == 0
            and (first == 0 or not sources[first - 1].strip(" \n"))
            and not (_INDENTED_OR_ITEM.search(paragraph))
        )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100})
    # Its own opinion of addresses would hide from us what other parsers turn into links.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser.enable(["table", "strikethrough"])


_PARSER = _parser()
