"""Run a prompt: from a magic's flags to an answer on the page, a turn and its cost."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from ..background.answer import BackgroundAnswer
from ..conversation.history import History
from ..display.base import Display
from ..display.select import choose_display
from ..errors import CellmageError
from ..once import Once
from ..output_schema import OutputSchema
from ..pricing import Budget
from ..rendering import AnswerRenderer, ComparisonRenderer, RenderOptions
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from ..turns import CellRef
from .ambient import AMBIENT_NOTICE
from .answer_bars import PromptBars
from .background import BackgroundAnswers, JobApproval, under_way_notice
from .cell_notices import add_notices, print_turn_lines, replacement_notice, warn_secret
from .cell_refs import PromptCounter
from .code_out import CodeCells
from .conversations import ConversationRegistry
from .dry_run import describe
from .executed_cells import ExecutedCells
from .flag_rules import check_flags, stream_arguments
from .frontend import FrontEnd, print_line
from .keeping import AnswerKeeper, forecast
from .latency import compare_latency
from .locks import Locks
from .option_spelling import spell, spell_errors
from .prompt_files import PromptFiles, add_system_text
from .prompt_models import PromptModels, open_streams
from .proofs import Proofs
from .settings import Settings, call_options
from .store_messages import identify, print_store_messages
from .structured_output import schema_from_flags
from .surfaces import Surface
from .tool_approval import ToolApproval

if TYPE_CHECKING:
    from .prompt_content import PromptContent


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A prompt that can be sent.

    Args:
        args: the flags of ``%%llm``.
        front_end: the cell, and who is watching it.
        schema: the schema of the answer; None for text.
        streams: one stream, or those of a comparison; none has been read.
        selected: the stream that becomes a turn.
        forecasts: for a dry run, what would become of each answer that may be kept.
        proofs: what checks the answer.
        surface: where the answer is shown; None is below the running cell.
        approval: asks about the tool calls of an answer in the background; else None.
        cell: the question of a cell that it is; None if it makes no turn of one.
    """

    args: Namespace
    front_end: FrontEnd
    schema: OutputSchema | None
    streams: Sequence[ResponseStream]
    selected: ResponseStream
    proofs: Proofs
    forecasts: Sequence[str] = ()
    surface: Surface | None = None
    approval: JobApproval | None = None
    cell: CellRef | None = None


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
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self._shell = shell
        self._settings = settings
        self.chats = ConversationRegistry(FrontEnd.of(shell).notebook_path)
        self._files = PromptFiles(self.chats.folder)
        self.budget = Budget()
        self._counter = PromptCounter()
        self.cells = ExecutedCells(shell)
        self.code_cells = CodeCells(shell)
        self.approval = ToolApproval(shell)
        self.background = BackgroundAnswers(shell, self.approval)
        self.bars = PromptBars(shell, self, settings)
        self.locks = Locks()
        self._shown_notices = Once()
        self.active: set[ResponseStream] = set()
        self._models = PromptModels(settings)
        self.keeper = AnswerKeeper(
            settings, self.chats, lambda: self.budget.check(settings.spend_limit)
        )

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
        prompt = self._prepare(args, text, variables, surface, approval)
        warn_secret(text)
        if args.dry_run:
            models = [stream.request.options.model or "" for stream in prompt.streams]
            resolved = self._models.resolve(args, self.keeper.is_active(args))
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
        return self._answer(prompt, self._display_of(prompt))

    def _start(self, prompt: _Prompt, approval: JobApproval) -> BackgroundAnswer:
        """Have the answer read beside the cells; its turn has its place from now on."""
        args, display = prompt.args, self._display_of(prompt)

        def work() -> None:
            if not self.keeper.is_active(args):  # those before it may have cost the rest
                self.budget.check(self._settings.spend_limit)
            with spell_errors():
                self._answer(prompt, display)

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

    def _answer(self, prompt: _Prompt, display: Display) -> Any:
        """Read the answer to its end, and return its text or its value."""
        args, is_text = prompt.args, prompt.schema is None
        self.active.update(prompt.streams)
        try:
            self._render(prompt, display)
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
        from .each import ask_each  # noqa: PLC0415 - as in `_prepare`

        check_flags(args, text)
        self.locks.limit(self._settings)
        settings, schema = self._settings, schema_from_flags(args, variables)
        options, limit = call_options(settings, args), settings.spend_limit
        self.locks.check_call(args, self._models.find_keys(options, False))
        self.budget.check(limit)
        left = None if limit is None else limit - float(self.budget.spent)
        rules = self._files.read(args, text, settings.rules).rules
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

    def _prepare(
        self,
        args: Namespace,
        text: str,
        variables: Mapping[str, Any],
        surface: Surface | None,
        approval: JobApproval | None,
    ) -> _Prompt:
        """Return what can be sent; nothing has been sent."""
        check_flags(args, text)
        front_end = surface.front_end if surface else FrontEnd.of(self._shell)
        self.background.end_earlier_run(front_end)
        self.locks.limit(self._settings)
        level: Any = args.data or self._settings.data
        # Modules that need time to import: no cell of Python waits for them.
        from .prompt_content import Notebook, make_content  # noqa: PLC0415
        from .value_inputs import ValueInputs  # noqa: PLC0415

        is_kept = self.keeper.is_active(args)
        texts = self._files.read(args, text, self._settings.rules)
        notebook = Notebook(variables, self.cells, ValueInputs(is_kept))
        names = partial(self._models.names, args, is_kept)
        content = make_content(args, texts, notebook, level, names)
        if not is_kept:  # else a kept answer may cost nothing
            self.budget.check(self._settings.spend_limit)
        schema = schema_from_flags(args, variables)
        identify(self.chats, front_end, self._settings.resume)
        self.chats.apply_store_setting(self._settings.store, front_end)
        chat, options = self.chats.get(args.chat), call_options(self._settings, args)
        failure = self.cells.last_error if vars(args).get("is_fix") else None
        proofs = Proofs(self._shell, args, level, failure)
        options = add_system_text(options, content.system)
        options = add_system_text(options, proofs.instructions)
        options = schema.apply_to(options) if schema else options
        recorder = self.keeper.recorder(args, front_end, chat.history, content.values)
        if args.continue_answer:
            stream = chat.continue_answer(options, recorder=recorder)
            return _Prompt(args, front_end, schema, [stream], stream, proofs, (), surface, approval)
        asked = replace(options, model=",".join(args.compare or ()) or options.model)
        self.locks.check_call(args, self._models.find_keys(asked, is_kept))
        cell = self._cell_of(args, front_end, surface)
        named = stream_arguments(args, proofs.with_tool(variables), self._settings.mcp)
        named.setdefault("approve", surface.approve if surface else approval or self.approval)
        repairs = self._settings.repair if args.repair is None else args.repair
        check = schema.problem if schema and repairs else None
        if recorder and schema:
            recorder = replace(recorder, check=schema.problem)
        arguments = {"options": options, "cell": cell, "check": check, "recorder": recorder}
        arguments |= named | proofs.stream_arguments()
        streams, selected = open_streams(chat, content.content, args, arguments)
        told = forecast(recorder, streams, options, named["tools"]) if args.dry_run else ()
        prompt = _Prompt(
            args, front_end, schema, streams, selected, proofs, told, surface, approval, cell
        )
        ambient = [AMBIENT_NOTICE] if front_end.is_ambient else []
        lines = self._notices(prompt, content, chat.history, cell)
        add_notices(prompt.streams, [*lines, *ambient])
        return prompt

    def _cell_of(
        self, args: Namespace, front_end: FrontEnd, surface: Surface | None
    ) -> CellRef | None:
        """Return the question of a cell that a prompt is; None if it makes no turn."""
        if args.no_history:
            return None
        return surface.cell if surface else self._counter.next_ref(front_end, not args.dry_run)

    def _notices(
        self, prompt: _Prompt, content: PromptContent, history: History, cell: CellRef | None
    ) -> list[str]:
        """Return lines about the values and the turn of a prompt; a loop shows them once."""
        front_end, is_new = prompt.front_end, self._shown_notices.is_new
        is_shown = front_end.has_cells and not is_new((front_end.run_id, content.notice))
        inserted = "" if is_shown else content.notice
        under_way = under_way_notice(self.background.count_in(history))
        if prompt.args.append or prompt.args.no_history or prompt.surface:
            return [inserted, under_way]
        if front_end.has_cells:
            is_kept = self.keeper.is_active(prompt.args)
            print_turn_lines(history, cell, is_new, is_kept)
        return [inserted, under_way, replacement_notice(history.turns, content.text, cell)]

    def _render(self, prompt: _Prompt, display: Display) -> None:
        settings, args = self._settings, prompt.args
        options = RenderOptions(
            image_hosts=settings.image_hosts,
            stats=settings.stats if args.stats is None else args.stats,
            make_parser=prompt.schema.partial_parser if prompt.schema else None,
            spell_option=spell,
        )
        if len(prompt.streams) > 1:
            index = list(prompt.streams).index(prompt.selected)
            ComparisonRenderer(Comparison(prompt.streams, index), display, options).render()
        else:
            AnswerRenderer(prompt.selected, display, self._shown_notices, options).render()

    def _display_of(self, prompt: _Prompt) -> Display:
        if prompt.surface:
            return prompt.surface.make_display(prompt.selected.id)
        return choose_display(
            self._shell,
            answer_id=prompt.selected.id,
            # A cell that has ended is not cleared, and other cells write meanwhile.
            owns_cell=prompt.front_end.owns_cell and prompt.approval is None,
            joins_parts=self._settings.collapse,
        )

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
        cell = self._counter.end_ref(FrontEnd.of(self._shell))
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

    def _bind_response(self, prompt: _Prompt, out: str | None) -> None:
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
