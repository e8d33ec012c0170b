"""What a model may use besides the question: indexes, functions that search, tools."""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from platformdirs import user_data_path

from ..display.base import is_captured, is_watched
from ..errors import UsageError
from ..pipeline import Retrieve
from ..retrieval import Index

_EVERY = 0.1
"""Seconds between two counts of files."""


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


def build(name: str, paths: list[Path]) -> str:
    """Index files and folders, and show how far it is; what was done, in words."""
    show = _counter(get_ipython())
    count = index_of(name).add(paths, _now_and_then(show))
    end = "\r" if show is _count_line else ""
    return f"{end}{count} files read; ask with %%llm --rag {name}"


def _counter(shell: InteractiveShell | None) -> Callable[[int, int], None]:
    """What shows the count: a bar on a page, a line in a terminal, nothing where nobody watches."""
    if shell is not None and hasattr(shell, "kernel"):
        return _Bar().show if is_watched(shell) and not is_captured(shell) else _nothing
    return _count_line if sys.stdout.isatty() else _nothing


def _now_and_then(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """The first and the last count, and ten in a second."""
    shown = -math.inf

    def progress(done: int, count: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if count and (done == count or now - shown >= _EVERY):
            shown = now
            show(done, count)

    return progress


def _nothing(done: int, count: int) -> None:
    pass


def _count_line(done: int, count: int) -> None:
    sys.stdout.write(f"\r{done} of {count} files")
    sys.stdout.flush()


class _Bar:
    """A bar on a notebook's page: one display, each time in place of itself."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, done: int, count: int) -> None:
        text = f"{done} of {count} files"
        bar = f'<progress value="{done}" max="{count}"></progress> {text}'
        bundle = {"text/html": bar, "text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
