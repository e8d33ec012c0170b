"""Code in a form that is equal for code that does the same but for its layout; pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable

_PYTHON = frozenset(("", "python", "py", "python3", "ipython"))
"""The languages of blocks that are Python; people omit the word for it."""

_INDENTED = frozenset(("yaml", "yml", "makefile", "haskell", "hs", "pug", "sass", "coffee", "nim"))
"""The languages in which the indentation has a meaning."""

_FREE_FORM = frozenset(
    (
        *("javascript", "js", "typescript", "ts", "java", "c", "cpp", "c++", "csharp", "cs"),
        *("go", "rust", "kotlin", "swift", "scala", "php", "css", "scss", "sql"),
        *("html", "xml", "svg"),
    )
)
"""The languages in which the end of a line has hardly a meaning."""

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'|" + r"`(?:\\.|[^`\\])*`|" + r"\w+|[^\w\s]"
)
_MAGIC_LINE = re.compile(r"^([ \t]*)([%!].*)$", re.MULTILINE)


def normalize_code(code: str, language: str) -> Hashable:
    """Return a value that is equal for code that differs in its layout alone.

    Python is compared by its syntax tree, so comments do not count; other code by its tokens.

    Args:
        code: the text of a block.
        language: the word behind its fence; empty if there is none.

    Example:
        >>> normalize_code("x=[1,\\n 2] # two", "python") == normalize_code("x = [1, 2]", "py")
        True
        >>> normalize_code("a: 1", "yaml") == normalize_code("  a: 1", "yaml")
        False
    """
    if language in _PYTHON and (tree := _parse(code)) is not None:
        return tree
    lines = [line for line in code.expandtabs().splitlines() if line.strip()]
    tokens = [tuple(_TOKEN.findall(line)) for line in lines]
    if language in _FREE_FORM:
        return tuple(_TOKEN.findall(code))
    if language in _INDENTED:
        return tuple(zip(_indents(lines), tokens, strict=True))
    return tuple(tokens)


def _indents(lines: list[str]) -> list[int]:
    return [len(line) - len(line.lstrip()) for line in lines]


def _parse(code: str) -> str | None:
    """Return the syntax tree of Python as text; None if it is none, even without magics."""
    for text in (code, _MAGIC_LINE.sub(lambda match: f"{match[1]}({match[2]!r},)", code)):
        try:
            return ast.dump(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None
