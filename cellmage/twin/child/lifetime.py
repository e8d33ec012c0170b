"""No process of the twin stays when the twin is gone."""

from __future__ import annotations

import ctypes
import signal
import sys

_SET_DEATH_SIGNAL = 1


def die_with_parent() -> None:
    """Let Linux kill this process when its parent ends; elsewhere the group of processes is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
