"""A list of variables in few tokens: names by type, and the shapes of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text import truncate
from .description import Description, plural
from .type_names import is_table, type_name

_MAX_CHARS = 2_100
"""About 600 tokens, of names: they have fewer characters for each token than prose."""

_NAME_CHARS = 60


def catalogue(variables: Mapping[str, Any]) -> Description:
    """Return the names of variables by their types; no value is looked at, but shapes of tables.

    Args:
        variables: the variables by name; those with an underscore are left out.

    Example:
        >>> catalogue({"n": 1, "m": 2, "text": "a"}).text
        'int: n, m\\nstr: text'
    """
    groups: dict[str, list[str]] = {}
    for name, value in variables.items():
        if not name.startswith("_"):
            shape = _shape(value)
            groups.setdefault(type_name(type(value)), []).append(
                truncate(name, _NAME_CHARS) + shape
            )
    total = sum(map(len, groups.values()))
    lines, count, room = [], 0, _MAX_CHARS - 60
    for kind, names in groups.items():
        line = f"{kind}: "
        fitting = _fit(names, room - len(line))
        if not fitting:
            break
        lines.append(line + ", ".join(fitting))
        count, room = count + len(fitting), room - len(lines[-1]) - 1
    excess = total - count
    lines += [f"… and {plural(excess, 'more variable')}"] if excess else []
    left_out = f"{plural(excess, 'variable')} left out; name them with --attach" if excess else ""
    return Description(("\n".join(lines),), plural(count, "name"), left_out)


def _fit(names: list[str], chars: int) -> list[str]:
    fitting = []
    for name in names:
        chars -= len(name) + 2
        if chars < 0:
            break
        fitting.append(name)
    return fitting


def _shape(value: Any) -> str:
    """Return the shape of a table of a known library."""
    try:
        shape = value.shape if is_table(value) else ()
        return f" ({' x '.join(str(int(size)) for size in shape)})" if shape else ""
    except Exception:  # noqa: BLE001 - a lazy table has none; a subclass may raise anything
        return ""
