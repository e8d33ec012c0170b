"""Run a prompt: from a magic's flags to an answer on the page, a turn and its cost."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..background.answer import BackgroundAnswer
from ..display.base import Display
from ..errors import CellmageError
from ..once import Once
from ..pricing import Budget
from ..stream.response_stream import ResponseStream
from .answer_bars import PromptBars
from .background import BackgroundAnswers, JobApproval
from .cell_notices import warn_secret
from .code_out import CodeCells
from .conversations import ConversationRegistry
from .dry_run import describe
from .executed_cells import ExecutedCells
from .flag_rules import check_flags
from .frontend import FrontEnd, print_line
from .latency import compare_latency
from .option_spelling import spell_errors
from .prepared_prompt import PreparedPrompt
from .prompt_display import display_of, render_prompt
from .prompt_files import add_system_text
from .prompt_maker import PromptMaker
from .settings import Settings, call_options
from .store_messages import print_store_messages
from .structured_output import schema_from_flags
from .surfaces import Surface
from .tool_approval import ToolApproval


class PromptRunner:
    """Runs the prompts of one shell.

    Args:
        shell: where the cells run.
        settings: the values for all that a prompt's flags leave open.

    Attributes:
        chats: the conversations of the notebook.
        cells: the cells that ran.
        code_cells: the cells with the code of answers.
        budget: what the answers have cost.
        active: the streams that are being read.
        background: the answers that are read beside the cells.
        keeper: keeps answers.
        locks: what an administrator has locked.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self._shell = shell
        self._settings = settings
        self.chats = ConversationRegistry(FrontEnd.of(shell).notebook_path)
        self.budget = Budget()
        self.cells = ExecutedCells(shell)
        self.code_cells = CodeCells(shell)
        self.approval = ToolApproval(shell)
        self.background = BackgroundAnswers(shell, self.approval)
        self.bars = PromptBars(shell, self, settings)
        self._shown_notices = Once()
        self.active: set[ResponseStream] = set()
        self._maker = PromptMaker(
            shell=shell,
            settings=settings,
            chats=self.chats,
            cells=self.cells,
            budget=self.budget,
            background=self.background,
            approval=self.approval,
            notices=self._shown_notices,
        )
        self.keeper, self.locks = self._maker.keeper, self._maker.locks

    def run(
        self,
        args: Namespace,
        text: str,
        local_ns: Mapping[str, Any],
        surface: Surface | None = None,
    ) -> Any:
        """Send a prompt, show its answer, and return the text or the value of the answer.

        Args:
            args: the flags of ``%%llm``.
            text: the prompt, as the user typed it.
            local_ns: the variables of the function that calls the magic.
            surface: where the answer is shown; None is below the running cell.

        Raises:
            CellmageError: nothing was sent, or the answer failed.
        """
        try:
            with spell_errors():
                return self._run(args, text, {**self._shell.user_ns, **local_ns}, surface)
        except CellmageError as error:
            if args.on_error != "show":
                raise
            print_line(f"{type(error).__name__}: {error}")
            return None

    def _run(
        self, args: Namespace, text: str, variables: Mapping[str, Any], surface: Surface | None
    ) -> Any:
        if args.each is not None:
            return self._run_each(args, text, variables)
        approval = self.background.approval_for(args, surface)
        prompt = self._maker.make(args, text, variables, surface, approval)
        warn_secret(text)
        if args.dry_run:
            models = [stream.request.options.model or "" for stream in prompt.streams]
            resolved = self._maker.models.resolve(args, self.keeper.is_active(args))
            first = [candidates[0] for candidates in resolved]
            request = prompt.selected.request
            print_line(describe(request, models, args.rag, first, prompt.forecasts))
            return None
        self._warn_subshell(prompt.front_end)
        if surface is None:
            self.chats.execution_counts[prompt.selected.id] = self._shell.displayhook.prompt_count
            self.bars.begin(args, text, prompt.front_end, prompt.streams, prompt.selected)
        else:
            surface.on_stream(prompt.selected)
        if prompt.approval is not None:
            return self._start(prompt, prompt.approval)
        return self._answer(prompt, display_of(prompt, self._shell, self._settings))

    def _start(self, prompt: PreparedPrompt, approval: JobApproval) -> BackgroundAnswer:
        """Have the answer read beside the cells; its turn has its place from now on."""
        args, display = prompt.args, display_of(prompt, self._shell, self._settings)

        def work() -> None:
            try:
                if not self.keeper.is_active(args):  # those before it may have cost the rest
                    self.budget.check(self._settings.spend_limit)
                with spell_errors():
                    self._answer(prompt, display)
            finally:  # also of one that was not asked
                self.bars.end(prompt.selected)

        history, stream = self.chats.get(args.chat).history, prompt.selected
        answer = self.background.make(prompt.streams, stream, prompt.front_end, approval)
        if args.code is not None:
            answer.offer_code = lambda: prompt.proofs.offer(answer.response, self.code_cells)
        if not args.no_history:
            answer.history = history
        if not args.no_history and not args.continue_answer:
            history.reserve(stream.id, None if args.append else prompt.cell)
        stream.announce()
        self._bind("_llm", answer)
        self.background.start(answer, display, work)
        return answer

    def _answer(self, prompt: PreparedPrompt, display: Display) -> Any:
        """Read the answer to its end, and return its text or its value."""
        args, is_text = prompt.args, prompt.schema is None
        self.active.update(prompt.streams)
        try:
            render_prompt(prompt, display, self._settings, self._shown_notices)
            if prompt.approval is None:
                prompt.proofs.offer(prompt.selected.response, self.code_cells)
            if prompt.schema:
                value = prompt.schema.read(prompt.selected.response)
                self._bind(args.out, value)
                return value
            return prompt.selected.response.text
        finally:
            self.active.difference_update(prompt.streams)
            self._bind_response(prompt, args.out if is_text else None)
            for stream in prompt.streams:
                self._record_cost(stream)
            if prompt.surface is None:  # else the surface knows the end
                self.bars.end(prompt.selected)
            print_store_messages(self.chats)

    def _run_each(self, args: Namespace, text: str, variables: Mapping[str, Any]) -> Any:
        """Ask about each row of a variable; no turn is made."""
        from .each import ask_each  # noqa: PLC0415 - no cell of Python waits for it

        check_flags(args, text)
        self.locks.limit(self._settings)
        settings, schema = self._settings, schema_from_flags(args, variables)
        options, limit = call_options(settings, args), settings.spend_limit
        self.locks.check_call(args, self._maker.models.find_keys(options, False))
        self.budget.check(limit)
        left = None if limit is None else limit - float(self.budget.spent)
        rules = self._maker.files.read(args, text, settings.rules).rules
        level: Any = args.data or settings.data
        options = add_system_text(options, rules)
        visible = self.cells.visible(variables)
        with self.keeper.named_in_force():
            results = ask_each(args, text, visible, options, schema, level, left)
        self.budget.add(results.counts.spent)
        name = args.out or "_llm"
        self._bind(name, results)
        print_line(f"{results.counts.describe()}; {name}.frame() is a table")
        return results

    def compare_latency(self, models: Sequence[str | None], text: str) -> None:
        """Ask each model twice, streamed and not, and print when each answer was seen."""
        chat = self.chats.get(None)
        for stream in compare_latency(self._shell, self._settings, chat, models, text):
            self._record_cost(stream)

    def stop(self) -> int:
        """Stop the answers that are streaming or wait for it, and return how many there were."""
        count = self.background.stop_all()
        streams = list(self.active)
        for stream in streams:
            stream.close()
        return count + len(streams)

    def after_run(self, result: Any) -> None:
        """Drop the turns of an earlier run of this cell that this run did not replace.

        IPython calls this after each cell. A run that failed drops nothing.
        """
        self.cells.after_run(result)
        self.approval.end_cell()
        self.bars.after_run()
        cell = self._maker.counter.end_ref(FrontEnd.of(self._shell))
        if cell is not None and result.success:
            for chat in self.chats:
                chat.history.drop_from(cell)

    def _warn_subshell(self, front_end: FrontEnd) -> None:
        if front_end.is_in_subshell and self._shown_notices.is_new("subshell"):
            print_line("The stop button does not reach subshells; %llm_stop in another cell does.")

    def _record_cost(self, stream: ResponseStream) -> None:
        response, limit = stream.response, self._settings.spend_limit
        has_price = self.budget.record(stream.request, response)
        if limit is not None and not has_price:
            print_line(
                f"The price of {response.model} is not known: the spend limit does not count it."
            )

    def _bind_response(self, prompt: PreparedPrompt, out: str | None) -> None:
        """Set ``_llm``, and the variable of ``--out`` to the text."""
        response = prompt.selected.response
        if prompt.approval is None:  # else it was set when the cell asked
            self._bind("_llm", response)
        # A failure without text leaves the variable as it was; the cell fails all the same.
        if response.text or not response.incomplete_reason:
            self._bind(out, response.text)

    def _bind(self, name: str | None, value: Any) -> None:
        if name:
            self._shell.user_ns[name] = value
