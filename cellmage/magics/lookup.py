"""What a model may use besides the question: indexes, functions that search, tools."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from platformdirs import user_data_path

from ..errors import UsageError
from ..pipeline import Retrieve
from ..retrieval import Index


def index_of(name: str) -> Index:
    """The index of a name; a name is data, and never a path.

    Raises:
        UsageError: the name is empty or too long.
    """
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise UsageError(f"the index name {name!r} is empty, too long, or cannot be read")
    file = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Index(user_data_path("cellmage") / "indexes" / f"{file}.db")


def search_of(name: str | None, names: Mapping[str, Any]) -> tuple[str, Retrieve] | None:
    """What searches for ``--rag NAME``: a callable of that name, or an index.

    Raises:
        UsageError: there is neither.
    """
    if name is None:
        return None
    if callable(names.get(name)):
        return name, names[name]
    index = index_of(name)
    if not index.path.exists():
        raise UsageError(
            f"--rag {name}: there is no function and no index of this name; "
            f"%llm_index FOLDER --name {name} makes one"
        )
    return name, index.search


def tools_named(wanted: Sequence[str], names: Mapping[str, Any]) -> list[Callable[..., Any]]:
    """The functions for ``--tool NAME``.

    Raises:
        UsageError: one of them is not there, or is no function.
    """
    return [_function(name, names) for name in wanted]


def _function(name: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """The function, or the method of an object, of this name."""
    first, *rest = name.split(".")
    found: Any = names.get(first)
    for each in rest:
        found = getattr(found, each, None)
    if not callable(found):
        what = "name one, and repeat --tool" if "," in name else "define it, with a docstring"
        raise UsageError(f"--tool {name}: there is no such function; {what}")
    function: Callable[..., Any] = found
    return function
