"""Records as the lines of a file: one readable line an answer, sorted; no I/O.

A line that cannot be read is named and kept, so that nothing is lost that another release or a
merge has written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..errors import UsageError
from ..foreign_files import parse_json
from ..pipeline.redact import redact_text
from .json_form import record_from_json, record_to_json
from .record import Record

RecordId = tuple[str, int]
"""The key of an answer, and which of several with this key it is."""

_GIT_MARKER = re.compile(rb"(<{7}|={7}|>{7}|\|{7})( |$)")
"""A line that git writes around the two sides of a merge: both sides are used."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with the record that it contains."""

    data: bytes
    record: Record

    @property
    def id(self) -> RecordId:
        """What the answer is found by."""
        return id_of(self.record)

    @property
    def place(self) -> tuple[str, str, str, int]:
        """What the lines are sorted by: the versions of a prompt are neighbours."""
        response = self.record.response
        return self.record.prompt, response.model, *self.id


@dataclass
class Lines:
    """The lines of a file.

    Attributes:
        by_id: those with a record; of two with the same id the last.
        unread: those that cannot be read, as they were.
        problems: a sentence for each of these.
    """

    by_id: dict[RecordId, Line] = field(default_factory=dict)
    unread: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Return the file: the records in order, then the lines that cannot be read."""
        lines = sorted(self.by_id.values(), key=lambda line: line.place)
        return b"".join(data + b"\n" for data in (*(line.data for line in lines), *self.unread))

    def add(self, line: Line) -> None:
        """Add a line; if the file has the same answer, it keeps the line that it has."""
        old = self.by_id.get(line.id)
        if old is None or not _is_same_answer(old.record, line.record):
            self.by_id[line.id] = line


def id_of(record: Record) -> RecordId:
    """Return what an answer is found by."""
    return record.inputs.key, record.number


def parse_lines(data: bytes, name: str) -> Lines:
    r"""Return the lines of a file; one that cannot be read spoils no other.

    Args:
        data: the file.
        name: its name, for the problems.

    Example:
        >>> parse_lines(b'{"inputs": [], "text": 5}\n', "a.jsonl").problems
        ['line 1 of a.jsonl cannot be read: "text" is 5; it must be a text']
    """
    lines = Lines()
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = line.strip(b" \r")
        if not text or _GIT_MARKER.match(text):
            continue
        try:
            record = _read_line(text)
        except (UsageError, ValueError) as error:
            lines.unread.append(text)
            lines.problems.append(f"line {number} of {name} cannot be read: {_reason(error)}")
        else:
            lines.by_id[id_of(record)] = Line(text, record)
    return lines


def _read_line(text: bytes) -> Record:
    record = record_from_json(parse_json(text.decode()))
    date.fromisoformat(record.asked_on)
    return record


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UsageError) else "it is not complete JSON"


def make_line(record: Record, *, with_events: bool) -> Line:
    """Return the line of a record, without keys and secrets.

    Args:
        record: the record.
        with_events: True writes the events with their times, and what the provider demands back.
    """
    value = _without_secrets(record, with_events)
    ordered = {"key": record.inputs.key, "model": record.response.model, **value}
    text = json.dumps(ordered, ensure_ascii=False)
    # A half of a pair of surrogates becomes its escape in JSON.
    return Line(text.encode("utf-8", "backslashreplace"), record_from_json(json.loads(text)))


def _without_secrets(record: Record, with_events: bool) -> dict[str, Any]:
    value = record_to_json(record, with_state=with_events, with_times=with_events)
    if not with_events:
        value.pop("events", None)
    texts = "\n".join(_texts(value))
    if redact_text(texts) == texts:
        return value
    clean: dict[str, Any] = _redact(value)
    before, after = (
        (form["text"], form.get("response", {}).get("reasoning")) for form in (value, clean)
    )
    if before != after:  # the pieces of the answer contain the pieces of the secret
        clean.pop("events", None)
    return clean


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _redact(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {name: _redact(item) for name, item in value.items()}
    return [_redact(item) for item in value] if isinstance(value, list | tuple) else value


def _is_same_answer(old: Record, new: Record) -> bool:
    """Return whether an answer says what the older one says, and the older one has its events."""
    has_events = bool(old.events) or not new.events
    return has_events and _content_of(old) == _content_of(new)


def _content_of(record: Record) -> list[Any]:
    """Return what an answer says: not its times, its ids and its count of tokens."""
    response = record.response
    calls = [
        [call.name, call.arguments, call.result] for step in response.steps for call in step.calls
    ]
    return [response.text, response.incomplete_reason, calls]
