"""Load endpoints and providers of other packages, by their entry points.

A package names its endpoint in its ``pyproject.toml``, and answers for ``acme/some-model``::

    [project.entry-points."cellmage.providers"]
    acme = "acme_models:ENDPOINT"

The object is an `Endpoint`, or a function that returns a `Provider` for the name of a model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions
from typing import cast

from ..errors import ConfigError
from .base import Provider
from .endpoints import Endpoint

GROUP = "cellmage.providers"


def load_plugin(prefix: str) -> Endpoint | Callable[[str], Provider] | None:
    """Return the object of a package for models named ``prefix/…``; None if there is none.

    Raises:
        ConfigError: the object cannot be loaded, or is neither an endpoint nor a function.
    """
    entry_point = _entry_points(tuple(sys.path)).get(prefix)
    if entry_point is None:
        return None
    try:
        target = entry_point.load()
    except Exception as error:  # noqa: BLE001 - the import runs foreign code; reported as our error
        message = f"{type(error).__name__}: {error}"
        raise _unusable(prefix, entry_point, message) from None
    if isinstance(target, Endpoint):
        return target
    if callable(target):
        return cast(Callable[[str], Provider], target)
    raise _unusable(prefix, entry_point, "it is neither an Endpoint nor a function")


def _unusable(prefix: str, entry_point: EntryPoint, message: str) -> ConfigError:
    return ConfigError(f"the provider {prefix!r} of {entry_point.value} cannot be used: {message}")


@lru_cache(maxsize=1)  # to read them takes milliseconds, and every installed package counts
def _entry_points(search_path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Return the entry points of the packages on Python's search path, by name."""
    entry_points: dict[str, EntryPoint] = {}
    for package in distributions():
        # A package with damaged metadata must not take the models of the others away.
        with suppress(Exception):
            for entry_point in package.entry_points.select(group=GROUP):
                entry_points.setdefault(entry_point.name, entry_point)
    return entry_points
