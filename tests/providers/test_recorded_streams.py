"""Any cut of any recorded stream, in each API: the same events, and the same error.

The name of a file of tests/data/streams is that of its API, with what is in it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import CellmageError
from cellmage.events import Complete, Document, Event, Notice, Reasoning, Token, ToolCall
from cellmage.providers.apis import APIS
from tests.repetitions import repeat, sample
from tests.test_sse import cut

FOLDER = Path(__file__).parents[1] / "data" / "streams"
NAMES = sorted(path.stem for path in FOLDER.glob("*.sse"))
BY_NAME = pytest.mark.parametrize("name", NAMES)

# What must be in a stream of each name, so that the comparison is not one of nothing.
CONTENTS: dict[str, type] = {
    "text": Token, "crlf": Token, "whole": Token, "tools": ToolCall, "reasoning": Reasoning,
    "tags": Reasoning, "refusal": Complete, "search": Document, "error": Token, "cut": Token,
}  # fmt: skip


class Result(NamedTuple):
    """The events of a stream, and its error."""

    events: list[Event]
    error: str


def decode(name: str, pieces: list[bytes]) -> Result:
    decoder = APIS[name.partition("_")[0]].decoder(True, "text/event-stream")
    events: list[Event] = []
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
        events.extend(decoder.close())
    except CellmageError as error:
        return Result(events, f"{type(error).__name__} {error.kind}: {error}")
    return Result(events, "")


@cache
def read(name: str) -> tuple[bytes, Result]:
    data = (FOLDER / f"{name}.sse").read_bytes()
    return data, decode(name, [data])


@BY_NAME
def test_what_is_in_them(name: str) -> None:
    _, (events, error) = read(name)
    _, _, content = name.partition("_")
    assert bool(error) == content.startswith(("error", "cut"))
    kind = CONTENTS.get(content)
    assert kind is None or any(isinstance(event, kind) for event in events)
    if content == "refusal":
        assert any(
            (isinstance(event, Notice) and event.kind == "refusal")
            or (isinstance(event, Complete) and event.finish_reason == "refusal")
            for event in events
        )


@BY_NAME
@repeat(30)
@given(offsets=st.lists(st.integers(0, 10_000), max_size=30))
def test_any_cut_gives_the_same_events(name: str, offsets: list[int]) -> None:
    data, whole = read(name)
    assert decode(name, cut(data, [offset % len(data) for offset in offsets])) == whole


@BY_NAME
def test_pieces_of_one_byte(name: str) -> None:
    data, whole = read(name)
    assert decode(name, [bytes([byte]) for byte in data]) == whole


@pytest.mark.slow
@BY_NAME
def test_every_pair_of_pieces(name: str) -> None:
    data, whole = read(name)
    for size in sample(range(1, len(data)), 200):
        assert decode(name, [data[:size], data[size:]]) == whole


def test_every_api_has_its_streams() -> None:
    names = {name.partition("_")[0] for name in NAMES}
    assert {"chat", "responses", "messages"} <= names <= set(APIS)
