"""Keep code in the twin from acting outside of it: what it would have done is reported instead.

Python's audit hooks see what Python code does. What libraries do beside Python, `landlock` forbids
where the system has it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..outside import ActsOutside

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NOWHERE = (os.devnull, "/dev/tty")

Arguments = tuple[Any, ...]
Acts = tuple[tuple[str, Any], ...]
"""Verbs, each with its target."""


class Guard:
    """Refuses what acts outside, in this process, for ever.

    Args:
        folder: the folder in which files may be written.
        report: is called with each verb and target.
    """

    def __init__(self, folder: str, report: Callable[[str, str], object]) -> None:
        self._folder = os.path.realpath(folder)
        self._report = report
        self._realpath = os.path.realpath  # the code may replace what is in modules

    def install(self) -> None:
        """Begin; an audit hook cannot be removed."""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._check)

    def _check(self, event: str, arguments: Arguments) -> None:
        __tracebackhide__ = True  # IPython leaves this frame out
        find = _ACTIONS.get(event)
        for verb, target in find(arguments) if find else ():
            name = self._spell(target)
            if not self._is_inside(name):
                self._report(verb, name)
                words = f"{verb} {os.path.basename(name) or name}".rstrip()
                raise ActsOutside(f"it would {words}, which is not done in the twin")

    def _spell(self, target: Any) -> str:
        if isinstance(target, Host):
            return target
        if isinstance(target, int):
            return f"{target}"
        return self._realpath(os.fsdecode(target)) if target else ""

    def _is_inside(self, target: str) -> bool:
        return f"{target}{os.sep}".startswith(f"{self._folder}{os.sep}")


class Host(str):
    """The name of a host or a program, which is not a path."""

    __slots__ = ()


def _open(arguments: Arguments) -> Acts:
    path, mode, flags = arguments
    is_writing = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & _WRITING)
    is_file = isinstance(path, str | bytes | os.PathLike)
    if not (is_writing and is_file) or os.fspath(path) in _NOWHERE:
        return ()
    return (("write the file", path),)


def _on_file(verb: str, index: int = 0) -> Callable[[Arguments], Acts]:
    return lambda arguments: ((verb, arguments[index]),)


def _move(arguments: Arguments) -> Acts:
    return ("move the file", arguments[0]), ("write the file", arguments[1])


def _make_folder(arguments: Arguments) -> Acts:
    return () if os.path.isdir(arguments[0]) else (("make the folder", arguments[0]),)


def _program(arguments: Arguments) -> Acts:
    return (("start the program", _host(arguments[0] if arguments else "")),)


def _connect(arguments: Arguments) -> Acts:
    address = arguments[1]
    is_path = isinstance(address, str | bytes)
    host = address[0] if isinstance(address, tuple) and address else address
    return (("connect to", address if is_path else _host(host)),)


def _look_up(arguments: Arguments) -> Acts:
    return (("connect to", _host(arguments[0])),) if arguments[0] else ()


def _database(arguments: Arguments) -> Acts:
    path = arguments[0]
    return () if path in (":memory:", "", b":memory:") else (("open the database", path),)


def _kill(arguments: Arguments) -> Acts:
    with suppress(OSError):  # there is no such process
        if arguments[0] > 0 and os.getpgid(arguments[0]) == os.getpgid(0):
            return ()  # its own, or one that it has forked
    return (("send a signal to", _host(arguments[0])),)


def _host(value: Any) -> Host:
    return Host(os.fsdecode(value) if isinstance(value, bytes | os.PathLike) else value)


_ACTIONS: Mapping[str, Callable[[Arguments], Acts]] = {
    "open": _open,
    **dict.fromkeys(("os.remove", "os.rmdir", "shutil.rmtree"), _on_file("remove")),
    **dict.fromkeys(("os.rename", "shutil.move"), _move),
    "os.mkdir": _make_folder,
    **dict.fromkeys(("os.link", "os.symlink"), _on_file("make the link", 1)),
    **dict.fromkeys(
        ("os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr"),
        _on_file("change the file"),
    ),
    **dict.fromkeys(
        ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn"),
        _program,
    ),
    "os.kill": _kill,
    "os.killpg": _kill,
    **dict.fromkeys(("socket.connect", "socket.sendto", "socket.bind"), _connect),
    **dict.fromkeys(("socket.getaddrinfo", "socket.gethostbyname"), _look_up),
    "sqlite3.connect": _database,
}
"""What is refused, by the audit events of Python."""
