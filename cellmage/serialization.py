"""Turns as plain data, and back: for the store, for exports, and for a notebook's own file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields
from typing import Any

from .errors import UsageError
from .messages import Call, CellKey, Response, Round, Timings, Turn, Usage

Record = Mapping[str, Any]

_TEXTS = ("reasoning", "model", "provider", "finish_reason", "partial", "id")
_APART = ("text", "usage", "timings", "rounds")
_FIELDS = [each.name for each in fields(Response) if each.name not in _APART]


def response_record(response: Response) -> dict[str, Any]:
    """A response but for its text; what is empty is left out."""
    facts: dict[str, Any] = {name: getattr(response, name) for name in _FIELDS}
    if response.usage:
        facts["usage"] = [response.usage.input_tokens, response.usage.output_tokens]
        facts["usage"] += [response.usage.cached_tokens] * (
            response.usage.cached_tokens is not None
        )
    if response.timings:
        facts["timings"] = list(astuple(response.timings))
    facts["rounds"] = rounds_record(response.rounds)
    return {name: value for name, value in facts.items() if value}


def rounds_record(rounds: Iterable[Round]) -> list[Any]:
    """Rounds as plain data: each its text, and its calls."""
    return [
        [each.text, *([call.id, call.name, call.arguments, call.result] for call in each.calls)]
        for each in rounds
    ]


def rounds_of(record: Iterable[Any], text: str) -> tuple[Round, ...]:
    """The rounds that a record was made of; their texts begin the whole one."""
    rounds = tuple(
        Round(_text(said), tuple(Call(*map(_text, call)) for call in calls))
        for said, *calls in record
    )
    is_sound = all(each.calls for each in rounds)
    if not is_sound or not text.startswith("".join(each.text for each in rounds)):
        raise TypeError("its rounds do not fit its text")
    return rounds


def response_of(text: str, record: Record) -> Response:
    """The response that a record was made of."""
    facts: dict[str, Any] = {name: _text(record[name]) for name in _TEXTS if name in record}
    counts = [_number(each) for each in record.get("usage", ())]
    times = [_number(each) for each in record.get("timings", ())]
    return Response(
        text,
        notices=tuple(_text(each) for each in record.get("notices", ())),
        usage=Usage(*counts) if counts else None,
        timings=Timings(times[0], times[1] or 0.0, *times[2:]) if times else None,
        rounds=rounds_of(record.get("rounds", ()), text),
        **facts,
    )


def turn_record(turn: Turn) -> dict[str, Any]:
    """A turn with everything that belongs to it, as JSON can hold it.

    Example:
        >>> turn = Turn("Hi", Response("Hello", model="m"), CellKey("c1", 0))
        >>> turn_record(turn)
        {'prompt': 'Hi', 'text': 'Hello', 'response': {'model': 'm'}, 'key': ['c1', 0]}
        >>> turn_of(turn_record(turn)) == turn
        True
    """
    facts = {
        "prompt": turn.prompt,
        "text": turn.response.text,
        "response": response_record(turn.response),
        "key": list(turn.key) if turn.key else None,
        "stale": turn.stale,
        "system": turn.system,
        "earlier": [turn_record(each) for each in turn.earlier],
    }
    kept = ("prompt", "text", "response")
    return {name: value for name, value in facts.items() if value or name in kept}


def turn_of(record: Record) -> Turn:
    """The turn that a record was made of.

    Raises:
        UsageError: it is not a record of a turn.
    """
    try:
        return Turn(
            _text(record["prompt"]),
            response_of(_text(record["text"]), record.get("response", {})),
            _key(*record["key"]) if record.get("key") else None,
            bool(record.get("stale")),
            tuple(turn_of(each) for each in record.get("earlier", ())),
            _text(record.get("system", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        problem = f"{type(error).__name__}: {error}"
    raise UsageError(f"this is not a record of a turn ({problem})")


def _key(cell: Any, ordinal: Any) -> CellKey:
    if not isinstance(ordinal, int) or not 0 <= ordinal < 2**31:
        raise TypeError(f"{ordinal!r} is no ordinal")
    return CellKey(_text(cell), ordinal)


def _number(value: Any) -> Any:
    if value is not None and not (isinstance(value, int | float) and abs(value) < 2**53):
        raise TypeError(f"{value!r} is no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
