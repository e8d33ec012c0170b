"""Turns that are added to a conversation, such as imported ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from uuid import uuid4

from ..turns import Turn


def with_id(turn: Turn) -> Turn:
    """Return the turn with an id for its response, by which turns are told apart."""
    if turn.response.id:
        return turn
    return replace(turn, response=replace(turn.response, id=uuid4().hex))


def find_new(turns: Iterable[Turn], existing: Iterable[Turn]) -> list[Turn]:
    """Return the turns whose responses are in none of the existing turns.

    Args:
        turns: turns that are to be added; each is returned with the attempts that are new, too.
        existing: the turns that are there.
    """
    present = {
        attempt.response.id for turn in existing for attempt in (turn, *turn.previous_attempts)
    }
    return [new for turn in turns for new in _only_new(turn, present)]


def _only_new(turn: Turn, present: set[str]) -> Iterator[Turn]:
    """Yield the turn if its response is not present, with those of its attempts that are not.

    A notebook with a copied cell has an answer twice. The ids are added to those that are present.
    """
    turn = with_id(turn)
    if turn.response.id not in present:
        present.add(turn.response.id)
        attempts = (new for old in turn.previous_attempts for new in _only_new(old, present))
        yield replace(turn, previous_attempts=tuple(attempts))
