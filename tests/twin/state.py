"""The state of a process that code in the twin must not change, as text to compare."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
from typing import Any

from cellmage.fingerprint import fingerprint

NAMES = ("numbers", "table", "array", "nested", "double", "mapped")


def state_of(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return digests of the variables, and what a process has besides."""
    np, opened, thing = (namespace[name] for name in ("np", "opened", "thing"))
    return {
        "names": sorted(name for name in namespace if name[:1] != "_"),
        "ids": {name: id(namespace[name]) for name in (*NAMES, "thing", "Thing")},
        "values": {name: digest(namespace[name]) for name in NAMES},
        "thing": (vars(thing), thing.size, type(thing) is namespace["Thing"]),
        "cwd": os.getcwd(),
        "files": sorted(os.listdir()),
        "environ": dict(os.environ),
        "signals": {number: str(signal.getsignal(number)) for number in signal.valid_signals()},
        "alarm": signal.getitimer(signal.ITIMER_REAL),
        "random": digest(random.getstate()),
        "numpy random": digest(np.random.get_state()),
        "offset": (os.lseek(opened.fileno(), 0, os.SEEK_CUR), os.fstat(opened.fileno()).st_size),
        "descriptors": descriptors(),
        "children": children(),
        "modules": [
            getattr(sys.modules["json"].dumps, "__name__", ""),
            namespace["math"].pi,
            namespace["pd"].DataFrame.head.__name__,
            sys.path[:],
            sys.getrecursionlimit(),
            sys.gettrace() is None,
        ],
        "lock": namespace["lock"].locked(),
        "streams": (id(sys.stdout), id(sys.stderr), id(sys.displayhook)),
        "handlers": len(namespace["logging"].getLogger().handlers),
        "rc": matplotlib_state(),
    }


def digest(value: Any) -> str:
    known = fingerprint(value)
    if known is not None:
        return known.digest
    data = value.tobytes() if hasattr(value, "tobytes") else repr(value).encode()
    return hashlib.sha256(data).hexdigest()


def descriptors() -> list[str]:
    """Return the open descriptors, but for those that IPython's history opens and closes."""
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    known = (os.readlink(link) for link in links if os.path.lexists(link))
    return sorted(name for name in known if "profile_default" not in name)


def children() -> list[str]:
    """Return the processes that this one has begun, and that are still there."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return file.read().split()


def matplotlib_state() -> str:
    module = sys.modules.get("matplotlib")
    return repr(module.rcParams["font.size"]) if module else "10.0"
