"""Refuse an expression of a model that does more than compute."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from .expressions import parse

_FUNCTION_NAMES = """
abs all any bool complex dict divmod enumerate float format frozenset int isinstance len list max
min pow range repr reversed round set sorted str sum tuple zip
"""
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
"""The functions of Python that an expression may call: they act on their arguments alone."""

_MODULE_NAMES = """
cmath collections datetime decimal fractions math numpy pandas polars pyarrow scipy statistics
"""
MODULES = frozenset(_MODULE_NAMES.split())
"""The modules whose functions an expression may call."""

_ACTING_NAMES = """
_ read scan load save write from_file fromfile open exec eval query sql compile run system sink
memmap to_ tofile dump pipe apply map set_ setattr getattr remove unlink delete kill show plot send
post connect execute commit close seed DataSource f2py ctypeslib testing lib core sys
"""
_ACTING = tuple(_ACTING_NAMES.split())
"""How the names of attributes begin that act, or reach what acts."""

_PURE_NAMES = """
to_list to_numpy to_series to_frame to_dict to_dicts to_datetime to_numeric to_timedelta to_period
to_pydatetime to_timestamp to_string to_records to_flat_index to_pandas to_pylist to_pydict
to_dummies to_physical to_lowercase to_uppercase
"""
_PURE = frozenset(_PURE_NAMES.split())
"""The names that begin so and only compute."""

_NODES = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Slice),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.operator, ast.unaryop),
    *(ast.boolop, ast.cmpop, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Call, ast.keyword),
    *(ast.JoinedStr, ast.FormattedValue, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.comprehension, ast.Store),
)


def problem_of(source: str, variables: Mapping[str, Any]) -> str:
    """Return why an expression is not evaluated; empty if it only computes.

    It may read the user's variables, and call functions of Python and of a few modules that act on
    their arguments alone, and methods of values of libraries.

    Args:
        source: the expression.
        variables: the variables of the user, by name; none of them is called or changed.

    Example:
        >>> problem_of("round(sum(units) / len(units), 2)", {"units": [1, 2]})
        ''
        >>> problem_of("open('a.txt', 'w')", {}), problem_of("[lambda: 1]", {})
        ('open is not called', 'it has a lambda')
    """
    tree = parse(source)
    if tree is None:
        return "it is no expression"
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    local = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    problems = (_problem(node, variables, local) for node in ast.walk(tree))
    return next(filter(None, problems), "")


def _problem(node: ast.AST, variables: Mapping[str, Any], local: set[str]) -> str:
    match node:
        case ast.Attribute(attr=name) if name.startswith(_ACTING) and name not in _PURE:
            return f".{name} is not used"
        case ast.keyword(arg="inplace" | "out"):
            return f"{node.arg}= changes a value"
        case ast.Name(id=name) if name not in local:
            return _problem_of_name(name, variables)
        case ast.Call(func=function):
            return _problem_of_call(function, variables)
    is_known = isinstance(node, _NODES)
    return "" if is_known else f"it has a {type(node).__name__.lower()}"


def _problem_of_call(function: ast.expr, variables: Mapping[str, Any]) -> str:
    match function:
        case ast.Name(id=name):
            return f"{name} is not called" if name in variables or name not in FUNCTIONS else ""
        case ast.Attribute():
            root = _root(function)
            is_own = root in variables and _is_of_notebook(variables[root])
            return f"{ast.unparse(function)} is a function of the notebook" if is_own else ""
    return "it calls the result of a call"


def _problem_of_name(name: str, variables: Mapping[str, Any]) -> str:
    if name.startswith("_"):
        return f"{name} is not read"
    if name in variables:
        return "" if _is_plain(variables[name]) else f"{name} may do more than compute"
    is_open = name in FUNCTIONS
    is_builtin = hasattr(builtins, name)
    return "" if is_open else f"{name} is not called" if is_builtin else f"there is no {name}"


def _root(node: ast.expr) -> str:
    """Return the variable at which a chain of attributes, subscripts and calls begins."""
    while not isinstance(node, ast.Name):
        inner = getattr(node, "value", None) or getattr(node, "func", None)
        if not isinstance(inner, ast.expr):
            return ""
        node = inner
    return node.id


def _is_plain(value: Any) -> bool:
    """Return whether a value is data, or a module that only computes; not a function or a class."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in MODULES
    return not isinstance(value, type | FunctionType | MethodType | BuiltinFunctionType | partial)


def _is_of_notebook(value: Any) -> bool:
    """Return whether the class of a value is the user's own: its methods may do anything."""
    module = type.__dict__["__module__"].__get__(type(value))
    return bool(module == "__main__")
