"""Files of answers: ``%llm_config --keep lock``, ``--replay`` and ``--record``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import UsageError
from ..recording import LOCK, Recording
from ..recording.file_recordings import SUFFIX, ReplayRecords
from ..recording.record_files import FileRecords
from .conversations import ConversationRegistry
from .notebook_paths import working_folder
from .recording_flags import select_named
from .settings import Settings


class AnswerFiles:
    """The files in which a notebook's answers are, where its user names one.

    Args:
        settings: what the user has set.
        chats: the conversations of the notebook, which know its path.
    """

    def __init__(self, settings: Settings, chats: ConversationRegistry) -> None:
        self._settings = settings
        self._chats = chats
        self._named: tuple[object, Recording | None] = ((), None)
        self._lock: tuple[Path | None, Recording] | None = None

    def named(self) -> Recording | None:
        """Return the recording of ``--replay`` and ``--record``; None if neither is set.

        Raises:
            UsageError: the file cannot be used.
        """
        names = (self._settings.replay, self._settings.record, self._settings.replay_speed)
        if self._named[0] != names:
            self._named = names, select_named(*names)
        return self._named[1]

    def lock(self) -> Recording:
        """Return the recording of ``NOTEBOOK.llm.jsonl``, beside the notebook.

        Where the path of the notebook is not known, as in an unattended run, answers are those of
        all such files in the folder, and none is written.
        """
        path = self._chats.identity.path
        if self._lock is None or self._lock[0] != path:
            file = None if path is None else path.with_name(path.stem + SUFFIX)
            records = ReplayRecords(working_folder()) if file is None else FileRecords(file)
            self._lock = path, Recording(records, LOCK)
        return self._lock[1]

    @property
    def _active(self) -> Recording | None:
        return self.named() or (self.lock() if self._settings.keep == "lock" else None)

    def report(self, changed: Iterable[str], removes_unused: bool) -> Iterator[str]:
        """Yield what ``%llm_config`` says of the file.

        Args:
            changed: the names of the settings that it has changed.
            removes_unused: True removes the answers that no prompt of this kernel has used.

        Raises:
            UsageError: there is no file to remove them from, or no answer was used.
        """
        if not {"keep", "replay", "record"}.isdisjoint(changed):
            records = self._active.records if self._active else None
            yield from getattr(records, "problems", ())
        if removes_unused:
            yield self._remove_unused()

    def _remove_unused(self) -> str:
        records = self._active.records if self._active else None
        if not isinstance(records, FileRecords):
            raise UsageError(
                "--remove-unused needs a file: %llm_config --keep lock, or --record FILE"
            )
        count = records.remove_unused()
        answers = "1 answer was" if count == 1 else f"{count} answers were"
        return f"{answers} removed from {records.path.name}; {len(records)} are left."
