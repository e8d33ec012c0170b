"""The bars of the answers of cells: Retry and Continue go the way of ``%%llm``."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.conversation import Conversation
from ..display.base import Display
from ..display.late_update import call_when_idle
from ..display.select import is_interactive
from ..errors import UsageError
from ..rendering import RenderOptions, render_turn
from ..stream.response_stream import ResponseStream
from ..turns import CellRef, Turn
from .frontend import FrontEnd, print_line, send_lines_to
from .option_spelling import spell
from .parsing import declared
from .surfaces import Surface

if TYPE_CHECKING:
    from ..widgets.answer_bar import AnswerBars
    from ..widgets.answer_bar_state import Bar
    from .conversations import ConversationRegistry
    from .settings import Settings
    from .tool_approval import ToolApproval

_OTHER_PAGES = "vscode-"
"""How cell ids begin of pages that do not load the JavaScript, but ask the user about it."""

NO_FOLLOW = (
    "--follow has no effect here: only a page with buttons below its answers can be scrolled "
    "(JupyterLab 4.4, Notebook 7.4 or newer; %llm_config --bar True)."
)


class Runner(Protocol):
    """Runs prompts: see `cellmage.magics.runner.PromptRunner`."""

    chats: ConversationRegistry
    approval: ToolApproval

    def run(
        self, args: Namespace, text: str, local_ns: Mapping[str, Any], surface: Surface | None
    ) -> Any:
        """Send a prompt, and show its answer."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What asks a question again.

    Args:
        args: the flags of ``%%llm``.
        text: the prompt, as the user typed it.
        front_end: the cell.
        context: what is published in it belongs to the cell; only copies of it are run.
    """

    args: Namespace
    text: str
    front_end: FrontEnd
    context: Context


class PromptBars:
    """The bars of one shell; none is made where no page can show it.

    Args:
        shell: where the cells run.
        runner: runs the prompts.
        settings: the values for all that is left open.
    """

    def __init__(self, shell: InteractiveShell, runner: Runner, settings: Settings) -> None:
        self._shell = shell
        self._runner = runner
        self._settings = settings
        self._bars: AnswerBars | None = None
        self._first_cell: tuple[str | None, Context] | None = None

    def warm_up(self) -> None:
        """Find out early whether buttons act, so that the first bar is there from its start."""
        cell, context = self._first_cell or (None, copy_context())
        if self._bars is None and self._is_in_page(cell):
            context.run(self._runner.approval.buttons.start)

    def begin(
        self,
        args: Namespace,
        text: str,
        front_end: FrontEnd,
        streams: Sequence[ResponseStream],
        selected: ResponseStream,
    ) -> None:
        """Show the bar of an answer below the running cell."""
        cell = front_end.cell_id
        is_shown = not front_end.is_captured and self._is_in_page(cell)
        if args.follow and not (is_shown and self._runner.approval.buttons.is_there()):
            print_line(NO_FOLLOW)
        if cell is None or not is_shown:
            return
        # Where a page shows it.
        from ..widgets.answer_bar import AnswerBars  # noqa: PLC0415
        from ..widgets.answer_bar_state import Bar  # noqa: PLC0415

        context = copy_context()
        if self._bars is None:
            asker = BarAsker(self._shell, self._runner, self._settings)
            self._bars = AnswerBars(self._runner.approval.buttons, asker)
            start = self._runner.approval.buttons.start
            threading.Thread(target=context.copy().run, args=(start,), daemon=True).start()
        question = _Question(args, text, front_end, context)
        follow = self._settings.follow if args.follow is None else args.follow
        self._bars.begin(Bar(cell, selected.id, question, streams, follow=follow))

    def _is_in_page(self, cell: str | None) -> bool:
        """Return whether a page may show the cell of this id, and a bar below it."""
        if cell is None or cell.startswith(_OTHER_PAGES) or not is_interactive(self._shell):
            return False
        return self._settings.bar and self._runner.approval.buttons.is_possible

    def end(self, stream: ResponseStream) -> None:
        """Show what can be done with an answer that has ended."""
        if self._bars is not None:
            self._bars.end(stream.id, stream.response.text)

    def after_run(self) -> None:
        """Show what a cell has changed in the conversations; remove the bars if they are off."""
        if self._first_cell is None:
            self._first_cell = FrontEnd.of(self._shell).cell_id, copy_context()
        if self._bars is not None:
            self._bars.refresh() if self._settings.bar else self._bars.clear()
            call_when_idle(self._runner.approval.buttons.tell_number)

    def close(self) -> None:
        """Remove all bars."""
        if self._bars is not None:
            self._bars.clear()
        self._runner.approval.close()


class BarAsker:
    """Asks again for the bars: see `cellmage.widgets.answer_bar.Asker`.

    Args:
        shell: where the cells run.
        runner: runs the prompts.
        settings: the values for all that is left open.
    """

    def __init__(self, shell: InteractiveShell, runner: Runner, settings: Settings) -> None:
        self._shell = shell
        self._runner = runner
        self._settings = settings

    def _chat(self, bar: Bar) -> Conversation:
        return self._runner.chats.get(bar.question.args.chat)

    def _find(self, bar: Bar) -> tuple[int, Turn] | None:
        """Return the turn of a bar with its number; None if it, or its conversation, is gone."""
        chat = dict(self._runner.chats.by_name()).get(bar.question.args.chat or "")
        turns = enumerate(chat.turns if chat else (), 1)
        return next((item for item in turns if item[1].response.id == bar.key), None)

    def turn(self, bar: Bar) -> Turn | None:
        """Return the turn of the answer that a bar belongs to; None if it has none."""
        found = self._find(bar)
        return found[1] if found else None

    def is_last(self, bar: Bar, turn: Turn) -> bool:
        """Return whether no turn follows."""
        return self._chat(bar).turns[-1].response.id == turn.response.id

    def ask(
        self,
        bar: Bar,
        does_continue: bool,
        make_display: Callable[[str], Display],
        on_stream: Callable[[ResponseStream], object],
    ) -> None:
        """Ask the question of a bar again, or have its answer continued, and read the answer.

        Raises:
            CellmageError: nothing was sent, or the answer failed.
        """
        question, turn = bar.question, self.turn(bar)
        front_end = replace(question.front_end, owns_cell=False)
        cell = turn.cell if turn and turn.cell else CellRef(bar.cell_id, 0)
        surface = Surface(front_end, cell, make_display, self._runner.approval, on_stream)
        args = _continued(question.args) if does_continue else _again(question.args)
        text, lines = "" if does_continue else question.text, list[str]()

        def run() -> None:
            with send_lines_to(lines.append):
                self._runner.run(args, text, {}, surface)

        question.context.copy().run(run)
        bar.line = " ".join(lines)

    def restore(self, bar: Bar, answer_id: str) -> None:
        """Make an older version the answer of its turn.

        Raises:
            UsageError: the turn or the version does not exist any more.
        """
        found = self._find(bar)
        if found is None:
            raise UsageError("this answer is not in the conversation any more")
        number, turn = found
        ids = [attempt.response.id for attempt in turn.previous_attempts]
        if answer_id in ids:
            self._chat(bar).history.restore(number, ids.index(answer_id) + 1)

    def fork(self, bar: Bar) -> str:
        """Begin a conversation that ends with the answer, and return a line that says so."""
        found = self._find(bar)
        if found is None:
            raise UsageError("this answer is not in the conversation any more")
        chats = self._runner.chats
        taken = {name for name, *_ in chats.summaries()}
        names = map("fork-{}".format, range(1, len(taken) + 2))
        name = next(name for name in names if name not in taken)
        chats.fork(self._chat(bar), name, found[0])
        return f"Chat {name!r} ends with this answer: ask in it with %%llm --chat {name}"

    def show_turn(self, turn: Turn, display: Display) -> None:
        """Show the answer of a turn."""
        options = RenderOptions(image_hosts=self._settings.image_hosts, spell_option=spell)
        # That it is stale is in the bar.
        render_turn(replace(turn, stale=False), display, options, is_again=False)

    def refuse(self) -> None:
        """Refuse the tool calls that wait for the user."""
        self._runner.approval.refuse()


def _again(args: Namespace) -> Namespace:
    """Return the flags that ask again: the cell is there already, and so is its code."""
    return Namespace(**{**vars(args), "code": None, "background": False, "append": False})


def _continued(args: Namespace) -> Namespace:
    """Return the flags that continue an answer with the same model."""
    continued: Namespace = declared["llm"].parse_args([])
    vars(continued).update(chat=args.chat, model=args.model, continue_answer=True)
    return continued
