"""What libraries have to forget or to leave in the twin, in one table; none is imported to look."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from ..outside import ActsOutside
from .channel import Channel


def prepare_libraries(channel: Channel) -> None:
    """Prepare the libraries that are loaded."""
    for name, prepare in _LIBRARIES.items():
        if module := sys.modules.get(name):
            with suppress(Exception):  # another release may lack it; the time limit remains
                prepare(module, channel)


def forbid_processes(channel: Channel) -> None:
    """Refuse what starts processes and is not seen by an audit hook."""

    def refuse(*arguments: object, **settings: object) -> NoReturn:
        channel.send("action", verb="start processes", target="")
        raise ActsOutside("it would start processes, which is not done in the twin")

    lock = type("SemLock", (), {"__new__": refuse, "SEM_VALUE_MAX": 2**31 - 1})
    for module, name, value in (
        ("_posixsubprocess", "fork_exec", refuse),
        ("_multiprocessing", "SemLock", lock),  # of pools and queues; it is a file in /dev/shm
    ):
        setattr(import_module(module), name, value)


class Unwritten:
    """Stands for the file of a log.

    Args:
        path: the file.
        channel: where it is reported.
    """

    def __init__(self, path: str, channel: Channel) -> None:
        self._path = path
        self._channel = channel

    def write(self, text: str) -> int:
        """Report it."""
        self._channel.send("action", verb="write the file", target=self._path)
        return len(text)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _logging(module: Any, channel: Channel) -> None:
    for reference in module._handlerList:
        handler = reference()
        if isinstance(handler, module.FileHandler) and handler.stream is not None:
            handler.stream = Unwritten(handler.baseFilename, channel)


def _inline_backend(module: Any, channel: Channel) -> None:
    module.show._to_draw = []
    module.show._draw_called = False


_LIBRARIES: Mapping[str, Callable[[Any, Channel], object]] = {
    "torch": lambda module, channel: module.set_num_threads(1),
    "threadpoolctl": lambda module, channel: module.threadpool_limits(1, user_api="openmp"),
    "logging": _logging,
    "matplotlib_inline.backend_inline": _inline_backend,
}
