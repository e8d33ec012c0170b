"""One answer on its page: from the events of a stream to the last frame."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..display import LiveMarkdown
from ..display.base import Display, FinalOutput, LiveView
from ..display.footer import Source
from ..display.panels import Panel
from ..display.tables import LiveTable
from ..events import (
    Event,
    Kept,
    Notice,
    Reasoning,
    Reclassification,
    Status,
    Token,
    ToolCall,
    ToolResult,
)
from ..messages import Response
from ..once import Once
from ..runtime.interrupts import defer_interrupts
from ..stats import stats_line
from ..stream.accumulator import apply_reclassifications
from ..stream.response_stream import ResponseStream
from ..turns import Turn
from .calls import call_panel
from .kept import recording_line
from .marks import feed_marked, mark_lines, without_underlines
from .metadata import answer_metadata, turn_metadata
from .options import RenderOptions
from .paint_loop import POLL_SECONDS, paint, read_to_end

STALE_NOTICE = (
    "stale: an earlier turn was asked again after this answer. Run the cell again to renew it."
)


class AnswerRenderer:
    """Show one answer while it arrives.

    Args:
        stream: the answer; it is read to its end here.
        display: where it is shown.
        shown_notices: the kinds of the notices that are shown once, and were; None: no kind was.
        options: how it is shown.
    """

    def __init__(
        self,
        stream: ResponseStream,
        display: Display,
        shown_notices: Once | None = None,
        options: RenderOptions | None = None,
    ) -> None:
        self._stream = stream
        self._display = display
        self._shown_notices = shown_notices or Once()
        self._options = options or RenderOptions()
        self._events: list[Event] = []
        self._notices: list[Notice] = []
        self._panels: dict[str, Panel] = {}
        self._view = self._make_view()
        self._text_size = self._reasoning_size = 0

    def _make_view(self) -> LiveView:
        options = self._options
        is_live = self._display.is_live and self._stream.request.options.stream is not False
        if options.make_parser is not None:
            sanitize, write_panels = options.sanitizer(self._display), self._display.write_panels
            return LiveTable(options.make_parser, is_live, sanitize, write_panels)
        return _make_live_markdown(time.monotonic(), is_live, self._display, options)

    def render(self) -> Response:
        """Read and paint, and return the answer; on every way out the last frame is painted.

        Raises:
            KeyboardInterrupt: the one that stopped the stream, with a traceback of one line.
            CellmageError: the answer failed.
        """
        read_to_end(
            self._stream.batches(POLL_SECONDS),
            self._on_batch,
            self._finish,
            lambda: self._stream.response,
        )
        return self._stream.response

    def _on_batch(self, batch: list[Event]) -> None:
        for event in batch:
            self._events.append(event)
            if isinstance(event, Reclassification):
                self._restart(apply_reclassifications(self._events))
            else:
                self._on_event(event)
        paint(self._display, self._view.frames_due(time.monotonic()))

    def _restart(self, events: Sequence[Event]) -> None:
        """Show the answer anew, since a text that was shown is reasoning."""
        with defer_interrupts():
            self._display.restart()
        self._events, self._view = list(events), self._make_view()
        self._text_size = self._reasoning_size = 0
        self._notices.clear()
        self._panels.clear()
        for event in events:
            self._on_event(event)

    def _on_event(self, event: Event) -> None:
        match event:
            case Token():
                self._feed(event.text)
            case Reasoning():
                self._feed_reasoning(event.text)
            case Notice():
                self._notices.append(event)
            case Kept(is_told=True):
                line = recording_line(self._stream.response)
                self._notices.append(Notice("kept", line, option="fresh"))
            case Status(call_id=call_id) if call_id in self._panels:
                self._set_panel(call_id, self._panels[call_id]._replace(progress=event.text))
            case Status():
                self._view.set_status(event.text)
            case ToolCall():
                self._set_panel(event.id, call_panel(event))
            case ToolResult():
                panel = self._panels.get(event.id) or Panel(event.name)
                self._set_panel(event.id, panel._replace(body=event.content, progress=""))

    def _feed(self, text: str) -> None:
        if text:
            self._panels.clear()  # later panels are shown below this text
        self._view.feed(text)
        self._text_size += len(text)

    def _feed_reasoning(self, text: str) -> None:
        self._view.feed_reasoning(text)
        self._reasoning_size += len(text)

    def _set_panel(self, call_id: str, panel: Panel) -> None:
        self._panels[call_id] = panel
        self._view.set_panels(list(self._panels.values()))

    def _finish(self) -> None:
        response = self._stream.response
        is_marked = bool(response.marks) and self._display.can_replace
        if is_marked:
            self._show_marked(response)
        else:
            self._feed_unread(response)
            while self._view.catch_up():
                paint(self._display, self._view.frames_due(time.monotonic()))
        self._view.end(response.incomplete_reason is None)
        notices = [
            *self._new_notices(),
            *mark_lines(response.marks, response.text, is_shown=is_marked),
        ]
        if self._options.stats:
            notices.append(stats_line(response))
        final = FinalOutput(
            list(map(without_underlines, self._view.final_frames())),
            without_underlines(self._view.complete_frame()),
            answer_metadata(self._stream.request, response),
            notices,
            _sources(response) if response.text else [],
        )
        self._display.finish(final)

    def _show_marked(self, response: Response) -> None:
        """Show the answer anew, with its marks at their places."""
        self._display.restart()
        self._view = _make_live_markdown(time.monotonic(), False, self._display, self._options)
        feed_marked(self._view, response)

    def _feed_unread(self, response: Response) -> None:
        """Add what the response contains, but no batch did.

        The response is made of all events that were received. When an interrupt or an error ends
        the reading, the last of them are still in the queue between the threads; the page shall
        show the same text as the response that the conversation keeps.
        """
        if len(response.text) < self._text_size:  # a text that was shown is reasoning
            self._restart([Reasoning(response.reasoning), Token(response.text)])
        for call in response.steps[-1].calls if response.steps else ():
            if call.id in self._panels:
                self._set_panel(call.id, self._panels[call.id]._replace(body=call.result))
        self._feed(response.text[self._text_size :])
        self._feed_reasoning(response.reasoning[self._reasoning_size :])

    def _new_notices(self) -> list[str]:
        """Return the notices to show: all but those that are shown once, and were."""
        return [
            self._options.spell(notice.text, notice.option)
            for notice in self._notices
            if not notice.once or self._shown_notices.is_new(notice.kind)
        ]


def _make_live_markdown(
    now: float, is_live: bool, display: Display, options: RenderOptions
) -> LiveMarkdown:
    return LiveMarkdown(
        now,
        is_live=is_live,
        sanitize=options.sanitizer(display),
        write_panels=display.write_panels,
        should_freeze=display.should_freeze,
    )


def _sources(response: Response) -> list[Source]:
    return [
        Source(
            document.title,
            f"{document.source}:{document.line}".removesuffix(":0").removeprefix(":"),
            document.text,
        )
        for document in response.sources
    ]


def render_turn(
    turn: Turn, display: Display, options: RenderOptions | None = None, is_again: bool = True
) -> None:
    """Show the answer of an earlier turn again.

    Args:
        turn: the turn.
        display: where it is shown.
        options: how it is shown; a turn has no stats.
        is_again: True if the notebook's file has the answer in another place, with its metadata.
    """
    options = options or RenderOptions()
    view = _make_live_markdown(0.0, False, display, options)
    feed_marked(view, turn.response)
    view.end(turn.response.incomplete_reason is None)
    # A program that reads the file finds the complete metadata in the cell of the first time.
    again = {"id": turn.response.id, "again": True}
    final = FinalOutput(
        list(map(without_underlines, view.final_frames())),
        without_underlines(view.complete_frame()),
        again if is_again else turn_metadata(turn),
        [*turn.response.notices, *([STALE_NOTICE] if turn.stale else [])],
        _sources(turn.response),
    )
    display.finish(final)
