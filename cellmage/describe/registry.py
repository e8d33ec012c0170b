"""Describe any value: one `functools.singledispatch`, which users extend.

A library whose types are known here is never imported to look. Its functions are registered when
the first value of one of its types arrives: then the library is in `sys.modules`.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import singledispatch
from importlib import import_module
from typing import Any, TypeVar, overload

from ..errors import CellmageError
from ..runtime.time_limit import run_within
from .description import Description, Level, to_description
from .type_names import class_attribute, mro_of, root_module, type_name

Describer = Callable[[Any, Level], Any]
"""A function that returns what is sent for a value: see `to_description`."""

F = TypeVar("F", bound=Describer)

REPR_SECONDS = 2.0
"""The longest time that the code of a value's own class may take."""

LIBRARY_SECONDS = 30.0
"""The longest time for a table or a figure of a known library."""

_LIBRARIES: Mapping[str, str] = {
    "pandas": "pandas_tables",
    "polars": "polars_tables",
    "pyarrow": "arrow_tables",
    "numpy": "arrays",
    "matplotlib": "figures",
    "plotly": "figures",
    "altair": "figures",
    "PIL": "figures",
}
"""The modules here that know the types of a library, by the library's name."""

_loaded: set[str] = set()
_slow: set[Describer] = set()


@singledispatch
def describer(value: Any, level: Level) -> Any:
    """Return what is sent for a value; the function for all types that have none of their own."""
    raise NotImplementedError  # `values` registers the function for `object`


@overload
def register(cls: type, function: F) -> F: ...
@overload
def register(cls: type) -> Callable[[F], F]: ...
def register(cls: type, function: Any = None) -> Any:
    """Register a function that describes the values of a class, and of its subclasses.

    Args:
        cls: the class.
        function: takes a value and the level, and returns a text, an image or a list of these; None
            makes a decorator.

    Example:
        >>> class Tide: height = 3
        >>> @register(Tide)
        ... def describe_tide(tide, level):
        ...     return f"a tide of {tide.height} m"
        >>> describe(Tide()).text
        'a tide of 3 m'
    """
    return describer.register(cls, function) if function else describer.register(cls)


def register_slow(cls: type, function: Describer) -> None:
    """Register a function that may take as long as those of libraries."""
    describer.register(cls, function)
    _slow.add(function)


def register_library(classes: Mapping[tuple[str, str], Describer]) -> None:
    """Register functions for types of a library, where the library is imported.

    Args:
        classes: the functions, by the names of a module and of a class in it. A class for which the
            user has registered a function keeps that function.
    """
    for (module, name), function in classes.items():
        cls = getattr(sys.modules.get(module), name, None)
        if isinstance(cls, type) and cls not in describer.registry:
            describer.register(cls, function)
            _slow.add(function)


def describe(value: Any, level: Level = "stats") -> Description:
    """Return what is sent for a value; if its class raises an error, a line that says so.

    Args:
        value: any value.
        level: what may be sent of tables.

    Raises:
        CellmageError: a library or a file is missing; nothing was sent.

    Example:
        >>> describe([1, "two"]).text
        "[1, 'two']"
    """
    cls = type(value)
    problem = ""
    for candidate, seconds in _candidates(value, cls, level):
        try:
            return run_within(seconds, candidate)
        except TimeoutError as error:
            problem = str(error)
            break  # not as often as there are candidates
        except CellmageError:
            raise
        except Exception as error:  # noqa: BLE001 - the class of the value may raise anything
            problem = type_name(type(error))
    text = f"<{type_name(cls)}: it cannot be shown: {problem}>"
    return Description((text,), left_out=f"its text: {problem}")


def _candidates(
    value: Any, cls: type, level: Level
) -> Iterator[tuple[Callable[[], Description], float]]:
    method = class_attribute(cls, "_ai_repr_")
    if method is not None:
        yield lambda: to_description(_call_own(method.__get__(value, cls), level)), REPR_SECONDS
    function = _find(cls)
    seconds = LIBRARY_SECONDS if function in _slow else REPR_SECONDS
    yield lambda: to_description(function(value, level)), seconds


def describe_here(value: Any, level: Level) -> Description:
    """Return what is sent for a value, on this thread and without a limit of time."""
    return to_description(_find(type(value))(value, level))


def _find(cls: type) -> Describer:
    _load_libraries(cls)
    try:
        return describer.dispatch(cls)
    except Exception:  # noqa: BLE001 - the class of a class may raise anything
        return describer.registry[object]


def _call_own(method: Callable[..., Any], level: Level) -> Any:
    """Call ``_ai_repr_``, which may take the level, and may be async."""
    names = inspect.signature(method).parameters
    takes_level = "level" in names or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in names.values()
    )
    result = method(level=level) if takes_level else method()
    if not inspect.isawaitable(result):
        return result

    async def wait() -> Any:
        return await result

    return asyncio.run(wait())


def _load_libraries(cls: type) -> None:
    """Register the types of the libraries from which a class comes, each time once."""
    for base in mro_of(cls):
        library = root_module(base)
        if library in _LIBRARIES and library not in _loaded:
            _loaded.add(library)
            module = import_module(f".{_LIBRARIES[library]}", __package__)
            register_library(module.CLASSES)
