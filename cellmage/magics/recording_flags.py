"""``%llm_config --replay`` and ``--record``: what they set, and the recording that they name."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..recording import Recording
from ..recording.file_recordings import Speed, select_recording

OFF = "off"
"""Ends ``--replay`` or ``--record``."""


def select_named(replay: str, record: str, speed: Speed = "instant") -> Recording | None:
    """Return the recording that two settings name: see `select_recording`."""
    return select_recording(replay, record, speed, spell=lambda name: f"--{name}")


def recording_changes(
    replay: str | None, record: str | None, now: Mapping[str, str]
) -> dict[str, str]:
    """Return what two flags change: a new file ends what was set before.

    Args:
        replay, record: the values of the flags; None is a flag that is not there.
        now: the files that are set.

    Example:
        >>> recording_changes("a", None, {"replay": "", "record": "b"})
        {'replay': 'a', 'record': ''}
        >>> recording_changes(None, "missing", {"replay": "a", "record": ""})
        {'replay': 'a', 'record': 'missing'}
        >>> recording_changes("off", None, {"replay": "a", "record": ""})
        {'replay': '', 'record': ''}
    """
    if replay is None and record is None:
        return {}
    if replay is None and record == "missing":
        replay = now.get("replay")
    values = {"replay": replay or "", "record": record or ""}
    return {name: _path(value) for name, value in values.items()}


def _path(value: str) -> str:
    return "" if value == OFF else os.path.expanduser(value)
