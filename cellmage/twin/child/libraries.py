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
    """Refuse what reaches other processes and is not seen by an audit hook."""

    def refuse(*arguments: object, **settings: object) -> NoReturn:
        channel.send("action", verb="share memory or start a program", target="")
        raise ActsOutside(
            "it would share memory with other processes or start a program, which is not done in "
            "the twin"
        )

    for module, name in (("_posixsubprocess", "fork_exec"), ("_posixshmem", "shm_open")):
        setattr(import_module(module), name, refuse)
    _leave_no_semaphores(import_module("_multiprocessing"))


def _leave_no_semaphores(module: Any) -> None:
    """Remove the name of each semaphore at once: a killed twin would leave it in /dev/shm."""

    class SemLock(module.SemLock):  # type: ignore[misc]
        def __new__(
            cls, kind: int, value: int, maxvalue: int, name: str, unlink: bool = True
        ) -> Any:
            return super().__new__(cls, kind, value, maxvalue, name, True)

    module.SemLock = SemLock


class Unwritten:
    """A file object in place of the file of a log.

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
