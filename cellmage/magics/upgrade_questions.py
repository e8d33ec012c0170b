"""The turns of a conversation as questions to another model."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import CellmageError, UsageError
from ..options import Options
from ..recording.changes import AnswerKind
from ..recording.estimates import estimate_turn
from ..turns import Turn
from .flag_rules import stream_arguments
from .notebook_cells import NotebookCell
from .prompt_cells import PromptCall, find_calls
from .settings import Settings, call_options, default_options
from .structured_output import schema_from_flags
from .upgrade_run import Question

_HAS_TOOLS = "it has tools; --tools asks it, too"
_ARGUMENTS = ("retriever", "tools", "approve")


@dataclass(frozen=True, slots=True)
class Scope:
    """What questions are made of.

    Args:
        model: the model to ask.
        settings: the values for all that the flags of a cell leave open.
        variables: the variables of the user, by name: schemas and functions.
        cells: the cells of the notebook.
        with_tools: whether prompts with tools are asked, too.
        approve: decides about tool calls.
    """

    model: str
    settings: Settings
    variables: Mapping[str, Any]
    cells: Iterable[NotebookCell]
    with_tools: bool = False
    approve: Any = "ask"


def make_questions(turns: Sequence[Turn], scope: Scope) -> Iterator[Question]:
    """Yield a question for each turn, with the flags that its cell has now.

    The prompt and the system prompt are those that were sent.
    """
    sources = {cell.id: cell.source for cell in scope.cells}
    for index, turn in enumerate(turns):
        expected = estimate_turn(turn, turns[:index])
        options = default_options(scope.settings)
        try:
            call = find_call(turn, turns, sources)
            question = _with_flags(Question(turn, options, expected=expected), call, scope)
        except CellmageError as error:
            question = Question(turn, options, expected=expected, why_not=str(error))
        yield replace(question, options=_for_model(question, scope.model))


def find_call(turn: Turn, turns: Sequence[Turn], sources: Mapping[str, str]) -> PromptCall | None:
    """Return the prompt of a turn in its cell; None if the cell is not known.

    Args:
        turn: the turn.
        turns: all turns of the conversation.
        sources: the texts of the cells, by id.

    Raises:
        UsageError: the prompt cannot be found, or its flags cannot be parsed.
    """
    cell = turn.cell
    if cell is None or cell.cell_id not in sources:
        return None
    calls = find_calls(sources[cell.cell_id], is_ambient=True)
    index = 0 if len(calls) == 1 else cell.index
    if index >= len(calls) or (len(calls) > 1 and any(call.is_repeated for call in calls)):
        raise UsageError("which prompt of its cell it is cannot be told: the cell has a loop")
    if calls[index].args is None:
        raise UsageError(calls[index].problem)
    return calls[index]


def _with_flags(question: Question, call: PromptCall | None, scope: Scope) -> Question:
    """Return the question as the flags of its cell have it."""
    had_tools = bool(question.turn.response.steps)
    if call is None or call.args is None:
        return replace(question, why_not=_HAS_TOOLS if had_tools else "")
    args = call.args
    if (args.tool or had_tools) and not scope.with_tools:
        return replace(question, why_not=_HAS_TOOLS)
    options = call_options(scope.settings, args)
    schema = schema_from_flags(args, scope.variables)
    options = schema.apply_to(options) if schema else options
    named = stream_arguments(args, scope.variables, scope.settings.mcp)
    arguments = {name: named[name] for name in _ARGUMENTS if name in named}
    arguments["approve"] = scope.approve
    return replace(question, options=options, kind=_kind_of(args), arguments=arguments)


def _kind_of(args: Namespace) -> AnswerKind:
    """Return what counts of an answer: what the prompt asks for."""
    if args.json or args.schema:
        return "value"
    return "text" if args.code is None else "code"


def _for_model(question: Question, model: str) -> Options:
    """Return the options of a question, for another model, with the system prompt of then."""
    system = question.turn.system or None
    return replace(question.options, model=model, fallback=None, system=system)
