"""Where there can be no twin, in one table: looked for before the fork, refused in a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TwinError
from .free_memory import RESERVE, free_memory

Namespace = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """A reason why there can be no twin.

    Args:
        name: what it is about.
        find: returns what was found, such as the name of a variable; empty if there is nothing.
        line: what happened and what to do; ``{0}`` is what was found.
    """

    name: str
    find: Callable[[Namespace], str]
    line: str


def check_limits(namespace: Namespace) -> None:
    """Refuse a twin where it could not do what it promises.

    Args:
        namespace: the variables of the user.

    Raises:
        TwinError: there can be no twin.
    """
    for limit in LIMITS:
        if problem := limit.find(namespace):
            raise TwinError(limit.line.format(problem))


def _system(namespace: Namespace) -> str:
    can_fork = hasattr(os, "fork") and sys.platform not in ("emscripten", "wasi")
    return "" if can_fork else sys.platform


def _graphics(namespace: Namespace) -> str:
    links = Path("/proc/self/fd")
    names = (_read_link(link) for link in links.iterdir()) if links.is_dir() else iter(())
    if device := next((name for name in names if name.startswith(_GRAPHICS)), ""):
        return device
    metal = getattr(sys.modules.get("torch"), "mps", None)
    try:
        return "MPS" if metal and metal.current_allocated_memory() else ""
    except Exception:  # noqa: BLE001 - torch without Metal raises an error
        return ""


_GRAPHICS = ("/dev/nvidia", "/dev/kfd", "/dev/dri/")


def _read_link(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _thread_of(*names: str) -> Callable[[Namespace], str]:
    """Return a function that finds a thread of the process by the beginning of its name."""

    def find(namespace: Namespace) -> str:
        return next((name for name in _threads() if name.startswith(names)), "")

    return find


def _threads() -> Iterator[str]:
    folder = Path("/proc/self/task")
    for task in folder.iterdir() if folder.is_dir() else ():
        try:
            yield (task / "comm").read_text().strip()
        except OSError:
            continue  # it has ended


def _value_of(*classes: str) -> Callable[[Namespace], str]:
    """Return a function that finds a variable of one of some classes, by their full names."""

    def find(namespace: Namespace) -> str:
        names = (name for name, value in list(namespace.items()) if _is_one(value, classes))
        return next((name for name in names if name[:1] != "_"), "")

    return find


def _is_one(value: Any, classes: tuple[str, ...]) -> bool:
    return any(f"{cls.__module__}.{cls.__qualname__}" in classes for cls in type(value).__mro__)


def _database(namespace: Namespace) -> str:
    names = _value_of(*_DATABASES)(namespace)
    if names:
        return names
    is_file = _value_of("sqlite3.Connection")
    return next(
        (
            name
            for name, value in list(namespace.items())
            if is_file({name: value}) and _has_file(value)
        ),
        "",
    )


def _has_file(connection: Any) -> bool:
    """Return whether a connection of SQLite has a file; one in memory is copied by the fork."""
    try:
        return any(row[2] for row in connection.execute("PRAGMA database_list"))
    except Exception as error:  # noqa: BLE001 - it is closed, or belongs to another thread
        return "closed" not in str(error)


_DATABASES = (
    "duckdb.DuckDBPyConnection",
    "_duckdb.DuckDBPyConnection",
    "sqlalchemy.engine.base.Connection",
    "sqlalchemy.orm.session.Session",
    "psycopg.Connection",
    "psycopg2.extensions.connection",
    "pymysql.connections.Connection",
    "pymongo.synchronous.mongo_client.MongoClient",
    "redis.client.Redis",
)

_CLUSTERS = (
    "distributed.client.Client",
    "pyspark.sql.session.SparkSession",
    "pyspark.context.SparkContext",
    "concurrent.futures.thread.ThreadPoolExecutor",
    "concurrent.futures.process.ProcessPoolExecutor",
    "multiprocessing.pool.Pool",
)


def _backends(namespace: Namespace) -> str:
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is not None and getattr(bridge, "_backends", None):
        return "jax"
    return "tensorflow" if "tensorflow" in sys.modules else ""


def _no_memory(namespace: Namespace) -> str:
    free = free_memory()
    return f"{max(free, 0) // 2**20} MB" if free < 2 * RESERVE else ""


LIMITS = (
    Limit(
        "system",
        _system,
        "the twin needs a system that can fork a process, and {0} cannot; run the code in a cell",
    ),
    Limit(
        "graphics card",
        _graphics,
        "no twin can be made while this process uses a graphics card ({0}): what is on the card "
        "is not copied; move the data to the processor and restart the kernel",
    ),
    Limit(
        "polars",
        _thread_of("polars-0", "polars-1"),
        "no twin can be made after polars has started its threads, which no copy of this process "
        "would have; run the code in a cell, or restart the kernel and use pandas or pyarrow",
    ),
    Limit(
        "compiled models",
        _backends,
        "no twin can be made after {0} has started its threads, which no copy of this process "
        "would have; run the code in a cell",
    ),
    Limit(
        "database",
        _database,
        "no twin can be made while `{0}` is an open connection to a database, which two processes "
        "must not use; close it and delete the variable",
    ),
    Limit(
        "workers",
        _value_of(*_CLUSTERS),
        "no twin can be made while `{0}` has workers, which no copy of this process would have; "
        "close it and delete the variable",
    ),
    Limit(
        "memory",
        _no_memory,
        "no twin can be made while only {0} of memory are free; delete what is not needed",
    ),
)
"""All limits; the first that is found is said."""
