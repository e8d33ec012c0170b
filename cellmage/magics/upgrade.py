"""``%llm_upgrade MODEL``: what another model answers to the prompts of this notebook."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.conversation import Conversation
from ..display.listing import Listing
from ..errors import UsageError
from ..options import Options
from ..pricing import expected_price
from ..providers.registry import resolve_models
from ..recording import Recorder, default_recording
from ..stream.response_stream import ResponseStream
from ..turns import Turn
from .frontend import print_line
from .listings import show
from .notebook_cells import NotebookCells
from .progress import choose_progress, end_progress
from .runner import PromptRunner
from .settings import Settings, default_options
from .upgrade_questions import Scope, make_questions
from .upgrade_records import keep_records, make_recorder
from .upgrade_run import Outcome, Price, Question, UpgradeRun
from .upgrade_table import describe_plan, describe_totals, make_table

_UNFINISHED = ("failed", "not asked")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run.

    Args:
        model: the model that was asked.
        chat: the name of the conversation.
        outcomes: of each turn.
    """

    model: str = ""
    chat: str = ""
    outcomes: Sequence[Outcome] = ()

    @property
    def is_finished(self) -> bool:
        """Whether each prompt has an answer, or was left out."""
        return not any(outcome.state in _UNFINISHED for outcome in self.outcomes)


@dataclass(slots=True)
class Upgrade:
    """The upgrades of a notebook, and the last one's answers.

    Args:
        shell: where the cells run.
        settings: the values for all that the flags of the cells leave open.
        runner: knows the conversations, the budget of the notebook and the streams that run.
        cells: the cells of the notebook.
    """

    shell: InteractiveShell
    settings: Settings
    runner: PromptRunner
    cells: NotebookCells
    _last: Report = field(default_factory=Report)

    def run(self, args: Namespace, model: str) -> Listing | None:
        """Ask the prompts again within the budget, and show what has changed.

        Args:
            args: the flags.
            model: the model to ask; empty takes the answers of the last one.

        Raises:
            UsageError: there is nothing to ask, or the budget cannot be kept.
        """
        model = self.settings.aliases.expand(model) or (self._last.model if args.take else "")
        if not model:
            raise UsageError("name the model to ask: %llm_upgrade MODEL")
        recording = self.runner.keeper.kept(False)
        if recording is not None and not recording.policy.asks:
            raise UsageError(
                "answers are replayed, so no model is asked; %llm_config --replay off ends it"
            )
        turns = self.runner.chats.get(args.chat).turns
        if not turns:
            raise UsageError("this conversation has no turns yet; there is nothing to ask again")
        questions = list(make_questions(turns, self._scope(args, model)))
        known = self._known(model, args)
        asked = [question for question in questions[len(known) :] if not question.why_not]
        price, limit = self._price(model), _limit(args)
        if asked:
            print_line(describe_plan([*asked, *_left_out(questions)], model, price, limit))
            if not self._may_start(args, asked, price):
                return None
        return self._ask(args, questions, Report(model, args.chat or ""), known)

    def _ask(
        self, args: Namespace, questions: Sequence[Question], report: Report, known: Any
    ) -> Listing | None:
        runner = self.runner
        run = UpgradeRun(
            Conversation(),
            self._price(report.model),
            _limit(args),
            lambda: runner.budget.check(self.settings.spend_limit),
            self._follow,
            known,
            self._recorder_of(),
        )
        outcomes: list[Outcome] = []
        progress = choose_progress(self.shell, "prompts")
        try:
            for outcome in run.ask(questions):
                outcomes.append(outcome)
                progress(len(outcomes), len(questions))
        finally:
            end_progress(progress)
            rest = questions[len(outcomes) :]
            outcomes += [Outcome(question, "not asked", "interrupted") for question in rest]
            self._last = Report(report.model, report.chat, outcomes)
            end = self._take(args) if args.take else self._advice()
            lines = " ".join([describe_totals(outcomes), end])
            table = show(make_table(outcomes, self._name_of(args.chat), lines))
        return table

    def _recorder_of(self) -> Callable[[Question], Recorder | None]:
        """Return the function that returns what records a new answer, where answers are kept."""
        recording = self.runner.keeper.kept(False)
        if recording is None or default_recording() is not None:
            return lambda question: None  # a recording of the process records by itself
        kept = recording.records.of_cells().values()
        return lambda question: make_recorder(question.turn, kept)

    @contextmanager
    def _follow(self, stream: ResponseStream) -> Iterator[None]:
        """Let ``%llm_stop`` stop a stream, and count its cost for the spend limit."""
        self.runner.active.add(stream)
        try:
            yield
        finally:
            self.runner.active.discard(stream)
            self.runner.budget.record(stream.request, stream.response)

    def _take(self, args: Namespace) -> str:
        """Make the new answers those of their turns, and return a line about it."""
        report = self._last
        if not report.is_finished:
            return "Nothing was taken: not all prompts have an answer; the next run asks the rest."
        history = self.runner.chats.get(args.chat).history
        numbers = {turn.response.id: number for number, turn in enumerate(history.turns, 1)}
        taken = 0
        for outcome in report.outcomes:
            if outcome.response is not None:
                history.replace(numbers[outcome.question.turn.response.id], outcome.response)
                taken += 1
        recording = self.runner.keeper.kept(False)
        if recording is not None:
            keep_records(recording, [item.record for item in report.outcomes if item.record])
        self._last = Report()
        return (
            f"Took {taken} answers; the old ones are versions of their turns "
            "(%llm_history --versions N). The next prompts are asked with "
            f"%llm_config --model {report.model}"
        )

    def _advice(self) -> str:
        if not self._last.is_finished:
            return "Run it again to ask the rest."
        return "Nothing else has changed; %llm_upgrade --take makes these the answers of the cells."

    def _known(self, model: str, args: Namespace) -> Sequence[Outcome]:
        """Return the answers of the last run that are not asked for again.

        They are those of a run that was stopped, and those that are taken.
        """
        last = self._last
        is_same = (last.model, last.chat) == (model, args.chat or "")
        return last.outcomes if is_same and (args.take or not last.is_finished) else ()

    def _may_start(self, args: Namespace, asked: Sequence[Question], price: Price) -> bool:
        """Return whether the questions may be asked: with a budget, or free of charge."""
        amounts = [price(question.expected) for question in asked]
        if args.budget is None and any(amount != 0 for amount in amounts):
            print_line(
                "Nothing was asked. --budget 2.00 asks for at most so many dollars, "
                "--budget none for any."
            )
            return False
        if isinstance(args.budget, float) and None in amounts:
            raise UsageError(
                "--budget: the price of this model is not known, so a budget cannot be kept; "
                "--budget none asks without one"
            )
        return True

    def _scope(self, args: Namespace, model: str) -> Scope:
        approve = "always" if args.auto_approve else self.runner.approval
        cells = self.cells.read(self.runner.chats.notebook)
        variables: Mapping[str, Any] = self.shell.user_ns
        return Scope(model, self.settings, variables, cells, bool(args.tools), approve)

    def _price(self, model: str) -> Price:
        options = Options.resolve(Options(model=model), default_options(self.settings))
        resolved = resolve_models(options)[0]
        return partial(expected_price, resolved.model, resolved.provider.name)

    def _name_of(self, chat: str | None) -> Any:
        turns = self.runner.chats.get(chat).turns
        numbers = {turn.response.id: number for number, turn in enumerate(turns, 1)}

        def name_of(turn: Turn) -> str:
            count = self.runner.chats.execution_counts.get(turn.response.id)
            return f"[{count}]" if count else f"turn {numbers.get(turn.response.id, '—')}"

        return name_of


def _limit(args: Namespace) -> Decimal | None:
    return Decimal(str(args.budget)) if isinstance(args.budget, float) else None


def _left_out(questions: Sequence[Question]) -> list[Question]:
    return [question for question in questions if question.why_not]
