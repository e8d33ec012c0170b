"""The recording for every question of this process: set by Python, or by the environment."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from ..fingerprint import fingerprint
from ..providers.environment import ENVIRON
from .file_recordings import select_recording
from .recorder import Recorder
from .recording import Recording

REPLAY_VARIABLE = "CELLMAGE_REPLAY"
RECORD_VARIABLE = "CELLMAGE_RECORD"

_set: Recording | None = None
_recordings: dict[tuple[str, str], Recording | None] = {}


def set_default(recording: Recording | None) -> None:
    """Use a recording for every question of this process that names none; None ends it."""
    global _set  # noqa: PLW0603 - one for the process
    _set = recording


@contextmanager
def use_recording(recording: Recording) -> Generator[Recording]:
    """Use a recording for every question of this process while the block runs.

    Example:
        >>> from cellmage import Conversation
        >>> from cellmage.recording import KEEP, MemoryRecords
        >>> with use_recording(Recording(MemoryRecords(), KEEP)):
        ...     _ = Conversation().ask("Hi", model="offline/echo")
        >>> default_recording() is None
        True
    """
    before = _set
    set_default(recording)
    try:
        yield recording
    finally:
        set_default(before)


def default_recording() -> Recording | None:
    """Return the recording of this process, which comes before that of a notebook.

    It is the one that was set, else that of ``CELLMAGE_REPLAY`` and ``CELLMAGE_RECORD``.

    Raises:
        UsageError: the file of a variable cannot be used.
    """
    if _set is not None:
        return _set
    names = ENVIRON.get(REPLAY_VARIABLE, ""), ENVIRON.get(RECORD_VARIABLE, "")
    if names not in _recordings:
        _recordings[names] = _recording_of(*names)
    return _recordings[names]


def _recording_of(replay: str, record: str) -> Recording | None:
    return select_recording(replay, record, spell=lambda name: f"CELLMAGE_{name.upper()}")


def default_recorder(searched: Callable[..., Any] | None = None) -> Recorder | None:
    """Return the recorder for a question that names none.

    Args:
        searched: the function that finds passages for it, which the answer depends on.
    """
    recording = default_recording()
    if recording is None or searched is None:
        return None if recording is None else Recorder(recording)
    source = getattr(getattr(searched, "__self__", None), "path", searched)  # the file of an index
    name = getattr(searched, "__name__", type(searched).__name__)
    return Recorder(recording, values={f"the search {name}": fingerprint(source)})
