r"""The markdown of models, parsed: CommonMark, and what models write beside it.

Sources: CommonMark 0.31.2; tables, strikethrough and bare URLs of GitHub Flavored Markdown. Beside
them, rules of our own, each for text that models write and CommonMark reads otherwise:

- formulas, also in ``\(…\)`` and ``\[…\]`` (`cellmage.markdown.formulas`)
- emphasis next to Chinese, Japanese and Korean text (`cellmage.markdown.emphasis`)
- bare HTML tags from a list; comments vanish, all other HTML is text (`cellmage.markdown.tags`)
- a ``markdown`` fence may contain other fences
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

from .block_rules import (
    parse_comment_block,
    parse_formula_block,
    parse_nested_fence,
    parse_reference,
)
from .blocks import find_blocks, split_lines
from .emphasis import classify_run
from .formulas import CODE_OR_FORMULA, OPENING, PIPE, is_code, match_formula
from .inline_rules import parse_bare_url, parse_formula, parse_tag
from .links import is_safe_url
from .tex import escape_pipes

_MAX_NESTING = 100
_MAX_LINK_STEPS = 40_000
"""Characters of a text that are looked at for the ends of links: each bracket may begin one."""

_BRACKET = re.compile(r"[\[\]]")


class Document(NamedTuple):
    """A parsed text: its tokens, and its link definitions by label."""

    tokens: list[Token]
    references: Mapping[str, Mapping[str, str]]


def parse(markdown: str) -> Document:
    """Return the tokens of a text, as markdown-it names them.

    Tokens of our own are ``formula`` and ``formula_block`` (`content` is the TeX, `block` tells
    display from inline, `info` is the punctuation after it) and ``tag`` (`tag` is its name, `info`
    is open, close or void).

    Args:
        markdown: complete or healed markdown.
    """
    env: dict[str, Any] = {}
    tokens = _PARSER.parse(_escape_pipes(markdown), env)
    return Document(tokens, env.get("references", {}))


def parse_references(markdown: str) -> Mapping[str, Mapping[str, str]]:
    """Return the link definitions of a text by label, without a look at its inline markdown."""
    env: dict[str, Any] = {}
    _BLOCK_PARSER.parse(markdown, env)
    references: Mapping[str, Mapping[str, str]] = env.get("references", {})
    return references


def _escape_pipes(markdown: str) -> str:
    """Return the text without pipes in code and formulas in tables: GFM ends the cell there.

    Models write types such as ``str | None`` in the code of a table, and mean one cell.
    """
    if "|" not in markdown or not ("`" in markdown or OPENING.search(markdown)):
        return markdown
    pieces = []
    for block in find_blocks(markdown).blocks:
        source = markdown[block.start : block.end]
        is_table = block.kind == "table"
        pieces.append("".join(map(_escape_row, split_lines(source))) if is_table else source)
    return "".join(pieces)


def _escape_row(row: str) -> str:
    pieces, position = [], 0
    for match in CODE_OR_FORMULA.finditer(row):
        formula = match_formula(row, match.start()) if match.start() >= position else None
        if is_code(match) and match.start() >= position:
            pieces += [row[position : match.start()], PIPE.sub(r"\\|", match[0])]
            position = match.end()
        elif formula is not None:
            pieces += [
                row[position : formula.start],
                escape_pipes(row[formula.start : formula.end]),
            ]
            position = formula.end
    return "".join([*pieces, row[position:]])


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        end = start
        while end < self.posMax and self.src[end] == self.src[start]:
            end += 1
        can_open, can_close = classify_run(self.src[: self.posMax], start, end)
        return Scanned(can_open, can_close, end - start)


class _InlineParser(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        env["link_steps"] = env.get("link_steps", 0) + _count_link_steps(src)
        if env["link_steps"] > _MAX_LINK_STEPS:
            tokens.append(_text(src))
            return tokens
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        depths = accumulate(token.nesting for token in state.tokens)
        # The nesting that markdown-it bounds is not that of emphasis; what follows is recursive.
        if max(depths, default=0) > _MAX_NESTING:
            tokens[:] = [_text(src)]
        return tokens


def _count_link_steps(src: str) -> int:
    """Return how many characters a parser looks at again: all, for each bracket within one."""
    depths = accumulate(1 if match[0] == "[" else -1 for match in _BRACKET.finditer(src))
    return max(0, max(depths, default=0) - 1) * len(src)


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.inline = _InlineParser()
    parser.configure("commonmark").enable(["table", "strikethrough"])
    parser.options.update(maxNesting=_MAX_NESTING, store_labels=True)
    parser.disable(["html_block", "html_inline"])
    parser.disable("text_join")  # an escaped character stays apart from the text around it
    parser.validateLink = is_safe_url  # type: ignore[method-assign]
    inline, block = parser.inline.ruler, parser.block.ruler
    inline.before("escape", "formula", parse_formula)
    inline.before("autolink", "tag", parse_tag)
    inline.before("escape", "bare_url", parse_bare_url)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    block.before("fence", "formula_block", parse_formula_block, interrupts)
    block.before("fence", "comment", parse_comment_block, interrupts)
    block.at("fence", parse_nested_fence, interrupts)
    block.at("reference", parse_reference)
    return parser


_PARSER = _make_parser()
_BLOCK_PARSER = _make_parser().disable("inline")
