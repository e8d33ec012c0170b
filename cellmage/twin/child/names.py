"""The names that a cell binds and deletes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ...describe import Level, describe
from ...describe.type_names import type_name

_MAX_NAMES = 100
_MAX_CHARS = 2_000
_HIDDEN = frozenset(("In", "Out", "exit", "quit", "open", "get_ipython", "display"))


class Names:
    """The variables of a shell as they are now.

    Args:
        shell: the shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._before = variables(shell)

    def changes(self, level: Level) -> dict[str, Any]:
        """Return what has changed since.

        Args:
            level: what may be described of tables.
        """
        after, before = variables(self._shell), self._before
        bound = [name for name in after if name not in before or after[name] is not before[name]]
        return {
            "bound": [
                {
                    "name": name,
                    "type": type_name(type(after[name])),
                    "description": _describe(after[name], level),
                    "is_new": name not in before,
                }
                for name in bound[:_MAX_NAMES]
            ],
            "deleted": [name for name in before if name not in after][:_MAX_NAMES],
        }


def variables(shell: Any) -> dict[str, Any]:
    """Return the user's variables, without those of IPython."""
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if isinstance(name, str)
        and name[:1] != "_"
        and name not in _HIDDEN
        and hidden.get(name, hidden) is not value
    }


def _describe(value: Any, level: Level) -> str:
    try:
        text = describe(value, level).text[:_MAX_CHARS]
        return text.partition("\n")[0] if isinstance(value, ModuleType) else text
    except Exception as error:  # noqa: BLE001 - a library may be missing, a class may raise
        return f"<it cannot be described: {type(error).__name__}>"
