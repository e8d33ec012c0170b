"""One question: from the text of a cell to the last frame on the page."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from ..display import LiveMarkdown, neutralise
from ..display.surfaces import Ending, Surface
from ..engine import interrupts_held, one_interrupt
from ..events import Event, Notice, Token
from ..messages import Request, Response
from ..stream import ResponseStream

_PACE = 0.01
"""Seconds between two looks at the stream: a fifth of a frame, so that no frame is late."""


class Showing:
    """Shows one answer while it arrives.

    Args:
        stream: the answer; it is read to its end here.
        surface: where it is shown.
        said: kinds of notices that were shown in this kernel; each is shown only once.
        image_hosts: hosts whose images the page may load.
    """

    def __init__(
        self,
        stream: ResponseStream,
        surface: Surface,
        said: set[str],
        image_hosts: Collection[str] = (),
    ) -> None:
        self._stream = stream
        self._surface = surface
        self._said = said
        self._notices: list[Notice] = []
        is_live = stream.request.options.stream is not False
        safe = partial(neutralise, image_hosts=image_hosts)
        self._live = LiveMarkdown(time.monotonic(), live=is_live, safe=safe)
        self._fed = 0

    def run(self) -> Response:
        """Read, paint, and give the whole answer; on every way out the last frame is painted.

        Raises:
            KeyboardInterrupt: the same one that stopped us, with a traceback of one line.
            CellmageError: the answer failed.
        """
        with one_interrupt():
            batches = self._stream.batches(_PACE)
            try:
                self._read(batches)
            except KeyboardInterrupt as interrupt:
                # It may have struck between two batches: tell the stream, so that it knows why.
                with suppress(KeyboardInterrupt):
                    batches.throw(interrupt)
                _explain(interrupt, self._stream.response)
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
                elif isinstance(event, Notice):
                    self._notices.append(event)
            self._surface.show(self._live.due(time.monotonic()))

    def _feed(self, text: str) -> None:
        self._live.feed(text)
        self._fed += len(text)

    def _finish(self, response: Response) -> None:
        # What had arrived when the reader was stopped, but was not read.
        self._feed(response.text[self._fed :])
        fresh = [notice.text for notice in self._notices if notice.kind not in self._said]
        self._said.update(notice.kind for notice in self._notices)
        if not (response.text or response.partial):
            why = response.finish_reason or "not given"
            fresh.append(f"The model sent no text (finish reason: {why}).")
        last = self._live.last()
        self._surface.finish(Ending(last, self._live.whole(), _metadata(response), fresh))


def _metadata(response: Response) -> dict[str, Any]:
    """What made this output, for whoever reads the notebook's file."""
    facts = {
        "model": response.model,
        "provider": response.provider,
        "finish_reason": response.finish_reason,
        "partial": response.partial,
        "usage": asdict(response.usage) if response.usage else None,
    }
    return {"cellmage": {name: value for name, value in facts.items() if value is not None}}


def _explain(interrupt: KeyboardInterrupt, response: Response) -> None:
    kept = len(response.text)
    what = f"{kept} characters are kept as a partial answer" if kept else "no word had come"
    line = f"KeyboardInterrupt: stopped by you; {what}"
    interrupt._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]


def describe(request: Request) -> str:
    """What would be sent, for ``--dry-run``."""
    options = asdict(request.options)
    options["params"] = options["params"] or None
    del options["system"]
    facts = [f"{name}: {value}" for name, value in options.items() if value is not None]
    messages = [f"[{message.role}]\n{message.content}" for message in request.messages]
    return "\n".join(["dry run; nothing was sent", *facts, *messages])
