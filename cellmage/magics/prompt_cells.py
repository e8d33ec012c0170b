"""The prompts in the text of a cell, found as IPython would run it; nothing is run."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from ..errors import UsageError
from .executed_cells import FIX_PROMPT, mark_hidden
from .parsing import declared, parse
from .transformers import CellTransformer, LineTransformer

_ASKING = ("llm", "llm_fix")
"""The magics that ask, and whose answers become turns."""

_MAX_DEPTH = 4
"""Magics that run a cell in a cell, such as ``%%time`` above ``%%llm``."""

_MAX_LINES = 500
"""How many lines are remembered with their flags: many cells have the same."""

_LOOPS = (
    *(ast.For, ast.While, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True, slots=True)
class PromptCall:
    """A call of a magic that asks.

    Args:
        text: the prompt, as it was typed.
        args: its flags; None if they cannot be parsed.
        problem: why they cannot be.
        is_repeated: whether it is in a loop or a function, and may ask any number of times.
    """

    text: str
    args: Namespace | None = None
    problem: str = ""
    is_repeated: bool = False


def find_calls(source: str, is_ambient: bool = False) -> tuple[PromptCall, ...]:
    """Return the prompts of a cell, in order.

    Args:
        source: the text of the cell.
        is_ambient: whether a cell without a magic is a prompt.

    Raises:
        UsageError: the cell is not Python, so its prompts cannot be found.

    Example:
        >>> [call.text for call in find_calls("x = 1\\n%llm Hello\\n%llm -t 0 -- Again")]
        ['Hello', 'Again']
    """
    if "%llm" in source:
        return tuple(_find(source))
    return (_call("llm", "", source, False),) if is_ambient else ()


def _find(source: str, is_repeated: bool = False, depth: int = 0) -> Iterator[PromptCall]:
    """Yield the prompts of a cell, those in cells that other magics run, too."""
    try:
        tree = ast.parse(_to_python(source))
    except (SyntaxError, ValueError, RecursionError):
        raise UsageError("it is not Python") from None
    for node, is_in_loop in _walk(tree, is_repeated):
        kind, arguments = _magic_of(node)
        name, line, body = (*arguments, "", "", "")[:3]
        if name in _ASKING:
            yield _call(name, line, body if kind == "run_cell_magic" else None, is_in_loop)
        elif "%llm" in body and depth < _MAX_DEPTH:
            yield from _find(body, is_in_loop, depth + 1)


def _to_python(source: str) -> str:
    lines = CellTransformer()(mark_hidden(source.splitlines(keepends=True)))
    if len(lines) == 1 and lines[0].startswith("get_ipython()."):  # one prompt is the whole cell
        return lines[0]
    manager = TransformerManager()
    manager.token_transformers.insert(0, LineTransformer)
    return manager.transform_cell("".join(lines))


def _walk(tree: ast.AST, is_in_loop: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the nodes in the order of the text, each with whether it is in a loop."""
    for node in ast.iter_child_nodes(tree):
        yield node, is_in_loop
        yield from _walk(node, is_in_loop or isinstance(node, _LOOPS))


def _magic_of(node: ast.AST) -> tuple[str, tuple[str, ...]]:
    """Return the method of IPython by which a node calls a magic, and its arguments; empty if none.

    ``rows = %llm_history`` calls a method of ours, and asks nothing.
    """
    match node:
        case ast.Call(func=ast.Attribute(attr=("run_cell_magic" | "run_line_magic") as kind)):
            values = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if len(values) == len(node.args) and all(isinstance(value, str) for value in values):
                return kind, tuple(map(str, values))
    return "", ()


@lru_cache(_MAX_LINES)
def _parse(name: str, line: str, takes_text: bool) -> tuple[Namespace, str]:
    """Return the flags and the text of a line, as the magic would."""
    magic: Any = SimpleNamespace(parser=declared[name])
    return parse(magic, line, "%" if takes_text else "%%", takes_text=takes_text)


def _call(name: str, line: str, body: str | None, is_repeated: bool) -> PromptCall:
    """Return a call of a magic with its flags."""
    try:
        args, text = _parse(name, line, body is None)
    except UsageError as error:
        return PromptCall(body or line, None, str(error), is_repeated)
    prompt = text if body is None else body
    args = copy(args)  # it is shared by all lines that are the same
    if name == "llm_fix":
        args.error, args.code = True, args.code or "python"
    if args.error and not prompt.strip():
        prompt = FIX_PROMPT
    return PromptCall(prompt, args, "", is_repeated)
