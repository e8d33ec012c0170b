"""Rules for inline text beside those of CommonMark: formulas, bare tags and bare URLs.

Each is a rule of markdown-it: it returns whether it parsed something at the position of the state;
a silent rule only moves the position.
"""

from __future__ import annotations

import html
import re

from markdown_it.common.html_re import HTML_TAG_RE
from markdown_it.rules_inline import StateInline

from .formulas import match_formula
from .tags import COMMENT, match_tag
from .write_text import ISOLATED

_BARE_URL = re.compile(r"(?:https?|ftp)://[^\s<>\"`\u3000-\u303f\uff00-\uffef\u2580-\u259f]+")
_SCHEME_BEFORE_COLON = re.compile(r"(?<![\w.+-])(?:https?)\Z", re.IGNORECASE)
_URL_END = re.compile(r"(?:[?!.,:*_~'\";]|&[A-Za-z0-9]+;)+\Z")


def parse_formula(state: StateInline, silent: bool) -> bool:
    """Parse a formula: see `cellmage.markdown.formulas`."""
    if state.src[state.pos] not in "\\$":
        return False
    formula = match_formula(state.src[: state.posMax], state.pos)
    if formula is None:
        return _skip_dollars(state, silent)
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.block = formula.tex, formula.is_display
    state.pos = formula.end
    return True


def _skip_dollars(state: StateInline, silent: bool) -> bool:
    """Take two dollars that begin no formula as text together: the second begins none, either."""
    if not state.src.startswith("$$", state.pos):
        return False
    if not silent:
        _append_text(state, "$$")
    state.pos += 2
    return True


def _append_text(state: StateInline, text: str) -> None:
    if hasattr(state, "append_pending"):  # since markdown-it-py 4.3, which is linear
        state.append_pending(text)
    else:
        state.pending += text


def parse_tag(state: StateInline, silent: bool) -> bool:
    """Parse a bare tag, skip a comment, and take other HTML as text (`cellmage.markdown.tags`)."""
    if state.src[state.pos] != "<":
        return False
    if comment := COMMENT.match(state.src, state.pos, state.posMax):
        state.pos = comment.end()
        return True
    if isolated := ISOLATED.match(state.src, state.pos, state.posMax):
        if not silent:
            state.push("text_special", "", 0).content = html.unescape(isolated[1])
        state.pos = isolated.end()
        return True
    tag = match_tag(state.src[: state.posMax], state.pos)
    if tag is None:
        return _skip_html(state, silent)
    name, kind, end = tag
    if not silent:
        token = state.push("tag", name, 0)
        token.content, token.info = state.src[state.pos : end], kind
    state.pos = end
    return True


def _skip_html(state: StateInline, silent: bool) -> bool:
    match = HTML_TAG_RE.match(state.src[state.pos : state.posMax])
    if match is None:
        return False
    if not silent:
        _append_text(state, match[0])
    state.pos += match.end()
    return True


def parse_bare_url(state: StateInline, silent: bool) -> bool:
    """Parse a URL without brackets (GFM 6.9); the scheme is already in the pending text."""
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME_BEFORE_COLON.search(state.pending)
    if scheme is None:
        return False
    start = state.pos - len(scheme[0])
    match = _BARE_URL.match(state.src, start, state.posMax)
    url = _trim_url(match[0]) if match else ""
    href = state.md.normalizeLink(url)
    if len(url) <= len(scheme[0]) + 3 or not state.md.validateLink(href):
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.tokens[-1].info = "auto"
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1).info = "auto"
    state.pos = start + len(url)
    return True


def _trim_url(url: str) -> str:
    """Return the URL without punctuation that ends a sentence, and unbalanced parentheses."""
    while True:
        trimmed = _URL_END.sub("", url)
        if trimmed.endswith(")") and trimmed.count(")") > trimmed.count("("):
            trimmed = trimmed[:-1]
        if trimmed == url:
            return url
        url = trimmed
