"""The answers in the outputs of a saved cell: one answer is one text, however many outputs it has.

The metadata of an output says which part of which answer it is. The last part also says how the
answer was made, and of how many parts. A file that was saved while an answer arrived has the
settled parts, and the markdown of the open one with a cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..json_fields import as_id, as_list, as_text, read_field
from ..messages import Response, Usage
from ..serialization import response_from_record
from ..text import CURSOR

Metadata = Mapping[str, Any]

SAVED_EARLY = "saved"
"""Why an answer is incomplete that was still arriving when its notebook was saved."""

_NAMES = (
    "reasoning", "model", "provider", "finish_reason", "incomplete_reason", "id", "notices",
    "steps", "sources",
)  # fmt: skip


@dataclass
class SavedAnswer:
    """An answer in the outputs of a cell.

    Args:
        texts: the texts of the parts, in the order of the page.
        metadata: that of its outputs, as one.
    """

    texts: dict[Any, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """True if the file has its end: the last part alone has the prompt."""
        is_last_there = "prompt" in self.metadata or "part" not in self.metadata
        return is_last_there and not self.metadata.get("live")

    def add(self, output: Metadata, metadata: Metadata) -> None:
        """Add an output."""
        part = metadata.get("part")
        key = part if isinstance(part, int) else len(self.texts)
        self.texts[key] = _text_of(output["data"], bool(metadata.get("live")))
        self.metadata.update(metadata)

    def response(self) -> Response:
        """Return the answer as a response.

        Raises:
            UsageError: the metadata is not as it was written.
        """
        text = read_field(self.metadata, "text", as_text, "a text", "".join(self.texts.values()))
        record = {name: self.metadata.get(name) for name in _NAMES}
        usage = self.metadata.get("usage") or {}
        counts = [usage.get(count.name) for count in fields(Usage)]
        record["usage"] = counts if any(counts) else None
        if not self.is_whole:
            record["incomplete_reason"] = SAVED_EARLY
        present = {name: value for name, value in record.items() if value is not None}
        return response_from_record(text, present)


def read_answers(outputs: Iterable[Metadata]) -> Iterator[SavedAnswer]:
    """Yield the answers in the outputs of a cell, in their order.

    Raises:
        UsageError: an id is not a text.
    """
    answers: dict[str, SavedAnswer] = {}
    for output in outputs:
        metadata = output.get("metadata", {}).get("cellmage", {})
        if "id" in metadata and metadata.get("part") != "reasoning" and not metadata.get("again"):
            answer = answers.setdefault(as_id(metadata["id"]), SavedAnswer())
            answer.add(output, metadata)
    yield from answers.values()


def find_whole_ids(outputs: Iterable[Metadata]) -> set[str]:
    """Return the ids of the answers that the outputs of a cell show up to their ends."""
    answers = list(outputs)
    shown = (output.get("metadata", {}).get("cellmage", {}) for output in answers)
    # An answer without text has its end in the output of its reasoning.
    others = {own["id"] for own in shown if own.get("again") or own.get("of") == 0}
    return others | {each.metadata["id"] for each in read_answers(answers) if each.is_whole}


def _text_of(data: Metadata, is_live: bool) -> str:
    """Return the received text of a part; of one that was arriving, its markdown."""
    if not is_live:
        return join_lines(data.get("text/plain", ""))
    before, _, after = join_lines(data.get("text/markdown", "")).rpartition(CURSOR)
    return before + after


def join_lines(source: str | list[str]) -> str:
    """Return a text of a notebook's file, which may store it as a list of lines."""
    return source if isinstance(source, str) else "".join(as_list(source))
