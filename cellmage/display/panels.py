"""What is no text of the answer, and stands between its texts: tools, and what they gave."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import NamedTuple

from ..markdown.control_chars import printable

LONGEST = 2_000
"""Characters of a body that a page shows; the response has all of them."""

_TITLE = 100


class Panel(NamedTuple):
    """A line, and below it what can be unfolded; a body of None is still to come."""

    title: str
    body: str | None = None


def panels_html(panels: Iterable[Panel]) -> str:
    """Panels as HTML of our own, in which nothing that is given can act.

    One line for each: in markdown an empty line ends a block of HTML.

    Example:
        >>> panels_html([Panel("add(1, 2)", "3")])
        '<details><summary><code>add(1, 2) → 3</code></summary><pre>3</pre></details>'
        >>> panels_html([Panel("f('<b>')")])
        '<details><summary><code>f(&#x27;&lt;b&gt;&#x27;) …</code></summary></details>'
    """
    return "\n".join(map(_panel, panels))


def summary(panel: Panel) -> str:
    """A panel on one line.

    Example:
        >>> summary(Panel("add(1, 2)", "3\\nor so"))
        'add(1, 2) → 3 or so'
    """
    end = "…" if panel.body is None else f"→ {shortened(panel.body)}"
    return f"{shortened(panel.title)} {end}"


def _panel(panel: Panel) -> str:
    # As code: MathJax finds formulas everywhere else, also between two dollars as entities.
    head = f"<details><summary><code>{_text(summary(panel))}</code></summary>"
    if panel.body is None:
        return f"{head}</details>"
    more = len(panel.body) - LONGEST
    body = panel.body[:LONGEST] + (f"\n… and {more} more characters" if more > 0 else "")
    return f"{head}<pre>{_text(body)}</pre></details>"


def shortened(text: str) -> str:
    """A text on one line that is not long."""
    line = " ".join(text[: 2 * _TITLE].split())
    is_short = len(line) <= _TITLE and len(text) <= 2 * _TITLE
    return line if is_short else f"{line[: _TITLE - 1]}…"


def _text(text: str) -> str:
    return html.escape(printable(text)).translate(_MARKS)


# One line, and no formula: JupyterLab looks for those before it looks for HTML.
_MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "\n$\\"}
