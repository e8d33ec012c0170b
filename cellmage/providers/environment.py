"""The environment variables of this process, whose values nothing shows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping


class Environment(Mapping[str, str]):
    """``os.environ`` for the code that is passed an environment.

    Error trackers, ``pytest -l`` and ``%xmode Verbose`` show the variables of each function that an
    error passes. ``os.environ`` shows every key there.

    Example:
        >>> ENVIRON, "OPENAI_API_KEY" in ENVIRON
        (Environment(), False)
    """

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def __repr__(self) -> str:
        return "Environment()"


ENVIRON = Environment()
"""The environment of this process."""
