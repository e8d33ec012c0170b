"""A chat in the output of a cell: the conversation, a box for prompts, and buttons."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..display.base import Display
from ..display.outputs import publish_widget
from ..errors import CellmageError, UsageError
from ..fork_locks import make_rlock
from ..rendering import RenderOptions, render_turn
from ..text import clean_message, excerpt
from ..turns import Turn
from .approval_card import ApprovalCards
from .chat_entries import ChatLog, Entry, EntryDisplay, cut_question
from .chat_question import Question
from .chat_saved import FALLBACK, SavedConversation
from .chat_session import Session, Stoppable
from .chat_view import LogView, PromptView
from .subshells import act_beside_cells, close_whole

_WAITS = (
    "In this front end a click waits while a cell runs. JupyterLab 4.4 with ipykernel 7, or newer, "
    "takes it at once."
)
_RECALLED = 50
"""How many earlier prompts the Up key recalls."""


class ChatPanel:
    """A panel for one conversation.

    Messages of the page arrive on one thread, beside the cells where the page can do that. So no
    method waits: an answer is read on a thread of its own.

    Args:
        session: asks.
        options: how answers are shown.
        allowed: the names of the tools that may run without a question; it is added to.
        on_change: is called when the panel has changed the conversation, on any thread.
    """

    def __init__(
        self,
        session: Session,
        options: RenderOptions,
        allowed: set[str],
        on_change: Callable[[], object],
    ) -> None:
        from ipywidgets import VBox  # noqa: PLC0415 - 0.2 s

        self._session = session
        self._options = options
        self._on_change = on_change
        self._cards = ApprovalCards(place=self._show_card, allowed=allowed)
        self._log_view = LogView()
        self._prompt_view = PromptView(title=session.title, choices=dict(session.choices()))
        self._slot = VBox().add_class("cellmage-slot")
        self._widget = VBox([self._log_view, self._slot, self._prompt_view])
        self._widget.add_class("cellmage-chat")
        self._log = ChatLog(self._log_view.send)
        self._saved = SavedConversation()
        self._typed: dict[str, Question] = {}
        self._edited: tuple[str, Turn] | None = None
        self._stream: Stoppable | None = None
        self._is_stopped = False
        self._lock = make_rlock()
        self._log_view.on_msg(self._on_message)
        self._prompt_view.on_msg(self._on_message)
        act_beside_cells(self._widget)

    # For the magic.

    def show(self) -> None:
        """Publish the panel in the cell that runs, and the conversation so far."""
        publish_widget(self._widget, FALLBACK)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show the turns as they are now; cells may have changed them."""
        with self._lock:
            entries = [self._entry_of(turn) for turn in self._session.turns()]
            self._prompt_view.prompts = [
                self._question_of(entry.key, entry.question).prompt
                for entry in entries[-_RECALLED:]
            ]
            if self._stream is not None:
                return  # the answer that arrives has its place until its end
            self._log.set_entries(entries)
            self._session.run_in_cell(partial(self._saved.update, entries))

    def close(self) -> None:
        """Stop the answer that arrives, and remove the panel from its page."""
        self.stop()
        close_whole(self._widget)

    # What the page sends.

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        handle = self._HANDLERS.get(content.get("type") if isinstance(content, dict) else None)
        if handle is None:
            return
        try:
            handle(self, content)
        except CellmageError as error:
            self._say(str(error))

    def _on_show(self, content: Mapping[str, Any]) -> None:
        self._log.send_all()
        if threading.current_thread() is threading.main_thread():
            self._say(_WAITS)

    def _on_send(self, content: Mapping[str, Any]) -> None:
        text, edited = str(content.get("prompt", "")), self._edited
        if edited and edited[0] == "answer":
            self._leave_editing()
            self._session.edit(edited[1], text)
            self._on_change()
            return
        question = Question.read(content, self._prompt_view.settings)
        self._leave_editing()
        self._start(question, edited[1] if edited else None)

    def _on_retry(self, content: Mapping[str, Any]) -> None:
        turn = self._turn_of(content)
        question = self._question_of(turn.response.id, turn.prompt)
        self._start(question.with_settings(self._prompt_view.settings), turn)

    def _on_edit(self, content: Mapping[str, Any]) -> None:
        turn = self._turn_of(content)
        kind = "answer" if content.get("what") == "answer" else "question"
        text = self._question_of(turn.response.id, turn.prompt).prompt
        self._edited = kind, turn
        with self._prompt_view.hold_sync():
            self._prompt_view.title = f"You edit the {kind} of: {excerpt(turn.prompt)}"
            self._prompt_view.is_editing = True
        self._prompt_view.send(
            {"type": "draft", "text": turn.response.final_text if kind == "answer" else text}
        )

    def _on_cancel(self, content: Mapping[str, Any]) -> None:
        self._leave_editing()

    def _on_copy(self, content: Mapping[str, Any]) -> None:
        entry = self._log.get(str(content.get("key")))
        if entry is not None:
            self._log.tell({"type": "copy", "key": entry.key, "text": entry.text})

    def _on_new(self, content: Mapping[str, Any]) -> None:
        if self._stream is not None or self._prompt_view.is_busy:
            raise UsageError("an answer arrives: stop it before you begin a new conversation")
        self._leave_editing()
        self._session.begin()
        self._leave_editing()
        self.refresh()

    def _on_names(self, content: Mapping[str, Any]) -> None:
        names = self._session.find_names(str(content.get("text", "")))
        self._prompt_view.send({"type": "names", "names": list(names)})

    def stop(self, *_: Any) -> None:
        """Stop the answer that arrives; what has arrived stays."""
        self._is_stopped = True
        stream = self._stream
        if stream is not None:
            stream.close()
        self._cards.refuse()

    _HANDLERS: Mapping[Any, Callable[[ChatPanel, Mapping[str, Any]], None]] = {
        "show": _on_show,
        "send": _on_send,
        "retry": _on_retry,
        "edit": _on_edit,
        "cancel": _on_cancel,
        "copy": _on_copy,
        "new": _on_new,
        "names": _on_names,
        "stop": stop,
    }

    # Answers.

    def _start(self, question: Question, turn: Turn | None) -> None:
        """Ask on a thread of its own."""
        with self._lock:
            if self._prompt_view.is_busy:
                raise UsageError("an answer arrives: stop it, or wait for its end")
            self._prompt_view.is_busy = True
            self._prompt_view.line = ""
            self._is_stopped = False
        threading.Thread(
            target=self._session.run_in_cell,
            args=(partial(self._run, question, turn),),
            name="cellmage-chat",
            daemon=True,
        ).start()

    def _run(self, question: Question, turn: Turn | None) -> None:
        lines: list[str] = []

        def begin(stream: Stoppable) -> None:
            self._begin(stream, question, turn)

        try:
            with self._session.receive_lines(lines.append):
                self._session.ask(question, turn, self._make_display, self._cards, begin)
        except CellmageError as error:
            lines.append(f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - reported; the panel goes on
            lines.append(f"{type(error).__name__}: {error}")
        finally:
            self._end(question, lines)

    def _begin(self, stream: Stoppable, question: Question, turn: Turn | None) -> None:
        """Show the question; the answer follows."""
        live = Entry(stream.id, cut_question(question.prompt), is_live=True)
        replaced = turn.response.id if turn else None
        with self._lock:
            self._stream = stream
            self._typed[stream.id] = question
            entries = [live if e.key == replaced else e for e in self._log.entries]
            self._log.set_entries(entries if live in entries else [*entries, live])
        if self._is_stopped:
            stream.close()

    def _make_display(self, answer_id: str) -> Display:
        entry = self._log.get(answer_id)
        assert entry is not None
        return EntryDisplay(entry, self._log.send_parts)

    def _end(self, question: Question, lines: Sequence[str]) -> None:
        self._cards.refuse()  # %llm_stop stops the answer alone
        with self._lock:
            stream, self._stream = self._stream, None
            live = self._log.get(stream.id) if stream else None
            turn = next(
                (t for t in self._session.turns() if live and t.response.id == live.key), None
            )
            if live is not None and turn is not None:
                live.is_live, live.text = False, turn.response.text
                self._log.set_entries(self._log.entries, [live])
            self.refresh()
            if turn is None:
                self._prompt_view.send({"type": "draft", "text": question.prompt, "back": True})
            self._prompt_view.is_busy = False
            self._say(" ".join(lines))
            self._log.tell({"type": "end"})
        self._on_change()

    @contextmanager
    def _show_card(self, card: Any) -> Generator[None]:
        self._slot.children = (card,)
        self._log.tell({"type": "say", "text": "The model wants to run a tool: allow it or not."})
        try:
            yield
        finally:
            self._slot.children = ()

    # Turns as entries.

    def _entry_of(self, turn: Turn) -> Entry:
        shown = self._log.get(turn.response.id)
        if shown is not None and not shown.is_live and shown.is_stale == turn.stale:
            return shown
        question = self._question_of(turn.response.id, turn.question).prompt
        entry = Entry(
            turn.response.id,
            cut_question(question),
            is_stale=turn.stale,
            text=turn.response.text,
        )
        render_turn(turn, EntryDisplay(entry, lambda *_: None), self._options)
        return entry

    def _question_of(self, key: str, text: str) -> Question:
        """Return a question as it was typed here; one of a cell as it was sent."""
        return self._typed.get(key) or Question(text, is_sent=True)

    def _turn_of(self, content: Mapping[str, Any]) -> Turn:
        key = content.get("key")
        turn = next((t for t in self._session.turns() if t.response.id == key), None)
        if turn is None:
            raise UsageError("this answer is not in the conversation any more")
        return turn

    def _leave_editing(self) -> None:
        self._edited = None
        with self._prompt_view.hold_sync():
            self._prompt_view.title = self._session.title
            self._prompt_view.is_editing = False

    def _say(self, line: str) -> None:
        """Show one line below the box."""
        self._prompt_view.line = clean_message(" ".join(line.split()))
