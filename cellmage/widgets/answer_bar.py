"""The bars below the answers of cells: what each shows, and what a click on it does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..display.base import Display
from ..errors import CellmageError, UsageError
from ..fork_locks import make_rlock
from ..text import clean_message
from .answer_bar_state import Asker, Bar, Stoppable, describe
from .answer_outputs import OutputsDisplay, Parts
from .subshells import ButtonSupport

MAX_BARS = 200
"""How many cells have a bar: those that asked last."""


class AnswerBars:
    """All bars of a notebook.

    Messages of the page arrive on one thread, beside the cells. So no method waits: an answer is
    read on a thread of its own.

    Args:
        buttons: the way to the page.
        asker: asks again.
    """

    def __init__(self, buttons: ButtonSupport, asker: Asker) -> None:
        self._buttons = buttons
        self._asker = asker
        self._bars: dict[str, Bar] = {}
        self._sent: dict[str, Mapping[str, Any]] = {}
        self._lock = make_rlock()
        buttons.on_message(self._on_message)

    # For the prompts of cells.

    def begin(self, bar: Bar) -> None:
        """Show a bar with the button that stops its answers."""
        with self._lock:
            old = self._bars.pop(bar.cell_id, None)
            if old is not None and old.streams:
                bar.streams = [*old.streams, *bar.streams]
            self._bars[bar.cell_id] = bar
            for cell_id in list(self._bars)[:-MAX_BARS]:
                del self._bars[cell_id]
        self._refresh([bar])

    def end(self, key: str, text: str) -> None:
        """Show what can be done with an answer that has ended.

        Args:
            key: the id of the answer.
            text: the answer as it was received.
        """
        for bar in list(self._bars.values()):
            ids = [stream.id for stream in bar.streams]
            if key in ids:
                bar.streams = [] if bar.key == key else [s for s in bar.streams if s.id != key]
                bar.text = text if bar.key == key else bar.text
        self.refresh()

    def refresh(self) -> None:
        """Show what has changed in the conversations."""
        self._refresh(list(self._bars.values()))

    def clear(self) -> None:
        """Remove all bars."""
        with self._lock:
            self._bars.clear()
        self.refresh()

    # What the page shows.

    def _refresh(self, bars: Sequence[Bar]) -> None:
        if not self._buttons.is_known:
            return
        with self._lock:
            states = {bar.cell_id: describe(bar, self._asker) for bar in bars}
            news = [state for cell, state in states.items() if self._sent.get(cell) != state]
            removed = [cell for cell in self._sent if cell not in self._bars]
            self._sent.update(states)
            for cell in removed:
                del self._sent[cell]
            if news or removed:
                self._buttons.send({"type": "bars", "bars": news, "removed": removed})

    def _send_all(self, number: int | None = None) -> None:
        """Send all bars; to a page that has lost messages, also the outputs that they were about.

        Args:
            number: of the last message before the first one that the page has not received; None
                if the page is new, and shows what is in the file.
        """
        with self._lock:
            self._sent.clear()
            self._buttons.send({"type": "cells", "cells": list(self._bars)})
            bars = list(self._bars.values())
            self._refresh(bars)
        for bar in bars:
            if number is not None and bar.parts_number > number and not bar.streams:
                self._show(bar)

    # What the page sends.

    def _on_message(self, content: Mapping[str, Any]) -> None:
        if content.get("type") in ("here", "have"):
            number = content.get("number")
            self._send_all(number if isinstance(number, int) else None)
            return
        handle = self._HANDLERS.get(content.get("type"))
        bar = self._bars.get(str(content.get("cell")))
        if handle is None or bar is None:
            return
        try:
            handle(self, bar, content)
        except CellmageError as error:
            self._say(bar, str(error))

    def _on_stop(self, bar: Bar, content: Mapping[str, Any]) -> None:
        for stream in bar.streams:
            stream.close()
        self._asker.refuse()

    def _on_markdown(self, bar: Bar, content: Mapping[str, Any]) -> None:
        turn = self._asker.turn(bar)
        text = turn.response.text if turn else bar.text
        self._buttons.send({"type": "copy", "cell": bar.cell_id, "text": text})

    def _on_retry(self, bar: Bar, content: Mapping[str, Any]) -> None:
        self._start(bar, does_continue=False)

    def _on_continue(self, bar: Bar, content: Mapping[str, Any]) -> None:
        self._start(bar, does_continue=True)

    def _on_version(self, bar: Bar, content: Mapping[str, Any]) -> None:
        number = content.get("version")
        if bar.streams or not isinstance(number, int) or not 1 <= number <= len(bar.versions):
            return
        self._asker.restore(bar, bar.versions[number - 1])
        bar.key, bar.line = bar.versions[number - 1], ""
        self._show(bar)
        self.refresh()

    def _on_rest(self, bar: Bar, content: Mapping[str, Any]) -> None:
        if not bar.streams:
            self._show(bar)

    def _on_fork(self, bar: Bar, content: Mapping[str, Any]) -> None:
        self._say(bar, self._asker.fork(bar))

    _HANDLERS: Mapping[Any, Callable[[AnswerBars, Bar, Mapping[str, Any]], None]] = {
        "stop": _on_stop,
        "markdown": _on_markdown,
        "retry": _on_retry,
        "continue": _on_continue,
        "version": _on_version,
        "rest": _on_rest,
        "fork": _on_fork,
    }

    # Asking again.

    def _start(self, bar: Bar, does_continue: bool) -> None:
        """Ask on a thread of its own."""
        with self._lock:
            if bar.streams:
                raise UsageError("this answer arrives: stop it, or wait for its end")
            bar.streams, bar.line = [_Waiting()], ""
        self._refresh([bar])
        threading.Thread(
            target=self._work, args=(bar, does_continue), name="cellmage-bar", daemon=True
        ).start()

    def _work(self, bar: Bar, does_continue: bool) -> None:
        old, waiting = bar.key, bar.streams[0]
        key = old

        def on_stream(stream: Stoppable) -> None:
            nonlocal key
            bar.streams, key = [stream], stream.id
            bar.shown.add(key)
            if getattr(waiting, "is_closed", False):
                stream.close()

        def make_display(answer_id: str) -> Display:
            places = {"drop": [], "after": [old]} if does_continue else {"drop": [old], "after": []}
            return OutputsDisplay(
                answer_id, lambda parts: self._send(bar, answer_id, parts, places)
            )

        try:
            self._asker.ask(bar, does_continue, make_display, on_stream)
        except Exception as error:  # noqa: BLE001 - no cell runs that could show it
            bar.line = clean_message(f"{type(error).__name__}: {' '.join(str(error).split())}")
        finally:
            bar.streams = ()
            bar.key = key
            self._settle(bar, old, does_continue)
            self.refresh()

    def _settle(self, bar: Bar, old: str, does_continue: bool) -> None:
        """Show the turn as it is now, if that is not what has been shown."""
        turn = self._asker.turn(bar)
        if turn is None and bar.key != old:  # nothing has arrived: the old answer stays
            bar.key = old
            turn = self._asker.turn(bar)
            self._show(bar)
        elif does_continue and turn is not None:
            self._show(bar)
        bar.text = turn.response.text if turn else bar.text

    def _show(self, bar: Bar) -> None:
        """Show the turn of a bar in place of all that the cell may show of it."""
        turn = self._asker.turn(bar)
        if turn is None:
            return
        parts: dict[int, Any] = {}
        self._asker.show_turn(turn, OutputsDisplay(bar.key, parts.update))
        bar.shown.add(bar.key)
        self._send(bar, bar.key, parts, {"drop": sorted(bar.shown), "after": []})

    def _send(self, bar: Bar, answer_id: str, parts: Parts, places: Mapping[str, Any]) -> None:
        message = {"type": "parts", "cell": bar.cell_id, "id": answer_id, **places}
        bar.parts_number = self._buttons.send({**message, "parts": list(parts.items())})

    def _say(self, bar: Bar, line: str) -> None:
        """Show one line in a bar."""
        bar.line = clean_message(" ".join(line.split()))
        self._refresh([bar])


class _Waiting:
    """Stands for an answer that is not asked for yet."""

    id = ""
    is_closed = False

    def close(self) -> None:
        """Have the answer stopped when it is asked for."""
        self.is_closed = True
