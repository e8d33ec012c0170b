"""One answer on its page: from the events of a stream to the last frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from ..display import LiveMarkdown, sanitize
from ..display.base import Ending, Surface
from ..display.panels import Panel
from ..display.parts import Frame
from ..display.tables import LiveTable
from ..events import Document, Event, Notice, Reasoning, Status, Token, ToolCall, ToolResult
from ..markdown.control_chars import strip_control_chars
from ..messages import Request, Response, Turn
from ..runtime.interrupts import interrupts_held, one_interrupt
from ..serialization import steps_to_record
from ..stats import stats_line
from ..stream.response_stream import ResponseStream
from ..tools import call_text

PACE = 0.01
"""Seconds between two looks at the stream: a fifth of a frame, so that no frame is late."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an answer is shown.

    Args:
        image_hosts: hosts whose images the page may load.
        stats: whether a line under the answer says how fast and how long it was.
        reader: for an answer that is a value: see `LiveTable`.
    """

    image_hosts: Collection[str] = ()
    stats: bool = False
    reader: Callable[[], Callable[[str], Any]] | None = None


class Showing:
    """Shows one answer while it arrives.

    Args:
        stream: the answer; it is read to its end here.
        surface: where it is shown.
        said: kinds of notices that this kernel has told, and need not tell again.
        look: how it is shown.
    """

    def __init__(
        self, stream: ResponseStream, surface: Surface, said: set[str], look: Look
    ) -> None:
        self._stream = stream
        self._surface = surface
        self._said = said
        self._look = look
        self._notices: list[Notice] = []
        self._documents: list[Document] = []
        self._calls: dict[str, Panel] = {}
        self._live = self._frames()
        self._fed = self._fed_aside = 0

    def _frames(self) -> LiveMarkdown | LiveTable:
        is_live = self._surface.is_live and self._stream.request.options.stream is not False
        safe = partial(sanitize, image_hosts=self._look.image_hosts)
        if self._look.reader is not None:
            return LiveTable(self._look.reader, is_live, safe)
        now, is_full = time.monotonic(), self._surface.is_full
        return LiveMarkdown(now, live=is_live, safe=safe, is_full=is_full)

    def run(self) -> Response:
        """Read, paint, and give the whole answer; on every way out the last frame is painted.

        Raises:
            KeyboardInterrupt: the same one that stopped us, with a traceback of one line.
            CellmageError: the answer failed.
        """
        with one_interrupt():
            batches = self._stream.batches(PACE)
            try:
                self._read(batches)
            except KeyboardInterrupt as interrupt:
                # It may have struck between two batches: tell the stream, so that it knows why.
                with suppress(KeyboardInterrupt):
                    batches.throw(interrupt)
                explain(interrupt, self._stream.response)
                raise
            finally:
                with interrupts_held():
                    self._finish(self._stream.response)
        return self._stream.response

    def _read(self, batches: Generator[list[Event]]) -> None:
        for batch in batches:
            for event in batch:
                if isinstance(event, Token):
                    self._feed(event.text)
                elif isinstance(event, Reasoning):
                    self._feed_aside(event.text)
                elif isinstance(event, Notice):
                    self._notices.append(event)
                elif isinstance(event, Document):
                    self._documents.append(event)
                elif isinstance(event, Status):
                    self._live.say(event.text)
                elif isinstance(event, ToolCall):
                    self._panel(event.id, Panel(call_text(event)))
                elif isinstance(event, ToolResult):
                    self._panel(event.id, Panel(self._title(event), event.content))
            paint(self._surface, self._live.due(time.monotonic()))

    def _feed(self, text: str) -> None:
        if text:
            self._calls.clear()  # further ones stand below it
        self._live.feed(text)
        self._fed += len(text)

    def _title(self, result: ToolResult) -> str:
        known = self._calls.get(result.id)
        return known.title if known else result.name

    def _panel(self, call: str, panel: Panel) -> None:
        self._calls[call] = panel
        self._live.insert(list(self._calls.values()))

    def _feed_aside(self, text: str) -> None:
        self._live.feed_aside(text)
        self._fed_aside += len(text)

    def _finish(self, response: Response) -> None:
        if response.steps:
            for call in response.steps[-1].calls:
                if call.id in self._calls:
                    self._panel(call.id, Panel(self._calls[call.id].title, call.result))
        # What had arrived when the reader was stopped, but was not read.
        self._feed(response.text[self._fed :])
        self._feed_aside(response.reasoning[self._fed_aside :])
        last, whole = self._live.last(), self._live.whole()
        facts = facts_of(self._stream.request, response)
        told = [*self._fresh(), *([stats_line(response)] if self._look.stats else [])]
        self._surface.finish(Ending(last, whole, facts, told, self._sources(response)))

    def _sources(self, response: Response) -> list[tuple[str, str]]:
        """What was found for the answer: titles and places."""
        found = self._documents if response.text else []
        return [(each.title, f"{each.source}:{each.line}".removesuffix(":0")) for each in found]

    def _fresh(self) -> list[str]:
        """What the reader should be told, and was not told before."""
        fresh = [notice.text for notice in self._notices if notice.kind not in self._said]
        self._said.update(notice.kind for notice in self._notices if notice.once)
        return fresh


def paint(surface: Surface, frames: Sequence[Frame]) -> None:
    """Show frames, and take an interrupt when they are shown.

    ipykernel waits for its output with `threading.Event`, whose lock an interrupt may leave taken:
    the kernel would then never show anything again. (Measured: 2 of 10 000 interrupts.)
    """
    if frames:
        with interrupts_held():
            surface.show(frames)


def repaint(turn: Turn, surface: Surface, image_hosts: Collection[str] = ()) -> None:
    """Show the answer of a turn once more, whole."""
    safe = partial(sanitize, image_hosts=image_hosts)
    live = LiveMarkdown(0.0, live=False, safe=safe, is_full=surface.is_full)
    live.feed_aside(turn.response.reasoning)
    for each in turn.response.steps:
        live.feed(each.text)
        live.insert([Panel(call_text(call), call.result) for call in each.calls])
    live.feed(turn.response.final_text)
    # Whoever reads the file finds this answer where it was given.
    facts = {"id": turn.response.id, "again": True}
    surface.finish(Ending(live.last(), live.whole(), facts, turn.response.notices))


def facts_of(request: Request, response: Response) -> dict[str, Any]:
    """What made this answer: enough to build the turn again from the notebook's file alone."""
    system = request.messages[0].content if request.messages[0].role == "system" else None
    facts = {
        "id": response.id,
        "model": response.model,
        "provider": response.provider,
        "finish_reason": response.finish_reason,
        "incomplete_reason": response.incomplete_reason,
        "usage": response.usage and _given(asdict(response.usage)),
        "prompt": request.messages[-1].content,
        "system": system,
        "continues": request.continues_id or None,
        "reasoning": response.reasoning or None,
        "notices": list(response.notices) or None,
        "steps": steps_to_record(response.steps) or None,
        # The output's text/plain has no control characters.
        "text": None if strip_control_chars(response.text) == response.text else response.text,
    }
    return _given(facts)


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def explain(interrupt: KeyboardInterrupt, response: Response) -> None:
    """Give an interrupt a traceback of one line."""
    kept = len(response.text)
    what = f"{kept} characters are kept as a partial answer" if kept else "no word had come"
    line = f"KeyboardInterrupt: stopped by you; {what}"
    interrupt._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
