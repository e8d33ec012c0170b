r"""Formulas as models write them: where each begins and ends, and the TeX in it.

Models write four pairs of delimiters, and environments without any::

    \( … \)   inline                        LaTeX; OpenAI's and Qwen's models
    \[ … \]   display                       LaTeX
    $ … $     inline                        TeX, by pandoc's rule (`tex_math_dollars`)
    $$ … $$   display                       TeX
    \begin{equation} … \end{equation}       LaTeX; also align, gather, cases, matrices, …

A price is not a formula. By pandoc's rule, white space must not follow the opening dollar or
precede the closing one, and a digit must not follow the closing one. No other
dollar may be between them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OPENING = re.compile(r"\\[(\[]|\$\$?|\\begin\{([A-Za-z]+\*?)\}")
"""Matches what may begin a formula; group 1 is the name of an environment."""

CODE_OR_FORMULA = re.compile(rf"(?<!`)(`++).*?(?<!`)\1(?!`)|\\\\|\\\||{OPENING.pattern}")
"""Matches code and escapes in one line, and what `OPENING` matches outside of them."""

PIPE = re.compile(r"(?<!\\)\|")
"""Matches what ends a cell of a table."""

_ENVIRONMENTS = frozenset(
    {"equation", "align", "gather", "multline", "eqnarray", "alignat", "flalign", "math",
     "displaymath", "aligned", "alignedat", "gathered", "split", "cases", "dcases", "rcases",
     "array", "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix",
     "subarray", "CD"}
)  # fmt: skip

MAX_FORMULA_CHARS = 5_000
"""A longer text between delimiters is not a formula."""

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_ACTIVE_COMMAND = re.compile(
    r"\\(?:href|url|html\w*|class|cssId|style|data|includegraphics|require|unicode|mmlToken|let|csname"
    r"|bbox(?!\[[\w .,:%-]*\]))(?![A-Za-z])"
)
"""Commands that make links, load something, or set attributes, and those that give such a command
another name; MathJax and KaTeX know them. The options of ``\\bbox`` are CSS."""

_ENDS = {
    "\\(": re.compile(r"\\(?:(\))|.)", re.DOTALL),
    "\\[": re.compile(r"\\(?:(\])|.)", re.DOTALL),
    "$$": re.compile(r"\\.|(\$\$)", re.DOTALL),
    "$": re.compile(r"\\.|(\$)", re.DOTALL),
}
"""What ends a formula, by its opening delimiter: the first match with a group 1."""

_CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$", "$": "$"}

_ESCAPED_BRACES = re.compile(r"\\[{}\\]")
_NUMBER = re.compile(r"\s*[\d,;\s]+\s*\Z")
_WORDS = re.compile(r"(?:\s*[a-z]{3,})+\s*\Z")
_DOLLAR = re.compile(r"(?:[^\\$]|\\.)*+\$", re.DOTALL)
"""Matches text up to the first dollar that is not escaped."""

_PRICE = re.compile(r"\d[\d.,]*[KMBkm]?(?:[,;:.!?)]*\s+[A-Za-z(*_-]|[*_)\"'|\u2e80-\uffef])")
"""An amount and what follows it in prose: a price."""

# A path or an assignment between the dollars, and a name after them: two variables.
_VARIABLES = re.compile(r"\$\{?\w(?:[^$]*[/:,;=+|.&@]|[^$]+-)\$[A-Za-z_{]")
# Chinese and Japanese have no blanks, so pandoc's rule would join a price and a formula after it.
_CJK_PRICE = re.compile(r"\d[\d.,]*[\u2e80-\uffef]")
# A dollar after a name, and then prose ("df$x and df$") or an amount ("US$5").
_COLUMN = re.compile(r"(?<=[A-Za-z)])\$[A-Za-z]+ (?:[\w,;:.()]+ )*[\w.()]+\$|(?<=[A-Z])\$\d")

_COMMAND = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*(?:\}|\Z))?")
_PROSE = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]{2,}[,;:.]?[ \n]+){2}")
_SENTENCE = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}[,;:.]?[ \n]+[A-Za-z]+[,;:.]?[ \n]+[A-Za-z]{2,}")
"""Words in a row, outside of commands such as ``\\text{…}``: text, though no end has arrived."""


class Formula(NamedTuple):
    """One formula; offsets are in characters.

    Args:
        start: offset of the opening delimiter.
        end: offset after the closing delimiter.
        tex: the TeX, without the white space around it; an environment includes its ends.
        is_display: whether it is set on lines of its own.
    """

    start: int
    end: int
    tex: str
    is_display: bool


def match_formula(text: str, offset: int) -> Formula | None:
    r"""Return the formula that begins at an offset, or None.

    Args:
        text: inline markdown, or the lines of a block.
        offset: offset of a backslash or a dollar that is not escaped, in characters.

    Example:
        >>> match_formula(r"so \(x^2\) is", 3)
        Formula(start=3, end=10, tex='x^2', is_display=False)
        >>> match_formula("$5 and $10", 0) is None
        True
    """
    opening = OPENING.match(text, offset)
    if opening is None:
        return None
    if opening[1]:
        return _match_environment(text, opening)
    content_start = opening.end()
    if text.find(_CLOSING[opening[0]], content_start) == -1:
        return None  # the search below would take quadratic time for many of them
    ends = _ENDS[opening[0]].finditer(text, content_start, content_start + MAX_FORMULA_CHARS)
    end = next((match for match in ends if match[1]), None)
    if end is None:
        return None
    content_end = end.start() if opening[0] in ("$", "$$") else end.end() - 2
    content = text[content_start:content_end]
    is_display = opening[0] in ("\\[", "$$")
    if not is_tex(content) or not _RULES[opening[0]](text, content, end.end()):
        return None
    return Formula(offset, end.end(), content.strip(), is_display)


def may_become_formula(text: str, offset: int) -> bool:
    """Return whether the text from an open delimiter on may still turn out to be a formula.

    Args:
        text: inline markdown that is still arriving.
        offset: offset of the opening delimiter, in characters.
    """
    opening = OPENING.match(text, offset)
    if opening is None or (opening[1] and not is_environment(opening[1])):
        return False
    content = text[opening.end() :]
    dollar = _DOLLAR.match(content) if opening[0] == "$" else None
    if dollar and dollar.end() < len(content):
        return False  # this dollar would have ended it
    if len(content) > MAX_FORMULA_CHARS or _BLANK_LINE.search(content) or "`" in content:
        return False
    if opening[0] != "$":
        return not _SENTENCE.search(_COMMAND.sub("", content))
    is_prose = _PRICE.match(content) or _PROSE.search(_COMMAND.sub("", content))
    return not (content[:1].isspace() or is_prose)


def is_tex(content: str) -> bool:
    """Return whether a text between delimiters can be typeset: its braces match, and it is tame."""
    return (
        bool(content.strip())
        and "`" not in content
        and not _BLANK_LINE.search(content)
        and not _ACTIVE_COMMAND.search(content)
        and _has_matching_braces(content)
    )


def is_environment(name: str) -> bool:
    """Return whether an environment contains mathematics, by its name."""
    return name.removesuffix("*") in _ENVIRONMENTS


def _match_environment(text: str, opening: re.Match[str]) -> Formula | None:
    name = opening[1]
    if not is_environment(name):
        return None
    if text.find(f"\\end{{{name}}}", opening.end()) == -1:
        return None
    depth = 0
    marks = re.compile(r"\\(begin|end)\{" + re.escape(name) + r"\}")
    for mark in marks.finditer(text, opening.start(), opening.start() + MAX_FORMULA_CHARS):
        depth += 1 if mark[1] == "begin" else -1
        if not depth:
            tex = text[opening.start() : mark.end()]
            return Formula(opening.start(), mark.end(), tex, True) if is_tex(tex) else None
    return None


def _is_dollar_formula(text: str, content: str, end: int) -> bool:
    """Apply pandoc's rule, and refuse variables: ``$HOME/bin:$PATH``, ``df$x and df$y``."""
    is_glued = content[0].isspace() or content[-1].isspace() or text[end : end + 1].isdigit()
    start = end - len(content) - 2
    is_name = _VARIABLES.match(text, start, end + 1) or _COLUMN.match(text, start)
    return not (is_glued or is_name or _CJK_PRICE.match(content))


def _is_bracket_formula(text: str, content: str, end: int) -> bool:
    r"""Refuse ``\[1\]``, an escaped citation, words, and ``\[a\](``, the escaped text of a link."""
    return not (_NUMBER.match(content) or _WORDS.match(content) or text.startswith("(", end))


def _accept(_text: str, _content: str, _end: int) -> bool:
    return True


_RULES = {"$": _is_dollar_formula, "$$": _accept, "\\(": _accept, "\\[": _is_bracket_formula}
"""The condition of each pair of delimiters: of the text, the content, and the offset after it."""


def _has_matching_braces(content: str) -> bool:
    depth = 0
    for char in _ESCAPED_BRACES.sub("", content):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return False
    return depth == 0


def hide_code_in_row(row: str) -> tuple[str, bool]:
    """Return a row of a table up to an open formula, with other text in place of code and formulas.

    The length of the text in place of them is theirs. The second value is whether a formula is
    open.

    Args:
        row: one line of a table that is still arriving.
    """
    pieces, position = [], 0
    for match in CODE_OR_FORMULA.finditer(row):
        start = match.start()
        if start >= position and is_code(match):
            pieces += [row[position:start], "x" * len(match[0])]
            position = match.end()
        elif start < position or not OPENING.match(row, start):
            continue
        elif formula := match_formula(row, start):
            pieces += [row[position:start], "x" * (formula.end - start)]
            position = formula.end
        elif may_become_formula(row, start):
            return "".join([*pieces, row[position:start]]), True
    return "".join([*pieces, row[position:]]), False


def is_code(match: re.Match[str]) -> bool:
    """Return whether a match of `CODE_OR_FORMULA` is code, and not a backtick in two cells each."""
    return bool(match[1]) and match[0].strip("`") != " | "


def find_pipe(line: str) -> int | None:
    """Return the offset of the first pipe that is not in code, in a formula, or escaped.

    Args:
        line: one line, which may still arrive.
    """
    if "|" not in line:
        return None
    row, _ = hide_code_in_row(line)
    pipes = (match.start() for match in PIPE.finditer(row))
    return next((pipe for pipe in pipes if row.count("`", 0, pipe) % 2 == 0), None)
