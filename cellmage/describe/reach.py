"""Find out whether an object holds a table, without running code of its class."""

from __future__ import annotations

import gc
import types
from collections import deque
from typing import Any

from .type_names import is_table

_MAX_OBJECTS = 200_000

_LEAVES = (type, types.ModuleType, types.CodeType, str, bytes, int, float, complex)


def reaches_table(value: Any) -> bool:
    """Return whether a table can be reached from an object; True if the object is too large to say.

    Its own text may contain cells of the table then.

    Example:
        >>> reaches_table({"a": [1, 2]})
        False
    """
    queue, seen = deque([value]), {id(value)}
    while queue:
        item = queue.popleft()
        if is_table(item):
            return True
        for each in _parts(item):
            if id(each) not in seen and not issubclass(type(each), _LEAVES):
                seen.add(id(each))
                queue.append(each)
        if len(seen) > _MAX_OBJECTS:
            return True
    return False


def _parts(item: Any) -> list[Any]:
    """Return what an object refers to; of a function not its globals."""
    if type(item) is types.FunctionType:
        return [item.__closure__, item.__defaults__, item.__kwdefaults__]
    if type(item) is types.FrameType or issubclass(type(item), types.ModuleType):
        return []
    return gc.get_referents(item)
