"""Convert turns to plain data and back: for the store, for exports, and for a notebook's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields
from typing import Any

from .errors import UsageError
from .messages import CellRef, Document, Response, Timings, ToolInvocation, ToolStep, Turn, Usage

Record = Mapping[str, Any]

_TEXT_FIELDS = ("reasoning", "model", "provider", "finish_reason", "incomplete_reason", "id")
_CONVERTED_FIELDS = ("text", "usage", "timings", "steps", "sources")
_PLAIN_FIELDS = [field.name for field in fields(Response) if field.name not in _CONVERTED_FIELDS]


def response_to_record(response: Response) -> dict[str, Any]:
    """Return a response without its text, as JSON can hold it; empty fields are left out."""
    record: dict[str, Any] = {name: getattr(response, name) for name in _PLAIN_FIELDS}
    if response.usage:
        record["usage"] = [response.usage.input_tokens, response.usage.output_tokens]
        if response.usage.cached_tokens is not None:
            record["usage"].append(response.usage.cached_tokens)
    if response.timings:
        record["timings"] = list(astuple(response.timings))
    record["steps"] = steps_to_record(response.steps)
    record["sources"] = sources_to_record(response.sources)
    return {name: value for name, value in record.items() if value}


def steps_to_record(steps: Iterable[ToolStep]) -> list[Any]:
    """Return tool steps as lists: the text, then one list for each tool invocation."""
    return [
        [step.text, *([call.id, call.name, call.arguments, call.result] for call in step.calls)]
        for step in steps
    ]


def steps_from_record(record: Iterable[Any], text: str) -> tuple[ToolStep, ...]:
    """Return the tool steps of a record.

    Args:
        record: the lists that `steps_to_record` made.
        text: the text of the response; it must begin with the texts of the steps.

    Raises:
        TypeError: the record is malformed, or its texts do not match ``text``.
    """
    steps = tuple(
        ToolStep(as_text(step_text), tuple(ToolInvocation(*map(as_text, call)) for call in calls))
        for step_text, *calls in record
    )
    has_calls = all(step.calls for step in steps)
    if not has_calls or not text.startswith("".join(step.text for step in steps)):
        raise TypeError("its tool steps do not match its text")
    return steps


def sources_to_record(sources: Iterable[Document]) -> list[Any]:
    """Return sources as lists: title, address, line; the passages are not stored a second time."""
    return [[source.title, source.source, source.line] for source in sources]


def sources_from_record(record: Iterable[Any]) -> tuple[Document, ...]:
    """Return the sources of a record.

    Args:
        record: the lists that `sources_to_record` made.

    Raises:
        TypeError, ValueError: the record is malformed.
    """
    return tuple(
        Document(as_text(title), "", as_text(address), int(_number(line)))
        for title, address, line in record
    )


def response_from_record(text: str, record: Record) -> Response:
    """Return the response of a record that `response_to_record` made.

    Raises:
        TypeError, ValueError, AttributeError, IndexError: the record is malformed.
    """
    texts: dict[str, Any] = {name: as_text(record[name]) for name in _TEXT_FIELDS if name in record}
    counts = [_number(count) for count in record.get("usage", ())]
    seconds = [_number(value) for value in record.get("timings", ())]
    return Response(
        text,
        notices=tuple(as_text(notice) for notice in record.get("notices", ())),
        usage=Usage(*counts) if counts else None,
        timings=Timings(seconds[0], seconds[1] or 0.0, *seconds[2:]) if seconds else None,
        steps=steps_from_record(record.get("steps", ()), text),
        sources=sources_from_record(record.get("sources", ())),
        **texts,
    )


def turn_to_record(turn: Turn) -> dict[str, Any]:
    """Return a turn with everything that belongs to it, as JSON can hold it.

    Example:
        >>> turn = Turn("Hi", Response("Hello", model="m"), CellRef("c1", 0))
        >>> turn_to_record(turn)
        {'prompt': 'Hi', 'text': 'Hello', 'response': {'model': 'm'}, 'cell': ['c1', 0]}
        >>> turn_from_record(turn_to_record(turn)) == turn
        True
    """
    required = {
        "prompt": turn.prompt,
        "text": turn.response.text,
        "response": response_to_record(turn.response),
    }
    optional = {
        "cell": list(astuple(turn.cell)) if turn.cell else None,
        "stale": turn.stale,
        "system": turn.system,
        "previous_attempts": [turn_to_record(attempt) for attempt in turn.previous_attempts],
    }
    return required | {name: value for name, value in optional.items() if value}


def turn_from_record(record: Record) -> Turn:
    """Return the turn of a record that `turn_to_record` made.

    Raises:
        UsageError: the record does not describe a turn.
    """
    try:
        return Turn(
            as_text(record["prompt"]),
            response_from_record(as_text(record["text"]), record.get("response", {})),
            _cell(*record["cell"]) if record.get("cell") else None,
            bool(record.get("stale")),
            tuple(turn_from_record(attempt) for attempt in record.get("previous_attempts", ())),
            as_text(record.get("system", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise UsageError(f"this is not a record of a turn ({problem})") from None


def _cell(cell_id: Any, index: Any) -> CellRef:
    if not isinstance(index, int) or not 0 <= index < 2**31:
        raise TypeError(f"{index!r} is not the index of a question")
    return CellRef(as_text(cell_id), index)


def _number(value: Any) -> Any:
    if value is not None and not (isinstance(value, int | float) and abs(value) < 2**53):
        raise TypeError(f"{value!r} is not a number")
    return value


def as_text(value: Any) -> str:
    """Return a value that must be a text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
