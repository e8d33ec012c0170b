"""Providers that other packages bring, by the entry points that they declare.

A package names its endpoint in its ``pyproject.toml``, and ``acme/some-model`` is answered there::

    [project.entry-points."cellmage.providers"]
    acme = "acme_models:ENDPOINT"

The object is an `Endpoint`, or a function that makes a `Provider` for the name of a model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from ..errors import ConfigError
from .base import Provider
from .endpoints import Endpoint

GROUP = "cellmage.providers"


def plugin(prefix: str) -> Endpoint | Callable[[str], Provider] | None:
    """What a package has declared for models that are named ``prefix/…``; None without one.

    Raises:
        ConfigError: it cannot be loaded, or is no endpoint and no function.
    """
    declared = _declared().get(prefix)
    if declared is None:
        return None
    found, problem = _load(declared)
    if isinstance(found, Endpoint):
        return found
    if callable(found):
        return cast(Callable[[str], Provider], found)
    raise ConfigError(f"the provider {prefix!r} of {declared.value} cannot be used: {problem}")


def _load(declared: EntryPoint) -> tuple[Any, str]:
    """The object, or why there is none: what a package runs when it is imported may do anything."""
    try:
        return declared.load(), "it is neither an Endpoint nor a function"
    except Exception as error:  # noqa: BLE001 - told to the reader, by our own error
        return None, f"{type(error).__name__}: {error}"


@cache
def _declared() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}
