"""Collapsible panels for tool calls and their results, between the paragraphs of an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..markdown.escape import escape_code
from ..markdown.safe import EMPTY, SafeHTML, SafeMarkdown, fill_html, fill_safe, join_safe
from ..markdown.sanitize import sanitize
from ..text import spell_out, truncate

MAX_BODY_CHARS = 2_000
"""Characters of a body that a page shows; the response has all of them."""

_TITLE_CHARS = 100
"""Width of a title, and of the result beside it."""

_CODE_PANEL = "<details><summary><code>{}</code></summary>\n\n{}\n\n<pre>{}</pre></details>"
"""With code that a page highlights: markdown between two blocks of HTML."""

_PANEL = "<details><summary><code>{}</code></summary><pre>{}</pre></details>"


class Panel(NamedTuple):
    """A title, and a body that the user can unfold; None is a body that has not arrived.

    A title that is too long for its line is repeated in the body. The progress is shown until the
    body arrives. A verdict is a line of its own, in place of the title with the body. Code is shown
    above the body, highlighted.
    """

    title: str
    body: str | None = None
    progress: str = ""
    verdict: str = ""
    code: str = ""
    language: str = ""


def panels_html(panels: Iterable[Panel]) -> SafeMarkdown:
    """Return panels as HTML, in which all text is escaped.

    Each panel is one line: in markdown an empty line ends a block of HTML (CommonMark 4.6).

    Example:
        >>> panels_html([Panel("add(1, 2)", "3")])
        '<details><summary><code>add(1, 2) → 3</code></summary><pre>3</pre></details>'
        >>> panels_html([Panel("f('<b>')")])
        '<details><summary><code>f(&#x27;&lt;b&gt;&#x27;) …</code></summary></details>'
    """
    return join_safe("\n", map(_panel_html, panels))


def write_no_panels(panels: Iterable[Panel]) -> SafeMarkdown:
    """Return nothing: a terminal prints a line for each panel when it arrives."""
    return EMPTY


def panel_summary(panel: Panel) -> str:
    """Return a panel as one line.

    Example:
        >>> panel_summary(Panel("add(1, 2)", "3\\nor so"))
        'add(1, 2) → 3 or so'
        >>> panel_summary(Panel("add(1, 2)", progress="half"))
        'add(1, 2) … half'
    """
    if panel.verdict:
        return _cut(spell_out(panel.verdict), _TITLE_CHARS)
    progress = f"… {spell_out(truncate(panel.progress, _TITLE_CHARS))}".strip()
    end = progress if panel.body is None else f"→ {truncate(panel.body, _TITLE_CHARS)}"
    return f"{_cut(spell_out(panel.title), _TITLE_CHARS)} {end}"


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def _panel_html(panel: Panel) -> SafeMarkdown:
    # As code: MathJax finds formulas everywhere else, also between two dollars as entities.
    summary = escape_code(panel_summary(panel))
    if panel.body is None and not panel.code:
        return fill_html("<details><summary><code>{}</code></summary></details>", summary)
    if panel.code:
        code = sanitize(_fence(panel.code, panel.language))
        return fill_safe(_CODE_PANEL, summary, code, _body_html(panel.body or ""))
    title = spell_out(panel.verdict or panel.title)
    head = f"{_cut(title, MAX_BODY_CHARS)}\n\n" if len(title) > _TITLE_CHARS else ""
    return fill_html(_PANEL, summary, _body_html(panel.body or "", head))


def _body_html(text: str, head: str = "") -> SafeHTML:
    """Return the beginning of a body, after what stands above it."""
    excess = len(text) - MAX_BODY_CHARS
    end = f"\n… and {excess} more characters" if excess > 0 else ""
    return escape_code(head + text[:MAX_BODY_CHARS] + end)


def _fence(code: str, language: str) -> str:
    """Return code in a fence; its control characters are spelled out, as it is shown to be run."""
    fence = "```"
    while fence in code:
        fence += "`"
    lines = "\n".join(map(spell_out, code.expandtabs().strip("\n").split("\n")))
    return f"{fence}{language}\n{lines}\n{fence}"
