"""Records as JSON can hold them, and back: for the store, and for files that are committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, replace
from functools import partial
from typing import Any, get_args

from ..errors import UsageError
from ..events import Complete, Event, Kept, Marks, ProviderState, Status
from ..json_fields import as_list, as_text, read_field
from ..messages import Response, Usage
from ..serialization import response_from_record, response_to_record
from .inputs import Input, Inputs
from .record import Record, TimedEvent

_EVENTS: Mapping[str, type[Any]] = {
    event.type: event for event in get_args(Event) if event not in (Kept, Marks, Status)
}


def record_to_json(
    record: Record, *, with_state: bool = False, with_times: bool = False
) -> dict[str, Any]:
    """Return a record as JSON can hold it; it contains no bytes of images and files.

    Args:
        record: the record.
        with_state: True keeps what the provider demands back, which is opaque.
        with_times: True keeps the times of the answer and of its events, which always differ.

    Example:
        >>> record = Record(Inputs((Input("prompt", "9f86", "Hi"),)), "Hi", Response("Hello"), "")
        >>> record_to_json(record)
        {'inputs': [['prompt', '9f86', 'Hi']], 'prompt': 'Hi', 'text': 'Hello'}
        >>> record_from_json(record_to_json(record)) == record
        True
    """
    response = record.response if with_state else _without_state(record.response)
    response = response if with_times else replace(response, timings=None)
    required = {
        "inputs": [[item.name, item.digest, item.words] for item in record.inputs.items],
        "prompt": record.prompt,
        "text": response.text,
    }
    optional = {
        "response": response_to_record(response),
        "asked_on": record.asked_on,
        "number": record.number if record.number > 1 else None,
        "cell": [record.cell_id, record.question] if record.cell_id else None,
        "events": [
            _event_to_json(timed, with_times)
            for timed in record.events
            if with_state or not isinstance(timed.event, ProviderState)
        ],
    }
    return required | {name: value for name, value in optional.items() if value}


def record_from_json(value: Any) -> Record:
    """Return the record of an object that `record_to_json` made.

    Raises:
        UsageError: the object does not describe a record.

    Example:
        >>> record_from_json({"inputs": 5})
        Traceback (most recent call last):
        ...
        cellmage.errors.UsageError: "inputs" is 5; it must be a list of [name, digest, words]
    """
    if not isinstance(value, dict):
        raise UsageError("a record is not an object")
    read = partial(read_field, value)
    inputs = read("inputs", _read_inputs, "a list of [name, digest, words]")
    text = read("text", as_text, "a text")
    cell_id, question = read("cell", _read_cell, "[cell id, number]", ("", 0))
    return Record(
        inputs,
        read("prompt", as_text, "a text"),
        response_from_record(text, read("response", _as_object, "an object", {})),
        read("asked_on", as_text, "a day", ""),
        read("number", _as_count, "a number", 1),
        cell_id,
        question,
        read("events", _read_events, "a list of events", ()),
    )


def _without_state(response: Response) -> Response:
    steps = tuple(replace(step, state=()) for step in response.steps)
    return replace(response, steps=steps, state=())


def _event_to_json(timed: TimedEvent, with_times: bool) -> list[Any]:
    """Return the type of an event, its fields that are not empty, and its time."""
    event = timed.event
    values = {
        item.name: _usage_to_json(value) if isinstance(value, Usage) else value
        for item in fields(event)
        if (value := getattr(event, item.name)) != item.default
    }
    return [event.type, values, *([round(timed.seconds, 3)] if with_times else [])]


def _usage_to_json(usage: Usage) -> dict[str, int]:
    return {name: count for name, count in asdict(usage).items() if count is not None}


def _read_event(value: Any) -> TimedEvent:
    name, values, *seconds = as_list(value)
    cls = _EVENTS.get(as_text(name))
    if cls is None:
        raise ValueError
    arguments = dict(_as_object(values))
    if cls is Complete and arguments.get("usage") is not None:
        counts = _as_object(arguments["usage"])
        arguments["usage"] = Usage(**{name: _as_count(count) for name, count in counts.items()})
    for item in fields(cls):
        _check_field(item.name, item.default, arguments)
    return TimedEvent(float(seconds[0]) if seconds else 0.0, cls(**arguments))


def _check_field(name: str, default: Any, values: Mapping[str, Any]) -> None:
    """Raise an error for a field of an event that is missing, or has another type."""
    if name not in values:
        if default is MISSING:
            raise ValueError
        return
    kind = _FIELD_TYPES.get(name, str)
    if not isinstance(values[name], kind):
        raise TypeError


_FIELD_TYPES: Mapping[str, type[Any]] = {
    "once": bool,
    "is_told": bool,
    "line": int,
    "usage": Usage,
}
"""The types of the fields of events that are no texts."""


def _read_events(value: Any) -> tuple[TimedEvent, ...]:
    return tuple(map(_read_event, as_list(value)))


def _read_inputs(value: Any) -> Inputs:
    return Inputs(tuple(map(_read_input, as_list(value))))


def _read_input(value: Any) -> Input:
    """Return an input; a notebook has thousands of them, so nothing is called for each text."""
    name, digest, words = as_list(value)
    if not (isinstance(name, str) and isinstance(digest, str) and isinstance(words, str)):
        raise TypeError
    return Input(name, digest, words)


def _read_cell(value: Any) -> tuple[str, int]:
    cell_id, question = as_list(value)
    return as_text(cell_id), _as_count(question)


def _as_count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value
