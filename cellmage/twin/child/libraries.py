"""Libraries with threads of their own, which a fork does not take along: each limited to one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any


def limit_libraries() -> None:
    """Limit the libraries that are loaded; none is imported to look."""
    for name, limit in _LIBRARIES.items():
        if module := sys.modules.get(name):
            with suppress(Exception):  # another release may lack it; the time limit remains
                limit(module)


def _torch(module: Any) -> None:
    module.set_num_threads(1)


def _threadpoolctl(module: Any) -> None:
    module.threadpool_limits(1)


def _inline_backend(module: Any) -> None:
    module.show._to_draw = []
    module.show._draw_called = False


_LIBRARIES: Mapping[str, Callable[[Any], None]] = {
    "torch": _torch,
    "threadpoolctl": _threadpoolctl,
    "matplotlib_inline.backend_inline": _inline_backend,
}
