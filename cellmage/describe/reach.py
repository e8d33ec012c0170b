"""Find out whether an object holds a table, without running code of its class."""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

from .type_names import class_values, is_table, mro_of, root_module

_MAX_OBJECTS = 200_000

_LEAVES = (type, types.ModuleType, types.CodeType, str, bytes, int, float, complex)


def reaches_table(value: Any) -> bool:
    """Return whether a table can be reached from an object; True if the object is too large to say.

    Its own text may contain cells of the table then.

    Example:
        >>> reaches_table({"a": [1, 2]})
        False
    """
    queue, visited = deque([value]), {id(value)}
    classes: set[int] = set()
    while queue:
        item = queue.popleft()
        if is_table(item):
            return True
        for part in (*_parts(item), *_class_parts(item, classes)):
            if id(part) not in visited and not issubclass(type(part), _LEAVES):
                visited.add(id(part))
                queue.append(part)
        if len(visited) > _MAX_OBJECTS:
            return True
    return False


def _parts(item: Any) -> list[Any]:
    """Return what an object refers to; of a function of the notebook the globals that it names."""
    if type(item) is types.FunctionType:
        variables = _globals_of(item.__code__, item.__globals__)
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, *variables]
    if type(item) is types.FrameType or issubclass(type(item), types.ModuleType):
        return []
    return gc.get_referents(item)


def _class_parts(item: Any, visited: set[int]) -> Iterator[Any]:
    """Yield what the classes of an object refer to, each class once; its text may use it."""
    for cls in mro_of(type(item)):
        if id(cls) not in visited and root_module(cls) not in _STANDARD_MODULES:
            visited.add(id(cls))
            yield from class_values(cls)


_STANDARD_MODULES = sys.stdlib_module_names | {""}


def _globals_of(code: types.CodeType, variables: dict[str, Any]) -> Iterator[Any]:
    if variables.get("__name__") != "__main__":
        return  # those of a library lead to everything
    yield from (variables[name] for name in code.co_names if name in variables)
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from _globals_of(constant, variables)
