"""Make a prompt that can be sent of what the user typed: nothing is sent here."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.history import History
from ..once import Once
from ..options import Options
from ..output_schema import OutputSchema
from ..pricing import Budget
from ..turns import CellRef
from .ambient import AMBIENT_NOTICE
from .background import BackgroundAnswers, JobApproval, under_way_notice
from .cell_notices import add_notices, print_turn_lines, replacement_notice
from .cell_refs import PromptCounter
from .conversations import ConversationRegistry
from .executed_cells import ExecutedCells
from .flag_rules import check_flags, stream_arguments
from .frontend import FrontEnd
from .keeping import AnswerKeeper, forecast
from .locks import Locks
from .prepared_prompt import PreparedPrompt
from .prompt_files import PromptFiles, add_system_text
from .prompt_models import PromptModels, open_streams
from .proofs import Proofs
from .settings import Settings, call_options
from .store_messages import identify
from .structured_output import schema_from_flags
from .surfaces import Surface
from .tool_approval import ToolApproval

if TYPE_CHECKING:
    from .prompt_content import PromptContent


@dataclass(eq=False)
class PromptMaker:
    """Makes the prompts of one shell.

    Args:
        shell: where the cells run.
        settings: the values for what the flags of a prompt leave open.
        chats: the conversations of the notebook.
        cells: the cells that ran.
        budget: what the answers have cost.
        background: the answers that are read beside the cells.
        approval: asks about the tool calls of cells.
        notices: the lines that the user has seen.

    Attributes:
        counter: numbers the prompts of a cell.
        files: the files of rules and snippets.
        keeper: keeps answers.
        locks: what an administrator has locked.
        models: finds the models that a prompt asks.
    """

    shell: InteractiveShell
    settings: Settings
    chats: ConversationRegistry
    cells: ExecutedCells
    budget: Budget
    background: BackgroundAnswers
    approval: ToolApproval
    notices: Once

    def __post_init__(self) -> None:
        settings, budget = self.settings, self.budget
        self.counter = PromptCounter()
        self.files = PromptFiles(self.chats.folder)
        self.keeper = AnswerKeeper(settings, self.chats, lambda: budget.check(settings.spend_limit))
        self.locks = Locks()
        self.models = PromptModels(settings)

    def make(
        self,
        args: Namespace,
        text: str,
        variables: Mapping[str, Any],
        surface: Surface | None,
        approval: JobApproval | None,
    ) -> PreparedPrompt:
        """Return what can be sent; nothing has been sent.

        Args:
            args: the flags of ``%%llm``.
            text: the prompt, as the user typed it.
            variables: the variables of the user.
            surface: where the answer is shown; None is below the running cell.
            approval: asks about the tool calls of an answer in the background; else None.

        Raises:
            CellmageError: nothing can be sent.
        """
        check_flags(args, text)
        front_end = surface.front_end if surface else FrontEnd.of(self.shell)
        self.background.end_earlier_run(front_end)
        self.locks.limit(self.settings)
        content = self._content(args, text, variables)
        is_kept = self.keeper.is_active(args)
        if not is_kept:  # else a kept answer may cost nothing
            self.budget.check(self.settings.spend_limit)
        schema = schema_from_flags(args, variables)
        identify(self.chats, front_end, self.settings.resume)
        self.chats.apply_store_setting(self.settings.store, front_end)
        chat, proofs = self.chats.get(args.chat), self._proofs(args)
        options = self._options(args, content, proofs, schema)
        recorder = self.keeper.recorder(args, front_end, chat.history, content.values)
        if args.continue_answer:
            stream = chat.continue_answer(options, recorder=recorder)
            return PreparedPrompt(
                args, front_end, schema, [stream], stream, proofs, (), surface, approval
            )
        asked = replace(options, model=",".join(args.compare or ()) or options.model)
        self.locks.check_call(args, self.models.find_keys(asked, is_kept))
        cell = self._cell_of(args, front_end, surface)
        if recorder and schema:
            recorder = replace(recorder, check=schema.problem)
        arguments: dict[str, Any] = {"options": options, "cell": cell, "recorder": recorder}
        arguments |= self._stream_arguments(args, proofs, variables, schema)
        arguments.setdefault("approve", surface.approve if surface else approval or self.approval)
        streams, selected = open_streams(chat, content.content, args, arguments)
        told = forecast(recorder, streams, options, arguments["tools"]) if args.dry_run else ()
        prompt = PreparedPrompt(
            args, front_end, schema, streams, selected, proofs, told, surface, approval, cell
        )
        add_notices(prompt.streams, self._lines(prompt, content, chat.history))
        return prompt

    def _content(self, args: Namespace, text: str, variables: Mapping[str, Any]) -> PromptContent:
        """Return the prompt with its values, attachments and snippets."""
        # Modules that need time to import: no cell of Python waits for them.
        from .prompt_content import Notebook, make_content  # noqa: PLC0415
        from .value_inputs import ValueInputs  # noqa: PLC0415

        is_kept = self.keeper.is_active(args)
        texts = self.files.read(args, text, self.settings.rules)
        notebook = Notebook(variables, self.cells, ValueInputs(is_kept))
        names = partial(self.models.names, args, is_kept)
        return make_content(args, texts, notebook, self._level(args), names)

    def _level(self, args: Namespace) -> Any:
        return args.data or self.settings.data

    def _proofs(self, args: Namespace) -> Proofs:
        failure = self.cells.last_error if vars(args).get("is_fix") else None
        return Proofs(self.shell, args, self._level(args), failure)

    def _options(
        self, args: Namespace, content: PromptContent, proofs: Proofs, schema: OutputSchema | None
    ) -> Options:
        options = add_system_text(call_options(self.settings, args), content.system)
        options = add_system_text(options, proofs.instructions)
        return schema.apply_to(options) if schema else options

    def _stream_arguments(
        self,
        args: Namespace,
        proofs: Proofs,
        variables: Mapping[str, Any],
        schema: OutputSchema | None,
    ) -> dict[str, Any]:
        """Return what streams are opened with, by name."""
        repairs = self.settings.repair if args.repair is None else args.repair
        check = schema.problem if schema and repairs else None
        named = stream_arguments(args, proofs.with_tool(variables), self.settings.mcp)
        return {"check": check, **named, **proofs.stream_arguments()}

    def _cell_of(
        self, args: Namespace, front_end: FrontEnd, surface: Surface | None
    ) -> CellRef | None:
        """Return the question of a cell that a prompt is; None if it makes no turn."""
        if args.no_history:
            return None
        return surface.cell if surface else self.counter.next_ref(front_end, not args.dry_run)

    def _lines(self, prompt: PreparedPrompt, content: PromptContent, history: History) -> list[str]:
        """Return lines about the values and the turn of a prompt; a loop shows them once."""
        front_end, is_new = prompt.front_end, self.notices.is_new
        is_shown = front_end.has_cells and not is_new((front_end.run_id, content.notice))
        ambient = AMBIENT_NOTICE if front_end.is_ambient else ""
        under_way = under_way_notice(self.background.count_in(history))
        lines = ["" if is_shown else content.notice, under_way]
        if prompt.args.append or prompt.args.no_history or prompt.surface:
            return [*lines, ambient]
        if front_end.has_cells:
            print_turn_lines(history, prompt.cell, is_new, self.keeper.is_active(prompt.args))
        replacement = replacement_notice(history.turns, content.text, prompt.cell)
        return [*lines, replacement, ambient]
