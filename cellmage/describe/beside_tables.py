"""What may be sent of values that the user has not named, where tables are about."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

from .description import Description, Level
from .registry import describe
from .type_names import is_data, root_module

_TABLE_LIBRARIES = ("pandas", "polars", "pyarrow")
_FIGURE_LIBRARIES = ("matplotlib", "plotly", "altair", "PIL")
_SIZED = (str, bytes, list, tuple, dict, set, frozenset)


def may_hold_cells(level: Level) -> bool:
    """Return whether a text of the notebook may contain cells of a table that stay here."""
    return level != "rows" and any(name in sys.modules for name in _TABLE_LIBRARIES)


def describe_beside_tables(value: Any, level: Level) -> Description:
    """Describe a value that the user has not named: a text or a number may be a cell of a table."""
    if not may_hold_cells(level) or _is_never_a_cell(value):
        return describe(value, level)
    name = type.__dict__["__name__"].__get__(type(value))
    size = f" of length {len(value)}" if type(value) in _SIZED else ""
    return Description((f"<{name}{size}>",))


def _is_never_a_cell(value: Any) -> bool:
    """Return whether the description of a value has levels, or is code or a figure."""
    is_code = isinstance(value, type | FunctionType | ModuleType)
    return is_code or is_data(value) or root_module(type(value)) in _FIGURE_LIBRARIES
