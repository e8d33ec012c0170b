"""What a conversation must contain, as a plain list: the model of test_sequences.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cellmage import CellRef, Response, Turn


@dataclass
class Entry:
    """A turn of the plain list; its previous attempts are only their texts."""

    cell: CellRef | None
    prompt: str
    text: str
    incomplete_reason: str | None
    stale: bool = False
    previous_texts: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, turn: Turn) -> Entry:
        """Return the entry that a turn must equal."""
        response = turn.response
        previous_texts = [attempt.response.text for attempt in turn.previous_attempts]
        return cls(
            turn.cell,
            turn.prompt,
            response.text,
            response.incomplete_reason,
            turn.stale,
            previous_texts,
            tool_results(response),
        )


def tool_results(response: Response) -> list[str]:
    return [call.result for step in response.steps for call in step.calls]


class PlainHistory:
    """A list of entries, and the rules for its changes, written as plainly as possible."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self.entries)

    def commit(self, turn: Turn, replace_turn: bool) -> None:
        """Put a turn where it belongs; a turn without content changes nothing."""
        if not turn.response.has_content:
            return
        entry = Entry.of(turn)
        index, exists = self.position(turn.cell if replace_turn else None)
        if exists:
            old = self.entries[index]
            entry.previous_texts = [*old.previous_texts, old.text]
            self.entries[index] = entry
        else:
            self.entries.insert(index, entry)
        siblings = [] if exists else [sibling for _, sibling in self._of_cell(turn.cell)]
        for later in self.entries[index + 1 :]:
            later.stale = later.stale or later not in siblings

    def position(self, cell: CellRef | None) -> tuple[int, bool]:
        """Return the index of this question's turn, and whether there is one already."""
        same = [index for index, entry in self._of_cell(cell) if entry.cell == cell]
        if same:
            return same[-1], True
        before = [
            index
            for index, entry in self._of_cell(cell)
            if cell and entry.cell and entry.cell.precedes(cell)
        ]
        return (before[-1] + 1 if before else len(self.entries)), False

    def _of_cell(self, cell: CellRef | None) -> Iterable[tuple[int, Entry]]:
        for index, entry in enumerate(self.entries):
            if cell and entry.cell and entry.cell.cell_id == cell.cell_id:
                yield index, entry

    def continue_last(self, response: Response) -> None:
        """Add an answer to the last one, which was cut."""
        if response.text:
            self.entries[-1].text += response.text
            self.entries[-1].incomplete_reason = response.incomplete_reason

    def restore(self, index: int, attempt_index: int, turn: Turn) -> None:
        """Replace an entry by the turn of one of its previous attempts."""
        old = self.entries[index]
        texts = [*old.previous_texts, old.text]
        text = texts.pop(attempt_index)
        assert turn.response.text == text
        entry = Entry.of(turn)
        entry.stale, entry.previous_texts = False, texts
        self.entries[index] = entry

    def drop_from(self, cell: CellRef) -> None:
        """Drop a cell's entries from this question on."""
        dropped = {
            index
            for index, entry in self._of_cell(cell)
            if entry.cell == cell or (entry.cell and cell.precedes(entry.cell))
        }
        self.entries = [entry for index, entry in enumerate(self.entries) if index not in dropped]
