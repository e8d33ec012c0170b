"""Find the places of a prompt where double braces are text: code, formulas, other templates."""

from __future__ import annotations

import re

_MAX_FORMULA_CHARS = 1_000
"""The longest formula: a text with many lone dollars or brackets is scanned in linear time."""

_MAX_ENVIRONMENT_CHARS = 10_000
"""The longest environment of LaTeX, as for formulas."""

_PLACE = re.compile(
    r"""
    # A fence, up to its closing line or the end; in a quote or a list, too (CommonMark 4.5).
    ^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*
        (?s:.*?)(?:\n[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
    # A code span does not cross an empty line (CommonMark 6.1). A run without its end is text.
    | (?P<ticks>`++)(?:(?!\n[ \t]*\n)(?s:.))*?(?<!`)(?P=ticks)(?!`)
    | `++
    # An f-string of Python, where two braces stand for one.
    | (?<!\w)(?:[fF][rR]?|[rR][fF])(?:
        (?P<triple>\"{3}|'{3})(?s:.*?)(?P=triple)
        | (?P<quote>["'])(?:\\.|(?!(?P=quote))[^\\\n])*(?P=quote))
    # An environment of LaTeX, and formulas in brackets.
    | \\begin\{(?P<environment>[A-Za-z]+\*?)\}(?s:.{0,ENVIRONMENT}?)\\end\{(?P=environment)\}
    | \\\((?s:.{0,FORMULA}?)\\\) | \\\[(?s:.{0,FORMULA}?)\\\]
    # A command of LaTeX. Its arguments are found by their braces.
    | (?P<command>\\+[A-Za-z]+\*?(?:\[[^\]\n]*\])*(?=\{))
    # A character that a backslash makes text.
    | \\[`$\\]
    # A formula in dollars, by pandoc's rule: no blank inside, no digit after the closing one.
    | \$\$(?s:.{0,FORMULA}?)\$\$
    | \$(?![\s${])(?:(?!\n[ \t]*\n)[^$]){0,FORMULA}?(?<![\s\\])\$(?!\d)
    # ${{ x }} is an expression of GitHub's workflows; ${x} is one of shells and of JavaScript.
    | \$\{\{(?:(?s:.*?)\}\})?
    | (?P<braces>\{\{)
    """.replace("FORMULA", str(_MAX_FORMULA_CHARS)).replace(
        "ENVIRONMENT", str(_MAX_ENVIRONMENT_CHARS)
    ),
    re.VERBOSE | re.MULTILINE,
)

_BRACE = re.compile(r"[{}]|[^{}]+")


def find_braces(text: str, start: int = 0) -> int:
    r"""Return the index of the next ``{{`` that is not text by its place.

    Args:
        text: a prompt.
        start: the index from which to search; not one inside of code or a formula.

    Returns:
        the index, or -1.

    Example:
        >>> find_braces("`{{ a }}` {{ b }}"), find_braces(r"\frac{{a}}{{b}}")
        (10, -1)
    """
    while text.find("{{", start) != -1:
        match = _PLACE.search(text, start)
        if match is None:
            return -1
        if match["braces"]:
            return match.start()
        start = _end_of_arguments(text, match.end()) if match["command"] else match.end()
    return -1


def _end_of_arguments(text: str, start: int) -> int:
    """Return the index after the balanced groups ``{…}{…}`` that begin here."""
    depth, end = 0, start
    for match in _BRACE.finditer(text, start, start + _MAX_FORMULA_CHARS):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth < 0 or (depth == 0 and match[0] != "}"):
            break
        if depth == 0:
            end = match.end()
    return max(end, start + 2)  # an argument that does not end
