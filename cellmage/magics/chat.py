"""``%llm_chat``: what its panel asks goes the way of ``%%llm``."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.conversation import Conversation
from ..display.base import Display
from ..display.select import is_captured, is_console, is_interactive
from ..errors import UsageError
from ..options import EFFORTS
from ..pipeline.tools import Approve
from ..rendering import RenderOptions
from ..stream.response_stream import ResponseStream
from ..turns import CellRef, Turn, chat_cell_id
from .completion_values import Sources
from .frontend import FrontEnd, print_line, send_lines_to
from .option_spelling import spell
from .parsing import declared
from .runner import PromptRunner
from .settings import Settings
from .store_messages import identify, print_store_messages
from .surfaces import Surface

if TYPE_CHECKING:
    from ..widgets.chat_panel import ChatPanel
    from ..widgets.chat_question import Question

_NO_PAGE = (
    "The chat panel needs a notebook page with widgets. Here, %%llm asks in the same conversation."
)
_NO_WIDGETS = "The chat panel needs anywidget; run: %pip install anywidget"
_MAX_NAMES = 200


class ChatSession:
    """Asks in one conversation, for a panel: see `cellmage.widgets.chat_panel.Session`.

    Args:
        shell: where the cells run.
        runner: runs the prompts.
        settings: the values for all that is left open.
        sources: the names that the menus offer.
        args: the flags of ``%llm_chat``.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        runner: PromptRunner,
        settings: Settings,
        sources: Sources,
        args: Namespace,
    ) -> None:
        self._shell = shell
        self._runner = runner
        self._settings = settings
        self._sources = sources
        self._args = args
        self._context = copy_context()
        self._front_end = replace(FrontEnd.of(shell), owns_cell=False, is_ambient=False)
        self._name: str | None = args.chat
        self._resume()

    def _resume(self) -> None:
        """Take up what is stored of the conversation; make one of this name if there is none."""
        chats, name = self._runner.chats, self._name or ""
        identify(chats, self._front_end, "never")
        chats.apply_store_setting(self._settings.store, self._front_end)
        loaded = dict(chats.by_name())
        has_turns = name in loaded and bool(loaded[name].turns)
        if not has_turns and self._settings.resume != "never" and self._is_stored(name):
            chats.resume(name)
        elif name not in loaded:
            chats.create(name)
            chats.apply_store_setting(self._settings.store, self._front_end)
        print_store_messages(chats)

    def _is_stored(self, name: str) -> bool:
        """Return whether turns are stored; those of a folder may be of any notebook in it."""
        chats = self._runner.chats
        return chats.notebook is not None and bool(
            dict(chats.store.count_by_chat(chats.scope())).get(name)
        )

    @property
    def title(self) -> str:
        """The name of the conversation, as the panel shows it."""
        return f"Chat {self._name}" if self._name else "The chat of this notebook"

    @property
    def _chat(self) -> Conversation:
        return self._runner.chats.get(self._name)

    def turns(self) -> Sequence[Turn]:
        """Return the turns of the conversation."""
        return self._chat.turns

    def ask(
        self,
        question: Question,
        turn: Turn | None,
        make_display: Callable[[str], Display],
        approve: Approve,
        on_stream: Callable[[ResponseStream], object],
    ) -> None:
        """Ask, and read the answer to its end.

        Args:
            question: the question.
            turn: the turn that it replaces; None adds one.
            make_display: returns where the answer of this id is shown.
            approve: decides about tool calls.
            on_stream: is called with the answer before the request is sent.

        Raises:
            CellmageError: nothing was sent, or the answer failed.
        """
        if turn is not None and turn.parts and question.is_sent:
            raise UsageError(
                "the images and files of this question are not at hand: edit it, attach them "
                "again, and send it"
            )
        cell = turn.cell if turn else None
        surface = Surface(
            self._front_end, cell or self._next_cell(), make_display, approve, on_stream
        )
        args = self._arguments(question, cell is None)
        try:
            self._runner.run(args, question.prompt, {}, surface)
        finally:
            self._runner.approval.end_cell()  # what was allowed for a cell was for this answer

    def _next_cell(self) -> CellRef:
        """Return a question of this panel's own cell, after all others."""
        cell_id = self._front_end.cell_id or self._front_end.run_id
        return CellRef(chat_cell_id(cell_id), time.time_ns() // 1_000_000)

    def _arguments(self, question: Question, is_new: bool) -> Namespace:
        """Return the flags of ``%%llm`` that a question has."""
        args = declared["llm"].parse_args([])
        chosen = {
            **{name: value for name, value in vars(self._args).items() if value is not None},
            **question.settings,
            "chat": self._name,
            "attach": list(question.attach) or None,
            "append": is_new,
        }
        if question.is_sent:
            chosen["interpolate"] = False
        vars(args).update(chosen)
        return args

    def edit(self, turn: Turn, text: str) -> None:
        """Replace the answer of a turn."""
        ids = [other.response.id for other in self._chat.turns]
        self._chat.history.edit(ids.index(turn.response.id) + 1, text)

    def begin(self) -> None:
        """Go on in a new conversation, with the next free name."""
        chats = self._runner.chats
        taken = {name for name, _, _ in chats.summaries()} | {name for name, _ in chats.by_name()}
        self._name = next(
            name for name in map("chat-{}".format, range(2, len(taken) + 3)) if name not in taken
        )
        chats.create(self._name)
        chats.apply_store_setting(self._settings.store, self._front_end)

    # Menus.

    def choices(self) -> Mapping[str, Any]:
        """Return what the menus offer, and the values that are in force without a choice."""
        return {
            "model": self._values("model", ""),
            "persona": self._values("persona", ""),
            "effort": list(EFFORTS),
            "default": {
                name: _text(getattr(self._args, name, None) or getattr(self._settings, name))
                for name in ("model", "persona", "temperature", "effort")
            },
        }

    def find_names(self, fragment: str) -> Sequence[str]:
        """Return the variables and files that may be attached."""
        return self._values("attach", fragment)

    def _values(self, flag: str, fragment: str) -> list[str]:
        actions = declared["llm"]._actions
        action = next(action for action in actions if action.dest == flag)
        values = self._sources.values(action, 0, fragment, ())
        return [value for value, _ in islice(values, _MAX_NAMES)]

    # The page.

    def run_in_cell(self, function: Callable[[], object]) -> None:
        """Call a function; what it publishes belongs to the cell of the panel.

        ipykernel keeps the cell of an output in context variables. Two threads cannot be in one
        context at a time.
        """
        self._context.copy().run(function)

    def receive_lines(self, receive: Callable[[str], object]) -> AbstractContextManager[object]:
        """Let a function receive the lines that are printed in the block."""
        return send_lines_to(receive)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


class ChatPanels:
    """The panels of a notebook, one for each cell that shows one.

    Args:
        shell: where the cells run.
        runner: runs the prompts.
        settings: the values for all that is left open.
    """

    def __init__(self, shell: InteractiveShell, runner: PromptRunner, settings: Settings) -> None:
        self._shell = shell
        self._runner = runner
        self._settings = settings
        self._panels: dict[str, ChatPanel] = {}

    def open(self, args: Namespace, sources: Sources) -> None:
        """Show a panel below the cell that runs; one line where no page can show it."""
        if not _has_page(self._shell):
            print_line(_NO_PAGE)
            return
        try:
            from ..widgets.chat_panel import ChatPanel  # noqa: PLC0415 - 0.2 s
        except ImportError:
            print_line(_NO_WIDGETS)
            return
        session = ChatSession(self._shell, self._runner, self._settings, sources, args)
        options = RenderOptions(image_hosts=self._settings.image_hosts, spell_option=spell)
        panel = ChatPanel(session, options, self._runner.approval.allowed, self.refresh)
        place = FrontEnd.of(self._shell).cell_id or ""
        if not self._panels:
            self._shell.events.register("post_run_cell", self.after_run)
        if place in self._panels:
            self._panels[place].close()
        self._panels[place] = panel
        panel.show()

    def after_run(self, result: Any) -> None:
        """Show what a cell has changed in the conversation."""
        self.refresh()

    def refresh(self) -> None:
        """Show in each panel what its conversation is now."""
        for panel in list(self._panels.values()):
            panel.refresh()

    def close(self) -> None:
        """Remove all panels."""
        if self._panels:
            self._shell.events.unregister("post_run_cell", self.after_run)
        for panel in self._panels.values():
            panel.close()
        self._panels.clear()


def _has_page(shell: InteractiveShell) -> bool:
    """Return whether a page with widgets may show the output of the running cell."""
    is_page = hasattr(shell, "kernel") and is_interactive(shell)
    return is_page and not is_captured(shell) and not is_console(shell)
