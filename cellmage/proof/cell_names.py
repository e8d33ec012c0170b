"""What a cell binds and changes, as far as its text says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

_AT_LINE_START = re.compile(
    r"^[ \t]*([^\W\d]\w*)[ \t]*(?=[-+*/%|&^@]?=(?!=)|[.\[(,])", re.MULTILINE
)
"""The first name of a line that assigns or calls, in a text that is no Python."""


@dataclass(frozen=True, slots=True)
class CellNames:
    """The names of a cell.

    Args:
        always: those that each statement binds, if the cell comes to its end.
        bound: those that it binds.
        touched: those that it binds, whose parts it changes, or that it hands to a call of its own.
        read: those that it reads.
        patched: those of whose attributes it binds.
        quiet_handlers: how many handlers of errors do nothing, and `contextlib.suppress`.
    """

    always: tuple[frozenset[str], ...]
    bound: frozenset[str]
    touched: frozenset[str]
    read: frozenset[str] = frozenset()
    patched: frozenset[str] = frozenset()
    quiet_handlers: int = 0

    @classmethod
    def of(cls, source: str) -> CellNames:
        """Return the names of a cell, as IPython would run it.

        Example:
            >>> names = CellNames.of("a = 1\\nif a:\\n    b.c[0] = 2\\n    items.append(d)")
            >>> list(map(sorted, names.always)), sorted(names.touched)
            ([['a']], ['a', 'b', 'd', 'items'])
        """
        try:
            tree = ast.parse(TransformerManager().transform_cell(source))
        except (SyntaxError, ValueError, RecursionError):
            guessed = frozenset(_AT_LINE_START.findall(source))
            return cls((), guessed, guessed)
        groups = (frozenset(_targets(node)) for node in tree.body)
        always = tuple(filter(None, groups))
        bound = frozenset(name for node in _own_nodes(tree) for name in _bound(node))
        touched = bound | {name for node in ast.walk(tree) for name in _find_touched(node)}
        quiet = sum(map(_is_quiet, ast.walk(tree)))
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        read = frozenset(node.id for node in names if isinstance(node.ctx, ast.Load))
        patched = frozenset(name for node in ast.walk(tree) for name in _find_patched(node))
        return cls(always, bound, touched, read, patched, quiet)


def _own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a cell, not those in its functions and classes."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own_nodes(node)


def _targets(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds."""
    match node:
        case ast.Assign() | ast.AnnAssign(value=ast.expr()) | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.alias(name=name, asname=asname):
            yield asname or name.partition(".")[0]
        case ast.Global(names=names):
            yield from names


def _find_touched(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del())
        ):
            yield from _roots(node)
        case ast.Expr(value=ast.Call(func=function, args=args)):
            yield from _roots(function)
            for arg in args:
                yield from _roots(arg)


def _find_patched(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield from _roots(node)
        case ast.Call(func=ast.Name(id="setattr"), args=[target, *_]):
            yield from _roots(target)


def _roots(node: ast.expr) -> Iterator[str]:
    """Yield the variable at which a chain of attributes and subscripts begins."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def _is_quiet(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(body=body):
            return all(map(_is_nothing, body))
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            return True
    return False


def _is_nothing(node: ast.stmt) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Pass | ast.Continue)
