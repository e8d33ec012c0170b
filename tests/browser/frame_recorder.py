"""The frames of a cell as the browser paints them, and faults that a user would see in them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from cellmage.display.parts import CURSOR

_SCRIPT = (Path(__file__).parent / "frame_recorder.js").read_text()
_UNSEEN = re.compile(rf"[\s\u200a\u200b{CURSOR}]+")
_DELIMITER = re.compile(r"\\[()\[\]]|\$+|\\(?:begin|end)\b")
_JUMP_PX = 20
"""A column that becomes so much narrower, and wide again, jumps."""


@dataclass(frozen=True)
class PaintedFrame:
    """What a cell or an output shows at one moment.

    Args:
        seen: the text outside of formulas; of a diagram, its source, which the page has below it.
        prose: the part of it that is no code.
        formulas: the kind and the TeX of each formula.
        math_errors: the error boxes of MathJax.
        diagram_errors: the error boxes of Mermaid.
        tables: the width of each column of each table, in pixels.
        cells: the texts of the cells of all tables.
        height: the height in pixels.
    """

    seen: str
    prose: str
    formulas: list[list[str]]
    math_errors: list[str]
    diagram_errors: list[str]
    tables: list[list[int]]
    cells: list[str]
    height: int

    @property
    def text(self) -> str:
        """The text without blanks, without the cursor; the title of the reasoning is the last."""
        return strip_blanks(self.seen.replace("Thinking…", "Reasoning"))


class FrameRecorder:
    """Record the frames of a cell; make it before the page is opened.

    Args:
        page: the page of a notebook.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(_SCRIPT)

    def keep_sources(self) -> None:
        """Keep the TeX of all formulas from now on; this loads MathJax."""
        self._page.evaluate("recorder.keepSources()")

    def watch(self, cell: int) -> None:
        """Record the frames of a cell from now on."""
        self._page.evaluate(f"recorder.watch({cell})")

    def read_frames(self) -> list[PaintedFrame]:
        """Return the frames since `watch`, without those of an answer that has not begun."""
        frames = _make_frames(self._page.evaluate("recorder.frames"))
        return [frame for frame in frames if not frame.seen.startswith("thinking…")]

    def read_outputs(self, cell: int) -> list[PaintedFrame]:
        """Return a frame for each markdown output that the cell has now."""
        return _make_frames(self._page.evaluate(f"recorder.read({cell})"))


def _make_frames(values: Iterable[dict[str, Any]]) -> list[PaintedFrame]:
    return [PaintedFrame(**value) for value in values]


def strip_blanks(text: str) -> str:
    """Return the text without blanks, without the cursor."""
    return _UNSEEN.sub("", text)


def find_raw_delimiters(frames: Sequence[PaintedFrame]) -> list[str]:
    """Return ends of texts that show more delimiters of formulas than the last frame does."""
    final = Counter(_DELIMITER.findall(frames[-1].prose))
    return [f.prose[-60:] for f in frames if Counter(_DELIMITER.findall(f.prose)) - final]


def find_retracted(frames: Sequence[PaintedFrame]) -> list[str]:
    """Return ends of texts of which the next frame or the last one does not show everything."""
    pairs = pairwise(frames)
    return [
        before.text[-60:]
        for before, after in pairs
        if not after.text.startswith(before.text) or not frames[-1].text.startswith(before.text)
    ]


def find_jumps(frames: Iterable[PaintedFrame]) -> list[list[int]]:
    """Return the widths of each column that became narrower and wide again."""
    widths: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for frame in frames:
        for table, columns in enumerate(frame.tables):
            for index, width in enumerate(columns):
                widths[table, len(columns), index].append(width)
    return [series for series in widths.values() if _has_jump(series)]


def _has_jump(widths: Sequence[int]) -> bool:
    highest = lowest = widths[0]
    for width in widths:
        lowest = min(lowest, width)
        if highest - lowest > _JUMP_PX and width - lowest > _JUMP_PX:
            return True
        if width >= highest:
            highest = lowest = width
    return False
