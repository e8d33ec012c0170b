from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellmage.display import CURSOR, Frame, LiveMarkdown, heal, sanitize
from cellmage.display.base import REASONING_PART, STATUS_PART
from cellmage.display.pacer import (
    FAST_MAX_CHARS_PER_SECOND,
    MAX_PAGE_SHARE,
    MIN_INTERVAL_SECONDS,
)
from cellmage.display.page_cost import page_cost_ms
from cellmage.display.parts import MAX_PARTS, MIN_PART_PAGE_MS, freeze_every_block
from cellmage.display.slices import SLICE_CHARS, find_slice_end
from cellmage.markdown.sanitize import is_too_long
from tests.rendered import PARSER, block_types, visible_text

# Waits in seconds, each with the piece that arrives after it, or None for a look at the clock.
TEXT = st.text(min_size=1) | st.sampled_from(
    ["\n\n", "word ", "**a** ", "- b\n", "```\n", "x" * 3000]
)
RUN = st.lists(st.tuples(st.floats(0, 0.2), st.none() | TEXT))

ANSWERS = Path(__file__).parents[1] / "data/answers"

REPEATS = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "stress" else 2
"""Lengths and examples of the slow tests; `make stress` takes more."""


class Page:
    """The page that results from the frames."""

    def __init__(self) -> None:
        self.parts: dict[int, Frame] = {}
        self.status = ""

    def show(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.part == STATUS_PART:
                self.status = frame.markdown
            else:
                self.parts[frame.part] = frame

    @property
    def text(self) -> str:
        return "".join(self.parts[number].text for number in sorted(self.parts))


@given(RUN)
def test_frames(run: list[tuple[float, str | None]]) -> None:
    """Order and reconstruction: a page shows the text so far, and at the end all of it."""
    live, page, interval = LiveMarkdown(now=0.0), Page(), MIN_INTERVAL_SECONDS
    now, text, painted = 0.0, "", []
    for wait, piece in run:
        now += wait
        if piece is not None:
            live.feed(piece)
            text += piece
        before = len(page.text)
        frames = live.frames_due(now)
        page.show(frames)
        if frames and frames[-1].part != STATUS_PART:
            painted.append((now, page.text))
            if heal(text, CURSOR) and frames[-1].text:
                assert text.startswith(page.text)
                # A frame contains the text so far, or adds a slice of it at least.
                assert len(page.text) == len(text) or len(page.text) >= before + SLICE_CHARS
    assert all(b[0] - a[0] >= interval - 1e-9 for a, b in pairwise(painted))
    assert all(b[1].startswith(a[1]) and a[1] != b[1] for a, b in pairwise(painted))
    page.show(live.final_frames())
    assert page.text == live.complete_frame().text == text


def test_the_first_text_is_due_at_once_and_news_when_the_interval_is_over() -> None:
    live = LiveMarkdown(now=0.0)
    live.feed("one ")
    assert [frame.text for frame in live.frames_due(0.0)] == ["one "]
    live.feed("two ")
    assert live.frames_due(0.049) == []
    assert [frame.text for frame in live.frames_due(0.05)] == ["one two "]
    assert live.frames_due(10) == [], "no frame without news"


@given(
    st.sampled_from(["$x$ ", "word ", "| $a$ | b |\n", "```mermaid\nA\n```\n"]), st.integers(1, 999)
)
def test_the_first_text_does_not_wait_for_the_reasoning(piece: str, count: int) -> None:
    live = LiveMarkdown(now=0.0)
    live.feed_reasoning("Well.\n\n" + piece * count)
    assert live.frames_due(0.0)
    live.feed("Text")
    assert live.frames_due(0.001)[-1].text == "Text"


@given(RUN)
def test_not_live(run: list[tuple[float, str | None]]) -> None:
    live, now = LiveMarkdown(now=0.0, is_live=False), 0.0
    for wait, piece in run:
        now += wait
        live.feed(piece or "")
        assert all(frame.part == STATUS_PART for frame in live.frames_due(now))
    assert live.final_frames()[-1].text == "".join(piece or "" for _, piece in run)


def test_text_that_arrives_at_once_is_shown_in_slices() -> None:
    """No frame adds more than it may, none of the text is lost, and the end is the same."""
    text = "".join(f"Paragraph **{number}** of <b>many</b>.\n\n" for number in range(400))
    live, page, sizes = LiveMarkdown(now=0.0), Page(), [0]
    live.feed(text)
    while frames := live.frames_due(len(sizes) * 1000.0):
        page.show(frames)
        sizes.append(len(page.text))
    assert page.text == text
    assert all(b - a <= SLICE_CHARS for a, b in pairwise(sizes))
    page.show(live.final_frames())
    assert visible_text("".join(frame.markdown for frame in page.parts.values())) == visible_text(
        sanitize(text)
    )


@pytest.mark.parametrize("unit", ["$a$ ", "$$\n\n", "> a\n\n", "<?x", "**a** "])
def test_text_of_many_marks_is_shown_in_smaller_slices(unit: str) -> None:
    """What a frame adds costs as much as a slice of ordinary text, or less."""
    text, marks = unit * 4_000, []
    while text:
        end = find_slice_end(text, "")
        marks.append(sum(not char.isalnum() and char not in "? " for char in text[:end]))
        text = text[end:]
    assert max(marks) <= 700


@pytest.mark.parametrize("text", ["$" * 1_000_000, "a " * 500_000])
def test_a_text_that_does_not_settle_has_few_slices(text: str) -> None:
    tail, slices = "", 0
    while len(tail) < len(text):
        tail += text[len(tail) :][: find_slice_end(text[len(tail) :], tail)]
        slices += 1
    assert slices < 100


def test_the_end_catches_up_in_slices() -> None:
    live, page, slices = LiveMarkdown(now=0.0), Page(), 0
    live.feed("word " * 4000)
    while live.catch_up():
        slices += 1
        page.show(live.frames_due(slices * 1000.0))
    assert 2 <= slices <= 20_000 // SLICE_CHARS
    page.show(live.final_frames())
    assert page.text == "word " * 4000


def test_waiting_line() -> None:
    live, statuses = LiveMarkdown(now=10.0), []
    for now in (10.1, 10.4, 10.5, 11.0, 11.2, 12.6, 13.0):
        statuses += [(now, frame.markdown) for frame in live.frames_due(now)]
    assert statuses == [
        (10.4, "*thinking…*"),
        (11.0, "*thinking… 1 s*"),
        (12.6, "*thinking… 2 s*"),
        (13.0, "*thinking… 3 s*"),
    ]
    live.feed("a")
    assert [frame.markdown for frame in live.frames_due(13.0)] == [f"a{CURSOR}"]


ANSWER = "\n\n".join(
    part
    for n in range(400)
    for part in (
        f"## Section {n}",
        f"Some **bold** text with `code` and a [link](https://example.org/{n}). " * 3,
        f"- item {n}\n\n- loose item {n}\n  1. inner\n\n  2. inner",
        f"```python\nprint({n})\n\nprint('<b>')\n```",
        f"| a | b |\n|---|---|\n| {n} | x |",
        f"$$\nx^{n}\n\n$$",
    )
)


def play(text: str, size: int, per_second: float) -> tuple[Page, list[int], LiveMarkdown]:
    """Show a text in pieces; return the page, the sizes of all frames, and the view."""
    live, page, sizes = LiveMarkdown(now=0.0), Page(), []
    for number, start in enumerate(range(0, len(text), size)):
        live.feed(text[start : start + size])
        frames = live.frames_due(number / per_second)
        page.show(frames)
        sizes += [len(frame.markdown) for frame in frames]
    page.show(live.final_frames())
    return page, sizes, live


def test_cost_grows_with_the_length_not_with_its_square() -> None:
    text = ANSWER[:80_000]
    _, sizes, _ = play(text, 4, 1000)
    assert sum(sizes) + len(text) <= 12 * len(text), "80 kB at 1 000 chunks a second"


def test_never_more_parts_than_a_cell_holds() -> None:
    page, _, _ = play(ANSWER * max(2, REPEATS // 2), 1000, 10)
    assert 5 < len(page.parts) <= MAX_PARTS


def test_a_text_that_arrives_faster_than_frames_ends_in_parts_of_the_usual_size() -> None:
    live, frames = LiveMarkdown(now=0.0), []
    live.feed(ANSWER[:80_000] * 4)
    while live.catch_up():
        frames += live.frames_due(0.0)
    live.end(True)
    frames += live.final_frames()
    assert "".join(frame.text for frame in frames if frame.is_settled) == ANSWER[:80_000] * 4
    assert max(len(frame.markdown) for frame in frames) < 80_000


def test_formulas_are_settled_early() -> None:
    """No frame has most of the formulas, and they stay a few outputs."""
    text = (ANSWERS / "texmath.md").read_text(encoding="utf-8")
    whole = page_cost_ms(text)
    for rate in (30, 100, 400):
        live, page, costs = LiveMarkdown(now=0.0), Page(), []
        for number, start in enumerate(range(0, len(text), 4)):
            live.feed(text[start : start + 4])
            frames = live.frames_due(number / rate)
            page.show(frames)
            costs += [page_cost_ms(frame.markdown) for frame in frames]
        assert 2 <= len(page.parts) <= 6
        assert max(costs) < 0.5 * whole
        assert sum(costs) <= 1000 * MAX_PAGE_SHARE * len(text) / 4 / rate + 0.4 * whole
        page.show(live.final_frames())
        assert page.text == text


def test_a_short_answer_with_formulas_is_one_part() -> None:
    text = (ANSWERS / "gptmath.md").read_text(encoding="utf-8")
    page, _, _ = play(text, 4, 100)
    assert len(page.parts) == 1


@pytest.mark.parametrize("block", ["```mermaid\nA-->B\n```\n\n" * 2, "$x^2$ and\n" * 80])
def test_a_dear_block_is_settled_before_the_text_goes_on(block: str) -> None:
    text = f"One.\n\n{block}\n\nTwo.\n\n" + "More and more words. " * 50
    page, _, _ = play(text, 4, 100)
    first, last = page.parts[0], page.parts[1]
    assert page_cost_ms(first.markdown) >= MIN_PART_PAGE_MS
    assert page_cost_ms(last.markdown) == 0


def test_a_block_that_cannot_be_split_is_painted_less_often() -> None:
    text = "```\n" + "x = 1  # a line of code\n" * 2000 + "```\n"
    page, sizes, _ = play(text, 4, 1000)
    assert len(page.parts) == 1
    assert sum(sizes) <= FAST_MAX_CHARS_PER_SECOND * (len(text) / 4 / 1000 + 1)


def test_a_table_of_many_rows_that_begins_the_open_part() -> None:
    rows = "".join(f"| {n} | some words |\n" for n in range(1000))
    text = f"# Title\n\n| a | b |\n|---|---|\n{rows}\nEnd.\n"
    page, _, _ = play(text, 40, 1000)
    assert page.text == text


def test_the_parts_look_like_the_whole() -> None:
    page, _, live = play(ANSWER, 40, 100)
    parts = [page.parts[number] for number in sorted(page.parts)]
    assert len(parts) > 3
    clean = sanitize(ANSWER)
    assert live.complete_frame().markdown == clean
    assert " ".join(visible_text(part.markdown) for part in parts) == visible_text(clean)
    types = [block_type for part in parts for block_type in block_types(part.markdown)]
    assert types == block_types(clean)


# Blocks that run across a freeze, or that another block decides the looks of.
BLOCK = st.sampled_from(
    ["Text.", "[a][1] and [b]", "[x][2] [^n]", "[1]: https://one.example 'T'", "[1]: https://late.x",
     "[b]: https://b.example", "[2]:\n  <https://two.example>", "[^n]: https://note.example",
     "[^m]: A note in words.", "1. one\n2. two", "3. three", "- tight\n- items",
     "- loose\n\n- items",     "  continued", "    indented", "> quote", "> > deep\n> [a][1]",
     "```\ncode [a][1]\n\nmore\n```",
     "~~~\n[1]: https://in.code\n~~~", "$$\nx\n\ny\n$$", "# [a][1]",
     "| [a][1] | b |\n|---|---|\n| c | d |",
     "***", "Under\n=====", "- a\n\n  [1]: https://in.item"]
)  # fmt: skip


@settings(max_examples=20 * REPEATS)
@given(st.lists(BLOCK, min_size=1, max_size=12), st.sampled_from(["\n\n", "\n\n\n"]))
def test_any_parts_look_like_the_whole(blocks_of_text: list[str], between: str) -> None:
    text = between.join(blocks_of_text) + "\n"
    live, page = LiveMarkdown(now=0.0, should_freeze=freeze_every_block), Page()
    for start in range(0, len(text), 5):
        live.feed(text[start : start + 5])
        frames = live.frames_due(float(start))
        assert all(frame.part >= len(page.parts) - 1 for frame in frames), "the frozen stay"
        page.show(frames)
    page.show(live.final_frames())
    parts = [PARSER.render(page.parts[number].markdown) for number in sorted(page.parts)]
    assert "".join(parts) == PARSER.render(sanitize(text))
    assert page.text == text


@given(RUN, RUN)
def test_reasoning_is_folded_above_the_text(reasoning: list[Any], run: list[Any]) -> None:
    live, page, now = LiveMarkdown(now=0.0), Page(), 0.0
    for wait, piece in reasoning:
        now += wait
        live.feed_reasoning(piece or "")
        for frame in live.frames_due(now):
            assert frame.part in (REASONING_PART, STATUS_PART)
            assert ("<details open>" in frame.markdown) == (frame.part == REASONING_PART)
    for wait, piece in run:
        now += wait
        live.feed(piece or "")
        page.show(live.frames_due(now))
    page.show(live.final_frames())
    thought, text = ("".join(piece or "" for _, piece in pieces) for pieces in (reasoning, run))
    folded = page.parts.pop(REASONING_PART, Frame(REASONING_PART, "", ""))
    assert (folded.text, page.text) == (thought, text)
    assert folded.markdown.startswith("<details><summary>") == bool(thought)
    assert live.complete_frame().text == text
    complete = live.complete_frame().markdown
    if is_too_long(text):
        return  # all blocks of one piece are escaped, not those of the other pieces
    # A text without special characters is published as it is, also with an open fence.
    html = PARSER.render(folded.markdown + sanitize(text)).replace("\n</code>", "</code>")
    assert PARSER.render(complete).replace("\n</code>", "</code>") == html


@pytest.mark.parametrize("open_thing", ["```\nx", "$$\nx", "- a", "<b", "\r```\rx", "\t<b>", "`a"])
def test_what_is_open_in_the_reasoning_ends_there(open_thing: str) -> None:
    live = LiveMarkdown(now=0.0)
    live.feed_reasoning(f"First.\n\n{open_thing}")
    live.feed("**Answer**")
    tokens = PARSER.parse(live.complete_frame().markdown)
    html = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert html == ["<details><summary>Reasoning</summary>", "</details>"]
    assert block_types(live.complete_frame().markdown)[-1] == "paragraph"
    assert visible_text(live.complete_frame().markdown).endswith("Answer")


def test_a_definition_at_the_end_reaches_every_part() -> None:
    text = "See [a][1].\n\n" + "word " * 900 + "\n\nAnd [b][1].\n\n[1]: https://one.example\n"
    page, _, _ = play(text, 50, 5)
    first, *_, last = (page.parts[number].markdown for number in sorted(page.parts))
    assert first.endswith("\n\n[1]: <https://one.example>")
    assert last.endswith("[1]: <https://one.example>\n")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_nothing_acts_however_it_is_cut(size: int) -> None:
    text = "![a][1]\n\n" + "text <q>x</q>\n\n" * 400 + "[1]: https://beacon.invalid/p\n"
    page, _, live = play(text, size, 1000)
    for markdown in [
        *(part.markdown for part in page.parts.values()),
        live.complete_frame().markdown,
    ]:
        assert "<q" not in markdown
        assert "![" not in markdown
