"""Answers that are recorded: kept, replayed, compared.

A `Recorder` is a stage around the pipeline of one question. It computes the key of the answer
(`inputs.py`), looks for it in `Records`, and asks if it may. `open_record` and `open_replay` keep
answers in a file; `use_recording` uses one for all questions of the process.
"""

from .file_recordings import open_record, open_replay
from .inputs import Input, Inputs
from .process import default_recorder, default_recording, set_default, use_recording
from .record import Record, TimedEvent
from .recorder import Recorder
from .recording import FRESH, KEEP, LOCK, RECORD, RECORD_MISSING, REPLAY, Policy, Recording
from .records import MemoryRecords, Records

__all__ = [
    "FRESH",
    "KEEP",
    "LOCK",
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
    "default_recording",
    "open_record",
    "open_replay",
    "set_default",
    "use_recording",
]
