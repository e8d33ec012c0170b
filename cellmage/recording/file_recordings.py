"""Recordings in files, as users name them: to replay, to record, to record what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal, get_args

from ..arguments import check, choice_of
from ..errors import UsageError
from ..text import excerpt, spell_out
from ..turns import CellRef
from .inputs import PROMPT, Inputs
from .record import Record
from .record_files import FileRecords
from .recording import RECORD, RECORD_MISSING, REPLAY, Recording
from .records import MemoryRecords, select_nearest, select_similar

Speed = Literal["instant", "recorded"]
SPEEDS: tuple[Speed, ...] = get_args(Speed)

SUFFIX = ".llm.jsonl"
"""The end of the name of a file of answers beside its notebook or its test."""


def open_replay(path: str | Path, *, speed: Speed = "instant") -> Recording:
    """Return a recording that answers from a file alone; no model is asked.

    Args:
        path: the file; or a folder, which means all its files ``*.llm.jsonl``.
        speed: ``"recorded"`` replays each piece of an answer at its time.

    Raises:
        UsageError: the file does not exist or cannot be read.

    Example:
        >>> open_replay("gone.jsonl")
        Traceback (most recent call last):
        ...
        cellmage.errors.UsageError: there is no gone.jsonl to replay
    """
    check("speed", speed, choice_of(*SPEEDS))
    path = Path(path)
    if not path.exists():
        raise UsageError(f"there is no {excerpt(spell_out(str(path)))} to replay")
    records = ReplayRecords(path)
    records.problems  # noqa: B018 - a file that cannot be read is an error now
    return Recording(records, replace(REPLAY, keeps_timing=speed == "recorded"))


def open_record(path: str | Path, *, only_missing: bool = False) -> Recording:
    """Return a recording that asks the model, and keeps each answer in a file.

    Args:
        path: the file; a new one is made with the first answer.
        only_missing: True answers from the file what is there.

    Raises:
        UsageError: the file cannot be read.
    """
    records = FileRecords(Path(path), with_events=True)
    records.problems  # noqa: B018 - as above
    return Recording(records, RECORD_MISSING if only_missing else RECORD)


def select_recording(
    replay: str, record: str, speed: Speed = "instant", *, spell: Callable[[str], str] = str
) -> Recording | None:
    """Return the recording that a user has named in two settings; None if both are empty.

    Args:
        replay: the file to answer from.
        record: the file to fill; ``"missing"`` fills that of ``replay``.
        speed: as for `open_replay`.
        spell: returns the name of a setting, as the user types it.

    Raises:
        UsageError: they do not go together, or the file cannot be used.

    Example:
        >>> select_recording("", "missing")
        Traceback (most recent call last):
        ...
        cellmage.errors.UsageError: record missing needs a file: replay FILE
    """
    if record == "missing":
        if not replay:
            raise UsageError(f"{spell('record')} missing needs a file: {spell('replay')} FILE")
        return open_record(replay, only_missing=True)
    if record and replay:
        raise UsageError(
            f"{spell('record')} {excerpt(record)} does not go with {spell('replay')}; "
            f"{spell('record')} missing adds what the replayed file lacks"
        )
    if record:
        return open_record(record)
    return open_replay(replay, speed=speed) if replay else None


_MIN_SIMILARITY = 0.6
"""From here on two prompts are taken for versions of one: 1 is the same text, 0 another."""


class ReplayRecords:
    """The recorded answers of a file, or of all files ``*.llm.jsonl`` of a folder; none is added.

    A key says what an answer depends on, so the answer of another file is as right.

    Args:
        path: the file or the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self._files: dict[Path, FileRecords] = {}

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each line that cannot be read."""
        return [problem for file in self._open() for problem in file.problems]

    def find(
        self, inputs: Inputs, number: int, *, or_last: bool = False, any_model: bool = False
    ) -> Record | None:
        """Return the answer with these inputs: see `Records`."""
        return self._all().find(inputs, number, or_last=or_last, any_model=any_model)

    def numbers(self, inputs: Inputs) -> Mapping[int, CellRef | None]:
        """Return the numbers of the answers with these inputs: see `Records`."""
        return self._all().numbers(inputs)

    def nearest(self, inputs: Inputs, cell: CellRef | None) -> Record | None:
        """Return the answer of the cell, else the one whose prompt is most similar.

        It says what differs from a question that was recorded. None if no prompt is similar.
        """
        records = list(self._all())
        cell_record = select_nearest(
            inputs, [item for item in records[::-1] if item.cell == cell and cell]
        )
        return cell_record or _most_similar(inputs, records) or select_similar(inputs, records)

    def of_cells(self) -> Mapping[CellRef, Record]:
        """Return the newest answer of each question of a cell: see `Records`."""
        return self._all().of_cells()

    def add(self, record: Record) -> None:
        """Do nothing: it is not known which file the answer belongs to."""

    def _all(self) -> MemoryRecords:
        return MemoryRecords(record for file in self._open() for record in file)

    def _open(self) -> Iterator[FileRecords]:
        is_folder = self._path.is_dir()
        paths = sorted(self._path.glob(f"*{SUFFIX}")) if is_folder else [self._path]
        for path in paths:
            if path not in self._files:
                self._files[path] = FileRecords(path)
            yield self._files[path]


def _most_similar(inputs: Inputs, records: Sequence[Record]) -> Record | None:
    matcher = SequenceMatcher(None, b=_prompt_words(inputs), autojunk=False)

    def similarity(record: Record) -> float:
        matcher.set_seq1(_prompt_words(record.inputs))
        return matcher.ratio()

    best = max(records, key=similarity, default=None)
    return best if best is not None and similarity(best) >= _MIN_SIMILARITY else None


def _prompt_words(inputs: Inputs) -> str:
    prompt = inputs.by_name().get(PROMPT)
    return prompt.words if prompt else ""
