"""Convert turns to plain data and back: for the store, for exports, and for a notebook's file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import astuple, fields, replace
from functools import partial
from typing import Any

from .content import Part, text_of
from .errors import UsageError
from .json_fields import (
    Record,
    as_bool,
    as_count,
    as_id,
    as_list,
    as_object,
    as_optional_count,
    as_seconds,
    as_text,
    read_field,
)
from .marks import marks_from_record, marks_to_record
from .messages import Document, ProviderState, Response, Timings, ToolInvocation, ToolStep, Usage
from .part_records import add_blobs, parts_from_record, parts_to_record
from .text import join_surrogates
from .turns import CellRef, Turn

_TEXT_FIELDS = (
    "reasoning",
    "model",
    "provider",
    "finish_reason",
    "incomplete_reason",
    "kept_from",
)
_MIN_COUNTS = 2
"""The counts of tokens that a record has at least: those of the request and of the answer."""

_CONVERTED_FIELDS = ("text", "usage", "timings", "steps", "sources", "state", "marks")
_PLAIN_FIELDS = [field.name for field in fields(Response) if field.name not in _CONVERTED_FIELDS]


def response_to_record(response: Response) -> dict[str, Any]:
    """Return a response without its text, as JSON can hold it; empty fields are left out."""
    record: dict[str, Any] = {name: getattr(response, name) for name in _PLAIN_FIELDS}
    if response.usage:
        record["usage"] = _usage_to_record(response.usage)
    if response.timings:
        record["timings"] = list(astuple(response.timings))
    record["steps"] = steps_to_record(response.steps)
    record["sources"] = sources_to_record(response.sources)
    record["state"] = state_to_record(response)
    record["marks"] = marks_to_record(response.marks)
    return {name: value for name, value in record.items() if value}


def _usage_to_record(usage: Usage) -> list[int | None]:
    """Return the counts in their order, without those at the end that are not known."""
    counts = list(astuple(usage))
    while len(counts) > _MIN_COUNTS and counts[-1] is None:
        counts.pop()
    return counts


def steps_to_record(steps: Iterable[ToolStep]) -> list[Any]:
    """Return tool steps as lists: the text, then one list for each tool invocation."""
    return [
        [step.text, *([call.id, call.name, call.arguments, call.result] for call in step.calls)]
        for step in steps
    ]


def _read_steps(text: str, value: Iterable[Any]) -> tuple[ToolStep, ...]:
    """Return the tool steps of a record; the text must begin with the texts of the steps."""
    steps = tuple(
        ToolStep(as_text(step_text), tuple(ToolInvocation(*map(as_text, call)) for call in calls))
        for step_text, *calls in value
    )
    has_calls = all(step.calls for step in steps)
    if not has_calls or not text.startswith("".join(step.text for step in steps)):
        raise ValueError("its tool steps do not match its text")
    return steps


def sources_to_record(sources: Iterable[Document]) -> list[Any]:
    """Return sources as lists: title, address, line; the passages are not stored a second time."""
    return [[source.title, source.source, source.line] for source in sources]


def state_to_record(response: Response) -> list[Any]:
    """Return the provider's state as lists: the number of its step, and the fields of the state.

    The state of the text after the last step has the number of the steps.
    """
    states = [*(step.state for step in response.steps), response.state]
    return [[index, *astuple(item)] for index, state in enumerate(states) for item in state]


def _with_state(response: Response, items: Iterable[tuple[int, ProviderState]]) -> Response:
    by_step: dict[int, list[ProviderState]] = {}
    for index, item in items:
        by_step.setdefault(index, []).append(item)
    steps = tuple(
        replace(step, state=tuple(by_step.get(index, ())))
        for index, step in enumerate(response.steps)
    )
    return replace(response, steps=steps, state=tuple(by_step.get(len(steps), ())))


def _read_state(value: Any) -> list[tuple[int, ProviderState]]:
    return [
        (as_count(index), ProviderState(*map(as_text, fields)))
        for index, *fields in map(as_list, as_list(value))
    ]


def response_from_record(text: str, record: Record) -> Response:
    """Return the response of a record that `response_to_record` made.

    Raises:
        UsageError: a field of the record has another type.
    """
    fields_to_read: dict[str, tuple[Callable[[Any], Any], str]] = {
        **_FIELDS,
        "steps": (partial(_read_steps, text), "the tool calls of its text"),
    }
    values = {
        name: read_field(record, name, *field)
        for name, field in fields_to_read.items()
        if name in record
    }
    state = read_field(record, "state", _read_state, "a list of states of a provider", ())
    response = Response(text, **values)
    return _with_state(response, state) if state else response


def turn_to_record(turn: Turn, blobs: MutableMapping[str, str]) -> dict[str, Any]:
    """Return a turn with everything that belongs to it, as JSON can hold it.

    Args:
        turn: the turn.
        blobs: receives the bytes of its images and files, as base64 by their digests.

    Example:
        >>> turn = Turn("Hi", Response("Hello", model="m"), CellRef("c1", 0))
        >>> turn_to_record(turn, {})
        {'prompt': 'Hi', 'text': 'Hello', 'response': {'model': 'm'}, 'cell': ['c1', 0]}
        >>> turn_from_record(turn_to_record(turn, {}), {}) == turn
        True
    """
    add_blobs(blobs, turn.parts)
    required = {
        "prompt": turn.prompt,
        "text": turn.response.text,
        "response": response_to_record(turn.response),
    }
    optional = {
        "cell": list(astuple(turn.cell)) if turn.cell else None,
        "stale": turn.stale,
        "system": turn.system,
        "previous_attempts": [turn_to_record(attempt, blobs) for attempt in turn.previous_attempts],
        "parts": parts_to_record(turn.parts),
    }
    return required | {name: value for name, value in optional.items() if value}


def turn_from_record(record: Record, blobs: Mapping[str, bytes]) -> Turn:
    """Return the turn of a record that `turn_to_record` made.

    Args:
        record: the record.
        blobs: the bytes of its images and files, by their digests.

    Raises:
        UsageError: the record does not describe a turn.

    Example:
        >>> turn_from_record({"prompt": 5, "text": "Hello"}, {})
        Traceback (most recent call last):
        ...
        cellmage.errors.UsageError: "prompt" is 5; it must be a text
    """
    record = read_field({"record": record}, "record", as_object, "an object")
    prompt = read_field(record, "prompt", as_text, "a text")
    parts = read_parts(record, prompt, blobs)
    return Turn(
        prompt,
        response_from_record(
            read_field(record, "text", as_text, "a text"),
            read_field(record, "response", as_object, "an object", {}),
        ),
        read_field(record, "cell", _read_cell, "[cell id, index]", None),
        read_field(record, "stale", as_bool, "true or false", False),
        read_field(
            record, "previous_attempts", partial(_read_attempts, blobs), "a list of turns", ()
        ),
        read_field(record, "system", as_text, "a text", ""),
        parts,
    )


def read_parts(record: Record, prompt: str, blobs: Mapping[str, bytes]) -> tuple[Part, ...]:
    """Return the parts of a question; none if it is a text alone.

    Raises:
        UsageError: they cannot be read, or the prompt is not their text.
    """
    read = partial(parts_from_record, find_blob=blobs.get)
    parts: tuple[Part, ...] = read_field(record, "parts", read, "texts, images and files", ())
    if parts and text_of(parts) != join_surrogates(prompt):
        raise UsageError("its images and files do not match its prompt")
    return parts


def _read_texts(value: Any) -> tuple[str, ...]:
    return tuple(map(as_text, as_list(value)))


def _read_usage(value: Any) -> Usage:
    return Usage(*map(as_optional_count, as_list(value)))


def _read_timings(value: Any) -> Timings:
    first, duration, *chunks = as_list(value)
    seconds = None if first is None else as_seconds(first)
    return Timings(seconds, as_seconds(duration), *map(as_count, chunks))


def _read_sources(value: Any) -> tuple[Document, ...]:
    return tuple(
        Document(as_text(title), "", as_text(address), as_count(line))
        for title, address, line in map(as_list, as_list(value))
    )


def _read_cell(value: Any) -> CellRef:
    cell_id, index = as_list(value)
    return CellRef(as_id(cell_id), as_count(index))


def _read_attempts(blobs: Mapping[str, bytes], value: Any) -> tuple[Turn, ...]:
    attempts = tuple(turn_from_record(record, blobs) for record in as_list(value))
    if any(attempt.previous_attempts for attempt in attempts):
        raise UsageError("previous attempts have previous attempts of their own")
    return attempts


_FIELDS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    **dict.fromkeys(_TEXT_FIELDS, (as_text, "a text")),
    "id": (as_id, "an id"),
    "notices": (_read_texts, "a list of texts"),
    "usage": (_read_usage, "a list of token counts"),
    "timings": (_read_timings, "[seconds, seconds, count]"),
    "marks": (marks_from_record, "a list of [start, end, kind, text, detail]"),
    "sources": (_read_sources, "a list of [title, address, line]"),
}
"""The fields of a response's record: how each is read, and what it is."""
