"""Long blocks: they look as a whole would, and a frame costs as much as its end."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cellmage.markdown.blocks import Block, Blocks
from cellmage.markdown.heal import heal
from cellmage.markdown.long_blocks import end_of_long_block, split_long_block
from cellmage.markdown.sanitize import MAX_LINES, sanitize
from tests.rendered import visible_text

ITEMS = {
    "tight": "- a & *b{n}* <c\n",
    "ordered": "{n}. a & b <c\n",
    "nested": "- a & b{n}\n  - x $5\n    1. y\n",
    "loose": "- a & b{n} <c\n\n  More *text* & so.\n\n",
    "code": "- a{n}:\n  ```py\n  x<b & 3\n\n  y\n  ```\n",
    "table": "| a & *b{n}* | `x<y` | $x$ |\n",
}

_LINES = ["a", "- a", "> a", "", "---", "|-|-|", "| a | b |", "# a", "[k]: https://x.y", "```",
          "~~~", "$$", "\\[", "x \\]", "<!--", "-->", "\\begin{align}", "`", "    a"]  # fmt: skip


def long_text(kind: str, count: int) -> str:
    head = "| a | b | c |\n|---|:-:|---|\n" if kind == "table" else ""
    items = (ITEMS[kind].replace("{n}", str(n + 1)) for n in range(count))
    return f"Before & so:\n\n{head}{''.join(items)}"


@pytest.mark.parametrize("kind", ITEMS)
def test_a_long_block_is_written_as_a_short_one(kind: str) -> None:
    """Its lines are those of shorter blocks, of which each is written as a whole."""
    lines = sanitize(long_text(kind, 300)).splitlines()
    short = sanitize(long_text(kind, 10)).splitlines()
    assert lines[: len(short)] == short
    assert len({re.sub(r"\d+", "", line) for line in lines}) == len(
        {re.sub(r"\d+", "", line) for line in short}
    )


@pytest.mark.parametrize("kind", ITEMS)
def test_pieces_stay_as_they_are_while_the_text_grows(kind: str) -> None:
    final = split_long_block(long_text(kind, 300))
    assert len(final) > 3
    for count in range(1, 300, 37):
        *complete, _ = split_long_block(long_text(kind, count))
        assert complete == final[: len(complete)]


@pytest.mark.parametrize("kind", ["tight", "loose", "table"])
def test_frames_of_a_long_block_are_right(kind: str) -> None:
    text = long_text(kind, 200)
    final = visible_text(sanitize(text)).replace(" ", "")
    for end in range(len(text) - 400, len(text), 23):
        assert final.startswith(visible_text(sanitize(heal(text[:end]))).replace(" ", ""))


@pytest.mark.parametrize("line", ["a & b <c\n", "> a & b <c\n", "# a & b\n", "[a]: x\n- b &\n"])
def test_what_has_no_pieces_is_plain_text(line: str) -> None:
    text = line * (MAX_LINES + 1)
    assert "<c" not in sanitize(text)
    code = "```py\n" + "x<y\n" * 500 + "```\n"
    assert f"\n{code}" in sanitize(text + code)


def test_a_list_in_a_fence_is_code() -> None:
    text = "```\n" + "- a & b\n" * 500
    assert sanitize(text) == f"{text}```\n"
    assert len(split_long_block(text)) == 1


@given(st.lists(st.sampled_from(_LINES), max_size=8), st.sampled_from(_LINES).filter(bool))
def test_one_more_line_changes_blocks_as_a_text_with_it(lines: list[str], line: str) -> None:
    before = Blocks("".join(f"{line}\n" for line in lines))
    last = before.last
    assume(last is None or not (last.is_open and last.kind == "fence"))
    before_line, expected = deepcopy(before), Blocks(before._text + line)
    after = before.with_line(line)
    assert [_key(block) for block in after.blocks] == [_key(block) for block in expected.blocks]
    assert after.labels == expected.labels
    assert [_key(b) for b in before.blocks] == [_key(b) for b in before_line.blocks], "unchanged"


def _key(block: Block) -> tuple[str, int, int, bool, str]:
    return block.kind, block.start, block.end, block.is_open, block.marker


def test_code_is_skipped_up_to_a_line_that_may_end_it() -> None:
    text = "```\n" + "a\n\n" * 1_000 + "```\nb\n"
    assert [(b.kind, b.start, b.end) for b in Blocks(text).blocks] == [
        ("fence", 0, len(text) - 2),
        ("paragraph", len(text) - 2, len(text)),
    ]


@pytest.mark.parametrize("kind", ITEMS)
def test_the_end_of_a_long_block_is_all_of_a_screen(kind: str) -> None:
    end = end_of_long_block(long_text(kind, 300))
    assert 64 <= len(end.splitlines()) <= 1_000
    assert end.endswith(long_text(kind, 300)[-40:])
    assert ("|---|" in end) == (kind == "table")


def test_a_long_run_of_tildes_is_no_fence_of_a_shorter_one() -> None:
    """A fence is looked for with all of its marks: a search for each number would take hours."""
    run = "~" * 100_000
    assert visible_text(sanitize(f"$$\n{run}")).replace(" ", "") == f"$${run}"
