"""Several answers on one page, side by side, and their figures below."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator
from contextlib import suppress
from functools import partial

from ..display import sanitize
from ..display.base import Ending, Surface
from ..display.columns import LiveColumns
from ..display.parts import Frame
from ..display.tables import table_of
from ..display.text_table import aligned
from ..events import Event, Status, Token
from ..messages import Response
from ..runtime.interrupts import interrupts_held, one_interrupt
from ..stats import figures
from ..stream.comparison import Comparison
from .answer import PACE, explain, facts_of, paint


class ShowingAll:
    """Shows the answers of a comparison while they arrive.

    Args:
        comparison: the answers; they are read to their ends here.
        surface: where they are shown.
        image_hosts: hosts whose images the page may load.
    """

    def __init__(
        self, comparison: Comparison, surface: Surface, image_hosts: Collection[str] = ()
    ) -> None:
        self._comparison = comparison
        self._surface = surface
        requests = [stream.request for stream in comparison.streams]
        is_live = surface.is_live and requests[0].options.stream is not False
        safe = partial(sanitize, image_hosts=image_hosts)
        self._columns = LiveColumns([each.options.model or "" for each in requests], is_live, safe)
        self._fed = [0] * len(requests)

    def run(self) -> None:
        """Read and paint; on every way out the last frame is painted, and the figures.

        Raises:
            KeyboardInterrupt: the same one that stopped us, with a traceback of one line.
            CellmageError: the answer that is kept has failed.
        """
        comparison = self._comparison
        with one_interrupt():
            batches = comparison.batches(PACE)
            try:
                self._read(batches)
            except KeyboardInterrupt as interrupt:
                with suppress(KeyboardInterrupt):
                    batches.throw(interrupt)
                explain(interrupt, comparison.selected.response)
                raise
            finally:
                with interrupts_held():
                    self._finish()
        if error := comparison.errors.get(comparison.streams.index(comparison.selected)):
            raise error

    def _read(self, batches: Generator[list[tuple[int, Event]]]) -> None:
        for batch in batches:
            for number, event in batch:
                if isinstance(event, Token):
                    self._feed(number, event.text)
                elif isinstance(event, Status):
                    self._columns.say(number, event.text)
            paint(self._surface, self._columns.due(time.monotonic()))

    def _feed(self, number: int, text: str) -> None:
        if text and not self._fed[number]:
            self._columns.say(number, "")
        self._columns.feed(number, text)
        self._fed[number] += len(text)

    def _finish(self) -> None:
        kept, responses = self._comparison.selected, self._comparison.responses
        for number, response in enumerate(responses):
            self._feed(number, response.text[self._fed[number] :])
            self._columns.say(number, self._end(number, response))
        whole = self._columns.whole()
        facts = facts_of(kept.request, kept.response) | {"text": kept.response.text}
        rows = [figures(each) | {"kept": "✓" if each.id == kept.id else ""} for each in responses]
        plain = aligned([tuple(rows[0]), *(tuple(each.values()) for each in rows)])
        table = Frame(1, f"\n\n{plain}", table_of(rows), is_settled=True)
        together = Frame(0, whole.text + table.text, f"{whole.markdown}\n\n{table.markdown}", True)
        self._surface.finish(Ending([whole, table], together, facts))

    def _end(self, number: int, response: Response) -> str:
        """What stands below an answer at its end."""
        if error := self._comparison.errors.get(number):
            return f"{type(error).__name__}: {error}"
        if response.incomplete_reason:
            return f"stopped: {response.incomplete_reason}"
        return " ".join(response.notices)
