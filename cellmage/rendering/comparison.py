"""Several answers on one page, side by side, and their figures below."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..display.base import Display, FinalOutput, Frame
from ..display.columns import LiveColumns
from ..display.tables import markdown_table
from ..display.text_table import format_columns
from ..errors import CellmageError
from ..events import Event, Kept, Reclassification, Status, Token
from ..markdown.safe import join_blocks
from ..messages import Response
from ..stats import UNKNOWN, response_stats
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from .kept import recording_line
from .metadata import answer_metadata
from .options import RenderOptions
from .paint_loop import POLL_SECONDS, paint, read_to_end

_LINE_CHARS = 78
"""Width of a terminal, at least, without the gap behind the last column."""

_LEAST_IMPORTANT = ("cached", "window", "reasoning", "chunks", "characters", "tokens/s")
"""The columns that are left out first where a line has no room."""


class ComparisonRenderer:
    """Show the answers of a comparison while they arrive.

    Args:
        comparison: the answers; they are read to their ends here.
        display: where they are shown.
        options: how they are shown.
    """

    def __init__(
        self, comparison: Comparison, display: Display, options: RenderOptions | None = None
    ) -> None:
        self._comparison = comparison
        self._display = display
        self._options = options or RenderOptions()
        requests = [stream.request for stream in comparison.streams]
        is_live = display.is_live and requests[0].options.stream is not False
        titles = [request.options.model or "" for request in requests]
        self._columns = LiveColumns(titles, is_live, self._options.sanitizer(display))
        self._text_sizes = [0] * len(requests)
        self._kept: set[int] = set()

    def render(self) -> None:
        """Read and paint; on every way out the last frame is painted, and the figures.

        Raises:
            KeyboardInterrupt: the one that stopped the answers, with a traceback of one line.
            CellmageError: the selected answer failed.
        """
        comparison = self._comparison
        read_to_end(
            comparison.batches(POLL_SECONDS),
            self._on_batch,
            self._finish,
            lambda: comparison.selected.response,
        )
        if error := comparison.errors.get(comparison.streams.index(comparison.selected)):
            raise error

    def _on_batch(self, batch: list[tuple[int, Event]]) -> None:
        for index, event in batch:
            if isinstance(event, Token):
                self._feed(index, event.text)
            elif isinstance(event, Reclassification):
                self._columns.restart(index)
                self._text_sizes[index] = 0
            elif isinstance(event, Kept) and event.is_told:
                self._kept.add(index)
            elif isinstance(event, Status):
                self._columns.set_status(index, event.text)
        paint(self._display, self._columns.frames_due(time.monotonic()))

    def _feed(self, index: int, text: str) -> None:
        if text and not self._text_sizes[index]:
            self._columns.set_status(index, "")
        self._columns.feed(index, text)
        self._text_sizes[index] += len(text)

    def _finish(self) -> None:
        for index, response in enumerate(self._comparison.responses):
            # After an interrupt the response may contain text that no batch did.
            self._feed(index, response.text[self._text_sizes[index] :])
            self._columns.end(index, response.incomplete_reason is None)
            self._columns.set_status(index, self._final_status(index, response))
        selected, columns = self._comparison.selected, self._columns.complete_frame()
        metadata = answer_metadata(selected.request, selected.response)
        # The output has the texts of all answers, so the metadata has the selected one's.
        metadata["text"] = selected.response.text
        table = self._figures()
        markdown = join_blocks(columns.markdown, table.markdown)
        complete_frame = Frame(0, columns.text + table.text, markdown, is_settled=True)
        self._display.finish(FinalOutput([columns, table], complete_frame, metadata))

    def _figures(self) -> Frame:
        """Return a table of the answers' figures, which marks the selected one."""
        rows = [self._figures_of(stream) for stream in self._comparison.streams]
        # A column that no provider has filled only makes the table wider than the page.
        names = [name for name in rows[0] if any(row[name] != UNKNOWN for row in rows)]
        rows = [{name: row[name] for name in names} for row in rows]
        fitted = _fit(rows)
        text = _format(fitted)
        return Frame(1, f"\n\n{text}", markdown_table(rows), is_settled=True, value=fitted)

    def _figures_of(self, stream: ResponseStream) -> dict[str, str]:
        stats = response_stats(stream.response)
        mark = "✓" if stream is self._comparison.selected else ""
        return {"model": stats.pop("model"), "kept": mark, **stats}

    def _final_status(self, index: int, response: Response) -> str:
        """Return the line below an answer at its end."""
        if error := self._comparison.errors.get(index):
            option = error.option if isinstance(error, CellmageError) else None
            return f"{type(error).__name__}: {self._options.spell(str(error), option)}"
        if response.incomplete_reason:
            return f"stopped: {response.incomplete_reason}"
        origin = [recording_line(response)] if index in self._kept else []
        return self._options.spell(" ".join([*response.notices, *origin]), "fresh")


def _fit(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return rows without the least important columns for which a terminal has no room."""
    fitted = [dict(row) for row in rows]
    for name in _LEAST_IMPORTANT:
        if len(max(_format(fitted).splitlines(), key=len)) <= _LINE_CHARS:
            break
        for row in fitted:
            row.pop(name, None)
    return fitted


def _format(rows: Sequence[Mapping[str, str]]) -> str:
    return format_columns([[*rows[0]], *([*row.values()] for row in rows)])
