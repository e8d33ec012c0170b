"""Answers that are recorded: kept, replayed, compared.

A `Recorder` is a stage around the pipeline of one question. It computes the key of the answer
(`inputs.py`), looks for it in `Records`, and asks if it may.
"""

from .inputs import Input, Inputs
from .record import Record, TimedEvent
from .recorder import Recorder
from .recording import FRESH, KEEP, RECORD, RECORD_MISSING, REPLAY, Policy, Recording
from .records import MemoryRecords, Records

__all__ = [
    "FRESH",
    "KEEP",
    "RECORD",
    "RECORD_MISSING",
    "REPLAY",
    "Input",
    "Inputs",
    "MemoryRecords",
    "Policy",
    "Record",
    "Recorder",
    "Recording",
    "Records",
    "TimedEvent",
    "default_recorder",
    "set_default",
]

_default: Recording | None = None


def set_default(recording: Recording | None) -> None:
    """Use a recording for every question of this process that names none; None ends it."""
    global _default  # noqa: PLW0603 - one for the process
    _default = recording


def default_recorder() -> Recorder | None:
    """Return the recorder for a question that names none."""
    return None if _default is None else Recorder(_default)
