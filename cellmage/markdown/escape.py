"""Plain text as markdown."""

from __future__ import annotations

_ESCAPES = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~&"})


def escape_markdown(text: str) -> str:
    r"""Return one line of markdown that shows this text, and nothing else.

    Args:
        text: plain text; its white space is collapsed.

    Example:
        >>> escape_markdown("a_b\n*c*")
        'a\\_b \\*c\\*'
    """
    # JupyterLab hides formulas before it looks for backslashes, so the first dollar is an entity;
    # on the page it looks for formulas once more, between any two dollars that are not code.
    first, *others = " ".join(text.split()).translate(_ESCAPES).split("$")
    return "&#36;".join([first, "`$`".join(others)]) if others else first
