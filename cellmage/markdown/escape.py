"""Text as markdown that shows it, and nothing else."""

from __future__ import annotations

_TEXT = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|~&"})


def escape_markdown(text: str) -> str:
    """Text as one line of markdown that shows it, and nothing else."""
    # JupyterLab takes formulas out before it looks for backslashes, so the first dollar is an
    # entity; on the page it finds them once more, between any two that are not code.
    first, *others = " ".join(text.split()).translate(_TEXT).split("$")
    return "&#36;".join([first, "`$`".join(others)]) if others else first
