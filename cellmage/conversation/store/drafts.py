"""Answers that are being written, and the autosave of what is new in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from ...messages import Response, ToolStep
from ...turns import Turn
from .columns import encode_text, metadata_json
from .database import transaction

DraftKey = tuple[int, str]
"""The id of a conversation, and the id of a response."""


@dataclass(slots=True)
class Draft:
    """An answer that is being written, and how much of it was taken to be saved.

    Args:
        turn: the turn as it began, without an answer.
        snapshot: returns the answer so far, on any thread.
        taken_text: the text of it that was taken.
        taken_steps: the tool steps that were taken.

    Example:
        >>> answers = iter([Response("one "), Response("one two")])
        >>> draft = Draft(Turn("Count", Response("")), lambda: next(answers))
        >>> draft.take_new(), draft.take_new()
        (('one ', ()), ('two', ()))
    """

    turn: Turn
    snapshot: Callable[[], Response]
    taken_text: str = ""
    taken_steps: tuple[ToolStep, ...] = ()

    def take_new(self) -> tuple[str, tuple[ToolStep, ...]]:
        """Return the text since the last call; and all tool steps, if one of them has changed.

        A text that does not go on from the last one is returned whole: what was taken turned out to
        be reasoning.
        """
        response = self.snapshot()
        text = response.text.removeprefix(self.taken_text)
        steps = response.steps if response.steps != self.taken_steps else ()
        self.taken_text, self.taken_steps = response.text, response.steps
        return text, steps


class Drafts:
    """The answers that this process is writing; used on the store's thread only."""

    def __init__(self) -> None:
        self._drafts: dict[DraftKey, Draft] = {}
        self._unsaved_chunks: list[tuple[int, str, bytes]] = []
        self._unsaved_metadata: dict[DraftKey, str] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._drafts

    def add(self, conversation_id: int, draft: Draft) -> None:
        """Save this answer from now on."""
        self._drafts[conversation_id, draft.turn.response.id] = draft

    def remove(self, response_id: str) -> None:
        """Save this answer no more, whatever the id of its conversation was when it began."""
        for key in [key for key in self._drafts if key[1] == response_id]:
            del self._drafts[key]

    def clear(self) -> None:
        """Forget all answers, in a forked child: they are its parent's."""
        self._drafts.clear()
        self._unsaved_chunks.clear()
        self._unsaved_metadata.clear()

    def has_any(self) -> bool:
        """Return whether an answer is being written, or has parts that are not saved."""
        return bool(self._drafts or self._unsaved_chunks or self._unsaved_metadata)

    def save(self, connection: sqlite3.Connection) -> bool:
        """Store what is new in the answers; return whether any answer is still being written."""
        self._take_new()
        if self._unsaved_chunks or self._unsaved_metadata:
            with transaction(connection):
                connection.executemany(
                    # In a file that has replaced the one where it began, the turn has no row.
                    "INSERT INTO chunks (conversation_id, response_id, text) SELECT ?1, ?2, ?3 "
                    "WHERE EXISTS (SELECT 1 FROM turns WHERE conversation_id = ?1 "
                    "AND response_id = ?2 AND state = 'open')",
                    self._unsaved_chunks,
                )
                connection.executemany(
                    "UPDATE turns SET metadata = ? "
                    "WHERE conversation_id = ? AND response_id = ? AND state = 'open'",
                    ((metadata, *key) for key, metadata in self._unsaved_metadata.items()),
                )
            self._unsaved_chunks.clear()
            self._unsaved_metadata.clear()
        return bool(self._drafts)

    def _take_new(self) -> None:
        # A busy store has `save` called again: what was taken is kept until it is committed.
        for (conversation_id, response_id), draft in list(self._drafts.items()):
            text, steps = draft.take_new()
            if text:
                chunk = (conversation_id, response_id, encode_text(text))
                self._unsaved_chunks.append(chunk)
            if steps:
                metadata = metadata_json(draft.turn, steps)
                self._unsaved_metadata[conversation_id, response_id] = metadata
