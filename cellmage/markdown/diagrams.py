"""Mermaid diagrams that may be drawn: a plain subset of the language.

JupyterLab's Mermaid follows addresses in a diagram, and nbconvert writes the source into the page
as it is. So a diagram with an address, a link, HTML or a directive is shown as code.
"""

from __future__ import annotations

import re

_NOT_PLAIN = re.compile(
    r"(?<!<)<(?!br ?/?>|<\w+>>|[-.=>|)\s]|$)"  # a tag; not an arrow, nor a <<stereotype>>
    r"|&|%%\{|//|javascript|\]\(|!\[|@import|url\(|^ *(?:---|click\b|link\b|links\b)"
    r"|\b(?:href|img|icon|image|src)\b",
    re.IGNORECASE | re.MULTILINE,
)


def is_plain_diagram(source: str) -> bool:
    """Return whether the source of a diagram contains nothing that could act or load anything.

    Example:
        >>> is_plain_diagram("graph TD\\n  A[One<br>line] --> B{ok?}")
        True
        >>> is_plain_diagram('graph TD\\n  A["<img src=x>"]')
        False
    """
    return not _NOT_PLAIN.search(source)
