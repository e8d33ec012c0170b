"""What a function runs and reads: the functions and values of the user that it names.

The code of Python and of installed libraries is left out. So are values that a function fills, such
as a list of its calls or a cache: they differ after each run.
"""

from __future__ import annotations

import dis
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_INSTALLED = (
    *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")),
    str(Path(__file__).parents[1]),  # cellmage, also where it is developed
)
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")

_FIXED = (str, bytes, bool, int, float, complex, type(None), tuple, frozenset)
"""Classes whose values cannot be changed in place."""

_FILLING = frozenset(
    ("append", "add", "update", "extend", "insert", "setdefault", "pop", "remove", "clear")
)
"""The methods that change a value in place."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a function names, directly and by the functions that it names.

    Args:
        functions: the function itself, then the others.
        values: the values that they read, with their names.
    """

    functions: list[FunctionType]
    values: list[tuple[str, Any]]

    def add(self, name: str, value: Any) -> None:
        """Add a value, or what it runs; a library's function is left out."""
        if isinstance(value, FunctionType) and _is_own(value.__code__.co_filename):
            if all(value is not function for function in self.functions):
                self.functions.append(value)
        elif hasattr(value, "__wrapped__"):  # such as one with a cache
            self.add(name, value.__wrapped__)
        elif isinstance(value, type):
            self._add_methods(value)
        elif not isinstance(value, FunctionType | ModuleType):
            self.values.append((name, value))
            self._add_methods(type(value))

    def _add_methods(self, cls: type) -> None:
        members = [member for base in cls.__mro__ for member in vars(base).values()]
        for member in members:
            method = getattr(member, "fget", getattr(member, "__func__", member))
            if isinstance(method, FunctionType):
                self.add(method.__name__, method)


def find_reach(function: FunctionType) -> Reach:
    r"""Return the functions and values of the user that a function uses.

    Example:
        >>> namespace = {"rate": 2, "__name__": "mine"}
        >>> exec("def double(x): return x * rate\ndef run(x): return double(x)", namespace)
        >>> reach = find_reach(namespace["run"])
        >>> [each.__name__ for each in reach.functions], reach.values
        (['run', 'double'], [('rate', 2)])
    """
    reach = Reach([function], [])
    for item in reach.functions:  # it grows
        for name, value in _global_values(item):
            reach.add(name, value)
    return reach


def _global_values(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the global values that a function reads, also those of the user's modules."""
    steps = [step for code in _codes(function.__code__) for step in dis.get_instructions(code)]
    names = {kind: _names(steps, kind) for kind in ("LOAD_GLOBAL", "STORE_GLOBAL", "STORE_SUBSCR")}
    attributes = _names(steps, "LOAD_ATTR") | _names(steps, "LOAD_METHOD")
    fills = bool(names["STORE_SUBSCR"] or not _FILLING.isdisjoint(attributes))
    variables = function.__globals__
    for name in names["LOAD_GLOBAL"]:
        if name not in variables or name in names["STORE_GLOBAL"]:
            continue
        value = variables[name]
        if isinstance(value, ModuleType):
            yield from _members(value, attributes)
        elif not fills or isinstance(value, _FIXED) or callable(value):
            yield name, value
        else:
            yield name, type(value)


def _members(module: ModuleType, attributes: dict[str, None]) -> list[tuple[str, Any]]:
    members = vars(module)
    file = getattr(module, "__file__", None)
    names = attributes if file and _is_own(file) else ()
    return [(name, members[name]) for name in names if name in members]


def _names(steps: list[dis.Instruction], kind: str) -> dict[str, None]:
    """Return the names of the instructions of a kind, in their order."""
    return {str(step.argval): None for step in steps if step.opname == kind}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and the codes of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_own(file: str) -> bool:
    """Return whether a file is the user's: not of Python, and not of an installed library."""
    is_package = any(folder in file for folder in _PACKAGE_FOLDERS)
    return not (is_package or file.startswith(("<frozen", *_INSTALLED)))
