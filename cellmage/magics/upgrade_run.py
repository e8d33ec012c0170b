"""Ask the prompts of a conversation again with another model, in a shadow conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ..conversation.conversation import Conversation
from ..errors import CellmageError
from ..messages import Response, Usage
from ..options import Options
from ..pricing import format_usd
from ..recording import Record, Recorder
from ..recording.changes import AnswerKind, Change, find_change
from ..stream.response_stream import ResponseStream
from ..turns import Turn
from .upgrade_records import take_record

_MILLION = 1_000_000
_USUAL_TOKENS = 4096
_LONGER_THAN_BEFORE = 8
"""An answer is hardly longer than this many times the old one, or than the usual tokens."""

_FATAL = frozenset(("auth", "permission", "quota", "not_found", "config", "connect", "spend_limit"))
"""The kinds of errors that every further question would have, too."""

_STOPS = frozenset(("closed", "interrupted"))


@dataclass(frozen=True, slots=True)
class Question:
    """A turn that is to be asked again.

    Args:
        turn: the turn, with the answer of then.
        options: how it is asked.
        kind: what counts of its answer.
        arguments: of `Conversation.stream`: tools, and what is searched.
        expected: about how many tokens it takes.
        why_not: why it is left out; empty if it is asked.
    """

    turn: Turn
    options: Options
    kind: AnswerKind = "text"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expected: Usage = field(default_factory=lambda: Usage(0, 0))
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question.

    Args:
        question: the question.
        state: ``"changed"``, ``"same"``, ``"failed"``, ``"left out"`` or ``"not asked"``.
        words: what changed, or why there is no answer.
        response: the new answer; None if there is none.
        cost: of the new answer in US dollars; None if its price is not known.
        record: the new answer as it may be kept; None if it is not.
    """

    question: Question
    state: str
    words: str = ""
    response: Response | None = None
    cost: Decimal | None = Decimal(0)
    record: Record | None = None


Price = Callable[[Usage], Decimal | None]
"""A function that returns what tokens cost in US dollars; None if that is not known."""


@dataclass(slots=True)
class UpgradeRun:
    """One run through the questions.

    Args:
        shadow: the conversation in which they are asked; it has no turns.
        price: of the new model.
        limit: US dollars that the run may cost; None allows any cost.
        before_ask: called before each question; raises an error if nothing may be sent.
        follow: returns the context in which a stream is read.
        known: outcomes of an earlier run, which are not asked again.
        recorder_of: returns what records the answer to a question, apart; None if nothing does.

    Attributes:
        spent: US dollars that the answers have cost.
    """

    shadow: Conversation
    price: Price
    limit: Decimal | None = None
    before_ask: Callable[[], object] = lambda: None
    follow: Callable[[ResponseStream], AbstractContextManager[None]] = lambda stream: nullcontext()
    known: Sequence[Outcome] = ()
    recorder_of: Callable[[Question], Recorder | None] = lambda question: None
    spent: Decimal = Decimal(0)
    _expected: Decimal = Decimal(0)
    _stopped: str = ""

    def ask(self, questions: Sequence[Question]) -> Iterator[Outcome]:
        """Yield the outcome of each question, in order.

        An answer that there is not is replaced by the old one for the questions after it.
        """
        known = dict(enumerate(self._known_prefix(questions)))
        for index, question in enumerate(questions):
            outcome = known.get(index) or self._outcome(question)
            response = outcome.response or question.turn.response
            self.shadow.history.extend([replace(question.turn, response=response)])
            yield outcome

    def _known_prefix(self, questions: Sequence[Question]) -> Iterator[Outcome]:
        """Yield the known outcomes, as long as the turns are those of then."""
        for outcome, question in zip(self.known, questions, strict=False):
            is_same = outcome.question.turn.response.id == question.turn.response.id
            if not is_same or (outcome.response is None) is not bool(question.why_not):
                return
            yield replace(outcome, question=question)

    def _outcome(self, question: Question) -> Outcome:
        if question.why_not:
            return Outcome(question, "left out", question.why_not)
        if not self._stopped and not self._is_affordable(question):
            self._stopped = (
                f"the budget of {format_usd(self.limit or Decimal(0))} would be exceeded"
            )
        if self._stopped:
            return Outcome(question, "not asked", self._stopped)
        try:
            return self._ask(question)
        except CellmageError as error:
            if error.kind in _FATAL:
                self._stopped = "stopped after the error above"
            return Outcome(question, "failed", str(error))

    def _ask(self, question: Question) -> Outcome:
        self.before_ask()
        content, options = question.turn.content, self._within_budget(question)
        recorder = self.recorder_of(question)
        arguments: dict[str, Any] = {"commit": "never", "recorder": recorder}
        stream = self.shadow.stream(content, options, **arguments, **question.arguments)
        try:
            with self.follow(stream):
                for _ in stream:
                    pass
        finally:
            cost = self._record(question, stream.response)
        outcome = self._compare(question, stream.response, cost, options)
        record = take_record(recorder, question.options) if recorder else None
        return replace(outcome, record=record)

    def _record(self, question: Question, response: Response) -> Decimal | None:
        """Count what an answer has cost, and what was expected."""
        cost = Decimal(0) if response.kept_from else self.price(response.usage or question.expected)
        self.spent += cost or Decimal(0)
        self._expected += self.price(question.expected) or Decimal(0)
        return cost

    def _compare(
        self, question: Question, response: Response, cost: Decimal | None, options: Options
    ) -> Outcome:
        reason = response.incomplete_reason
        if reason in _STOPS:
            self._stopped = "stopped"
        if reason is not None:
            is_limit = reason == "length" and options.max_tokens != question.options.max_tokens
            if is_limit:
                self._stopped = "the budget is used up"
            words = "cut by the budget" if is_limit else f"cut: {reason}"
            return Outcome(question, "failed", words, None, cost)
        old = question.turn.response.final_text
        change: Change | None = find_change(old, response.final_text, question.kind)
        if change is None:
            return Outcome(question, "same", "", response, cost)
        return Outcome(question, "changed", f"{change.kind}: {change.words}", response, cost)

    # The budget.

    @property
    def _ratio(self) -> Decimal:
        """What answers have cost so far, for each dollar that was expected; at least 1."""
        return max(Decimal(1), self.spent / self._expected) if self._expected else Decimal(1)

    def _is_affordable(self, question: Question) -> bool:
        expected = question.expected.output_tokens or 0
        tokens = self._affordable_tokens(question)
        return tokens is None or tokens >= max(Decimal(1), expected * self._ratio)

    def _affordable_tokens(self, question: Question) -> int | None:
        """Return how long the answer may be; None if any length is within the budget."""
        if self.limit is None:
            return None
        asked = self.price(Usage(question.expected.input_tokens, 0)) or Decimal(0)
        room = self.limit - self.spent - asked * self._ratio
        per_million = self.price(Usage(0, _MILLION)) or Decimal(0)
        if not per_million:
            return None if room >= 0 else 0
        return max(0, int(room * _MILLION / per_million))

    def _within_budget(self, question: Question) -> Options:
        """Return the options, with a limit of the answer where a long one would exceed the budget.

        A model that has no such parameter is asked without.
        """
        options, tokens = question.options, self._affordable_tokens(question)
        usual = max(_USUAL_TOKENS, _LONGER_THAN_BEFORE * (question.expected.output_tokens or 0))
        if tokens is None or tokens >= min(usual, options.max_tokens or usual):
            return options
        droppable = (*(options.droppable or ()), "max_tokens")
        return replace(options, max_tokens=tokens, droppable=droppable)
