"""The rate law, and that all live views keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.display import Frame, LiveMarkdown
from cellmage.display.columns import LiveColumns
from cellmage.display.pacer import (
    FAST_MAX_CHARS_PER_SECOND,
    MAX_CHARS_PER_SECOND,
    MAX_PAGE_SHARE,
    MIN_INTERVAL_SECONDS,
    Pacer,
)
from cellmage.display.page_cost import FORMULA_MS, page_cost_ms
from cellmage.display.panels import Panel
from cellmage.display.parts import freeze_by_size, freeze_every_block
from cellmage.display.tables import LiveTable
from cellmage.stream.partial_json import NOTHING, PartialJSON
from tests.repetitions import repeat

Paint = tuple[float, list[Frame]]


@dataclass
class View:
    """A live view, and what can happen to it."""

    actions: dict[str, Callable[[str], None]]
    frames_due: Callable[[float], list[Frame]]


def panels_of(set_panels: Callable[[list[Panel]], None]) -> Callable[[str], None]:
    panels: list[Panel] = []

    def add(text: str) -> None:
        panels.append(Panel(text[:50], text))
        set_panels(panels)

    return add


def markdown_view(should_freeze: Callable[[float, float, int], bool]) -> View:
    live = LiveMarkdown(0.0, should_freeze=should_freeze)
    actions = {
        "text": live.feed,
        "reasoning": live.feed_reasoning,
        "status": live.set_status,
        "panels": panels_of(live.set_panels),
    }
    return View(actions, live.frames_due)


def columns_view() -> View:
    live = LiveColumns(["a", "b"], is_live=True, sanitize=str)
    actions = {
        "text": partial(live.feed, 0),
        "reasoning": partial(live.feed, 1),
        "status": partial(live.set_status, 0),
        "panels": partial(live.set_status, 1),
    }
    return View(actions, live.frames_due)


def make_parser() -> Callable[[str], object]:
    parser = PartialJSON()
    parser.feed("[")

    def parse(text: str) -> object:
        parser.feed("".join(f'{{"n": "{line}"}}, ' for line in text.split()))
        return None if parser.value is NOTHING else parser.value

    return parse


def table_view() -> View:
    live = LiveTable(make_parser, is_live=True, sanitize=str)
    actions = {
        "text": live.feed,
        "reasoning": live.feed_reasoning,
        "status": live.set_status,
        "panels": panels_of(live.set_panels),
    }
    return View(actions, live.frames_due)


VIEWS = {
    "page": partial(markdown_view, freeze_by_size),
    "terminal": partial(markdown_view, freeze_every_block),
    "columns": columns_view,
    "table": table_view,
}
PIECE = st.sampled_from(
    ["a", "word ", "one two three\n\n", "x" * 700, "line " * 3_000, "```\n", "$x^2$ and ", "$",
     "$$\n\\frac{a}{b}\n$$\n\n", "$a$ " * 200, "| $a$ | $b$ |\n" * 9, "\n```mermaid\nA\n```\n\n"]
)  # fmt: skip
ACTION = st.sampled_from(["text"] * 6 + ["reasoning", "status", "panels", "none"])
STREAM = st.lists(st.tuples(st.floats(0, 0.1), ACTION, PIECE), max_size=60)


def play(view: View, stream: list[tuple[float, str, str]]) -> list[Paint]:
    """Feed a stream of (wait in seconds, action, text), and return what was painted when."""
    now, paints = 0.0, []
    for wait, action, text in stream:
        now += wait
        if action != "none":
            view.actions[action](text)
        for moment in (now, now + wait / 2):
            if frames := view.frames_due(moment):
                paints.append((moment, frames))
            assert view.frames_due(moment) == [], "no frame without news"
        now += wait / 2
    return paints


def size(frames: list[Frame]) -> int:
    return sum(len(frame.markdown) for frame in frames)


def page_seconds(frames: list[Frame]) -> float:
    return sum(page_cost_ms(frame.markdown) for frame in frames) / 1000


def text_frames(chars: int) -> list[Frame]:
    return [Frame(0, "", "x" * chars)]


def check_law(paints: list[Paint]) -> None:
    """In any window: no more than the rates allow, and two frames, for one may be urgent."""
    times, sizes = [time for time, _ in paints], [size(frames) for _, frames in paints]
    costs = [page_seconds(frames) for _, frames in paints]
    totals, total_costs = [0, *accumulate(sizes)], [0.0, *accumulate(costs)]
    for last in range(1, len(paints)):
        for first in range(last):
            seconds = times[last] - times[first] + 1e-6
            two_frames = sizes[last - 1] + sizes[last]
            published = totals[last + 1] - totals[first]
            assert published <= MAX_CHARS_PER_SECOND * seconds + two_frames
            page_time = total_costs[last + 1] - total_costs[first]
            assert page_time <= MAX_PAGE_SHARE * seconds + costs[last - 1] + costs[last] + 1e-6
            assert last - first + 1 <= seconds / MIN_INTERVAL_SECONDS + 2


def split_at_text(paints: list[Paint]) -> tuple[list[Paint], list[Paint]]:
    """Split where the text begins and the reasoning is folded; that fold is not counted.

    The law begins again there, once in an answer: the first text does not wait for the reasoning.
    """
    for index, (time, frames) in enumerate(paints):
        text = [frame for frame in frames if frame.part >= 0]
        if text or frames[0].markdown.startswith("<details><summary>Reasoning"):
            first = [(time, text)] if text else []
            return paints[:index], [*first, *paints[index + 1 :]]
    return paints, []


@pytest.mark.parametrize("name", VIEWS)
@repeat(150)
@given(STREAM)
def test_every_view_keeps_the_law(name: str, stream: list[tuple[float, str, str]]) -> None:
    for paints in split_at_text(play(VIEWS[name](), stream)):
        check_law(paints)


@pytest.mark.parametrize("name", ["page", "columns", "table"])
def test_a_long_table_keeps_the_rate(name: str) -> None:
    """200 rows, 52 kB at 20 kB/s: a view without the law publishes 430 000 characters a second."""
    rows = [(0.0125, "text", "word" * 60 + " ") for _ in range(200)]
    paints = play(VIEWS[name](), rows)
    published = sum(size(frames) for _, frames in paints[:-1])
    assert published <= FAST_MAX_CHARS_PER_SECOND * paints[-1][0] + 1
    assert len(paints) > 5


def test_a_slow_text_has_the_full_rate() -> None:
    pacer = Pacer(interval=0.05, rate=1_000)
    pacer.record(0.0, text_frames(200))
    assert not pacer.is_due(0.19)
    assert pacer.is_due(0.2)


def test_formulas_cost_time() -> None:
    pacer = Pacer()
    pacer.record(0.0, [Frame(0, "", "$x$ " * 100)])
    assert not pacer.is_due(100 * FORMULA_MS / 1000 / MAX_PAGE_SHARE)
    assert pacer.is_due(1)


def test_costs_add_up() -> None:
    pacer = Pacer(interval=0.05, rate=1_000)
    pacer.record(0.0, text_frames(200))
    assert pacer.is_due(0.01, is_urgent=True)
    pacer.record(0.01, text_frames(300))
    assert not pacer.is_due(0.19, is_urgent=True), "the frame before the urgent one is not paid"
    assert pacer.is_due(0.2, is_urgent=True)
    assert not pacer.is_due(0.49)
    assert pacer.is_due(0.51)


def test_a_reset_forgets_the_cost() -> None:
    pacer = Pacer()
    pacer.record(0.0, text_frames(1_000_000))
    pacer.reset()
    assert pacer.is_due(0.0)
