"""Rules for blocks beside those of CommonMark: formulas, comments, nested fences, definitions.

Each is a rule of markdown-it: it returns whether a block begins at a line; a silent rule adds no
token.
"""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock, fence, reference

from .formulas import OPENING, is_environment, match_formula
from .links import is_safe_url
from .literals import MAX_COMMENT_CHARS
from .nested_fences import NESTING_INFO, NestedFence

_BLOCK_ENDS = {
    "\\[": ("\\]", re.compile(r"\\\]([.,;:]?)\s*\Z")),
    "$$": ("$$", re.compile(r"\$\$([.,;:]?)\s*\Z")),
    "\\begin": ("\\end{", re.compile(r"\\end\{[A-Za-z]+\*?\}([.,;:]?)\s*\Z")),
}
"""The end of the last line of a display formula, by what opens it; group 1 is punctuation.

The text before each pattern must follow the opening: one look for it spares one at each line.
"""


def parse_formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a display formula whose delimiters begin and end lines."""
    first = _line(state, start)
    opening = OPENING.match(first)
    if opening is None or opening[0] in ("\\(", "$") or state.is_code_block(start):
        return False
    if opening[1] and not is_environment(opening[1]):
        return False
    last = start
    end_text, pattern = _BLOCK_ENDS["\\begin" if opening[1] else opening[0]]
    if state.src.find(end_text, state.bMarks[start] + state.tShift[start] + 2) == -1:
        return False
    while not (closing := pattern.search(_line(state, last), 2 * (last == start))):
        last += 1
        if last >= end or state.isEmpty(last) or state.sCount[last] < state.blkIndent:
            return False
    text = state.getLines(start, last + 1, state.sCount[start], False).strip()
    text = text[: len(text) - len(closing[1])]
    formula = match_formula(text, 0)
    if formula is None or formula.end != len(text):
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content, token.block, token.info = formula.tex, True, closing[1]
        token.map = [start, last + 1]
        state.line = last + 1
    return True


def parse_comment_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Skip a comment that begins a line, and ends one."""
    if not _line(state, start).startswith("<!--") or state.is_code_block(start):
        return False
    if not _may_end_comment(state, start):
        return False
    last = start
    while "-->" not in _line(state, last)[4 * (last == start) :]:
        last += 1
        if last >= end or (not state.isEmpty(last) and state.sCount[last] < state.blkIndent):
            return False
    if not silent:
        state.line = last + 1
    return True


def _may_end_comment(state: StateBlock, start: int) -> bool:
    """Return whether the first end of a comment ends its line: of many comments, most have none."""
    begin = state.bMarks[start] + state.tShift[start] + len("<!--")
    position = state.src.find("-->", begin, begin + MAX_COMMENT_CHARS)
    end = state.src.find("\n", position)
    return position >= 0 and state.src[position : end if end >= 0 else None].rstrip().endswith(
        "-->"
    )


def parse_nested_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a ``markdown`` fence, which may contain other fences; other fences as usual."""
    if state.is_code_block(start) or not NESTING_INFO.match(_line(state, start)):
        return fence(state, start, end, silent)
    if silent:
        return True
    nested = NestedFence(_line(state, start))
    last = start + 1
    while last < end and (state.isEmpty(last) or state.sCount[last] >= state.blkIndent):
        if nested.ends_with(_line(state, last)):
            break
        last += 1
    token = state.push("fence", "code", 0)
    token.info, token.markup = nested.info, nested.marker
    token.content = state.getLines(start + 1, last, state.sCount[start], True)
    token.map = [start, last + 1]
    state.line = min(last + 1, end)
    return True


def parse_reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a link definition; one of a footnote, or one that leads nowhere safe, is text."""
    if _line(state, start).startswith("[^"):
        return False
    before = dict(state.env.get("references", {}))
    line = state.line
    if not reference(state, start, end, silent):
        return False
    added = [target for label, target in state.env["references"].items() if label not in before]
    if all(is_safe_url(target["href"]) for target in added):
        return True
    state.env["references"] = before
    state.line = line
    return False


def _line(state: StateBlock, line: int) -> str:
    return str(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]])
