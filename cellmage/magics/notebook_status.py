"""The state of every prompt of a notebook: fresh, stale and why. Nothing is sent or changed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ..errors import CellmageError
from ..messages import Message, Request, Usage
from ..options import Options
from ..pipeline.redact import redact_text
from ..providers.registry import resolve_models
from ..providers.servers import ResolvedModel
from ..recording import Input, Inputs, Record, Recorder, Recording
from ..recording.differences import find_differences
from ..recording.estimates import estimate_question, estimate_turn
from ..recording.inputs import PROMPT
from ..tools import Tool, tools_by_name
from ..turns import CellRef, Turn
from .flag_rules import stream_arguments
from .prompt_cells import PromptCall
from .prompt_files import PromptFiles, add_system_text
from .prompt_now import PromptNow, read_now
from .settings import CALL_FLAGS, Settings, call_options
from .structured_output import schema_from_flags

_MAX_REASONS = 3
_TURN = "turn "


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of the notebook, with what is known of its answer.

    Args:
        name: its cell, as the user knows it.
        cell: the question of the cell.
        call: the prompt with its flags; None if it cannot be found in the cell.
        turn: its turn; None if there is none in the conversation.
        record: its kept answer.
        problem: why it cannot be found or understood.
    """

    name: str
    cell: CellRef
    call: PromptCall | None = None
    turn: Turn | None = None
    record: Record | None = None
    problem: str = ""

    @property
    def question(self) -> str:
        """The question as it is shown."""
        return self.turn.question if self.turn else self.call.text if self.call else ""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a prompt.

    Args:
        prompt: the prompt.
        state: ``"fresh"``, ``"stale"``, ``"partial"``, ``"never asked"`` or ``"unknown"``.
        why: in words; may be empty.
        model: who would be asked; None if that is not known.
        expected: about how many tokens asking takes.
    """

    prompt: Prompt
    state: str
    why: str = ""
    model: ResolvedModel | None = None
    expected: Usage = field(default_factory=lambda: Usage(0, 0))


@dataclass(slots=True)
class StatusReader:
    """Finds the states of prompts.

    Args:
        settings: the values for all that the flags of the cells leave open.
        files: the snippets and rules.
        variables: the variables of the user.
        recording: the kept answers; None if none are kept.
    """

    settings: Settings
    files: PromptFiles
    variables: Mapping[str, Any]
    recording: Recording | None = None
    _calls: dict[str, Options] = field(default_factory=dict)
    _models: dict[object, list[ResolvedModel]] = field(default_factory=dict)

    def read(self, prompts: Sequence[Prompt], turns: Sequence[Turn]) -> list[Status]:
        """Return the state of each prompt, in their order.

        A prompt is stale, too, if it comes after one that would be asked again.

        Args:
            prompts: the prompts, in the order of the notebook.
            turns: the turns of the conversation, in its order.
        """
        indexes = {turn.response.id: index for index, turn in enumerate(turns)}
        statuses: dict[int, Status] = {}
        changed = ""
        for number in sorted(range(len(prompts)), key=lambda n: _place(prompts[n], indexes)):
            prompt = prompts[number]
            index = indexes.get(prompt.turn.response.id, len(turns)) if prompt.turn else len(turns)
            status = self._status(prompt, turns[:index], changed)
            statuses[number] = status
            is_sent = prompt.turn is not None or status.state == "never asked"
            if status.state in ("stale", "partial") and is_sent:
                changed = changed or prompt.name
        return [statuses[number] for number in range(len(prompts))]

    def _status(self, prompt: Prompt, earlier: Sequence[Turn], changed: str) -> Status:
        call = prompt.call
        if call is None or call.args is None:
            return Status(prompt, "unknown", prompt.problem or (call.problem if call else ""))
        args = call.args
        if args.continue_answer:
            return Status(prompt, "unknown", "--continue is part of another answer")
        now = read_now(call, self.files, self.variables, self.settings.rules)
        try:
            options, tools = self._options(args, now)
            models = self._resolve(options)
        except CellmageError as error:
            return Status(prompt, "stale", f"the cell would fail: {error}")
        state, why = self._state(prompt, now, _Asked(options, tools, models, earlier), changed)
        if prompt.turn is not None:
            expected = estimate_turn(prompt.turn, earlier)
        else:
            expected = estimate_question(now.text, options.system or "", earlier)
        return Status(prompt, state, why, models[0] if models else None, expected)

    def _state(
        self, prompt: Prompt, now: PromptNow, asked: _Asked, changed: str
    ) -> tuple[str, str]:
        turn, record = prompt.turn, prompt.record
        response = turn.response if turn else record.response if record else None
        if response is None:
            return "never asked", ""
        if response.incomplete_reason and not (record and record.is_complete):
            return "partial", f"it was cut: {response.incomplete_reason}"
        if now.problem:
            return "stale", f"the cell would fail: {now.problem}"
        if record is not None and (turn is None or record.response.text == turn.response.text):
            reasons = list(islice(self._differences(record, turn, now, asked), _MAX_REASONS))
        else:
            reasons = list(_differences_of_turn(turn, now, asked)) if turn else []
        if not reasons and changed and turn is not None and not _ignores_turns(prompt):
            reasons = [f"{changed} would be asked again"]
        if reasons and not (record and self._has_kept(prompt, now, asked)):
            return "stale", "; ".join(reasons)
        unknown = [*now.unknown, *self._uncompared(now, record)]
        return ("unknown", "; ".join(unknown)) if unknown else ("fresh", "")

    def _has_kept(self, prompt: Prompt, now: PromptNow, asked: _Asked) -> bool:
        """Return whether an older answer than the newest one is kept for what is asked now."""
        if self.recording is None or not now.is_exact:
            return False
        earlier = () if _ignores_turns(prompt) else asked.earlier
        inputs = _inputs_of(Recorder(self.recording, values=now.values), now, asked, earlier)
        number = self.recording.claim_number(inputs, prompt.cell, is_asked=False)
        return bool((kept := self.recording.records.find(inputs, number)) and kept.is_complete)

    def _uncompared(self, now: PromptNow, record: Record | None) -> Iterator[str]:
        """Yield the values whose older fingerprints are not known."""
        if record is None:
            for name in now.values:
                yield f"what {name} was then is not known: its answer is not kept"

    def _options(
        self, args: Namespace, now: PromptNow
    ) -> tuple[Options, Mapping[str, Tool[..., Any]]]:
        """Return the options and the tools of a prompt, as its cell has them now."""
        key = repr([getattr(args, name) for name in CALL_FLAGS])
        if key not in self._calls:  # looks for files of aliases and personas
            self._calls[key] = call_options(self.settings, args)
        options = self._calls[key]
        options = add_system_text(options, now.system) if now.system else options
        if args.compare:  # the answer of one of them is the turn
            names = [args.select] if args.select else args.compare
            models = self.settings.aliases.expand_list(names) or names
            options = replace(options, model=models[0], fallback=None)
        schema = schema_from_flags(args, self.variables)
        options = schema.apply_to(options) if schema else options
        if not args.tool:
            return options, {}
        named = stream_arguments(args, self.variables, self.settings.mcp)
        return options, tools_by_name(named["tools"])

    def _resolve(self, options: Options) -> list[ResolvedModel]:
        """Return the models that would be asked; each name is looked for once."""
        key = (options.model, options.fallback, options.base_url)
        if key not in self._models:
            try:
                self._models[key] = resolve_models(options)
            except CellmageError:
                self._models[key] = []
        return self._models[key]

    def _differences(
        self, record: Record, turn: Turn | None, now: PromptNow, asked: _Asked
    ) -> Iterator[str]:
        """Yield how what a kept answer depends on has changed."""
        recorder = Recorder(self.recording or _NONE, values=now.values)
        is_marked = turn is not None and turn.stale
        earlier = asked.earlier if is_marked else ()
        inputs = _inputs_of(recorder, now, asked, earlier)
        then = record.inputs if is_marked else _without_turns(record.inputs)
        if now.unknown:
            then, inputs = _without_prompt(then), _without_prompt(inputs)
        elif _is_same_text(now, record.prompt):
            inputs = _with_prompt_of(inputs, then)
        yield from find_differences(then, inputs)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a prompt would be asked now.

    Args:
        options: with the model as the user names it.
        tools: by name.
        models: who would be asked.
        earlier: the turns before it.
    """

    options: Options
    tools: Mapping[str, Tool[..., Any]]
    models: Sequence[ResolvedModel]
    earlier: Sequence[Turn]


_NONE: Any = None


def _inputs_of(
    recorder: Recorder, now: PromptNow, asked: _Asked, earlier: Sequence[Turn]
) -> Inputs:
    """Return what the answer to a prompt would depend on."""
    history = [message for item in earlier for message in item.messages()]
    system = [Message("system", asked.options.system)] if asked.options.system else []
    question = Message("user", redact_text(now.text) or " ")
    tools = tuple(tool.schema for tool in asked.tools.values())
    request = Request((*system, *history, question), asked.options, tools=tools)
    return recorder.inputs(request, asked.tools)


def _differences_of_turn(turn: Turn, now: PromptNow, asked: _Asked) -> Iterator[str]:
    """Yield how a prompt differs from its turn, as far as the turn tells."""
    names = [model.model for model in asked.models]
    if names and turn.response.model and turn.response.model not in names:
        yield f"the model was {turn.response.model}"
    if (asked.options.system or "") != turn.system:
        yield "the system prompt changed"
    if not now.unknown and not _is_same_text(now, turn.prompt):
        yield "the prompt changed"
    if turn.stale:
        yield "an earlier cell was run again"


def _is_same_text(now: PromptNow, sent: str) -> bool:
    """Return whether a prompt that was sent, perhaps without its secrets, is that of now."""
    if now.matches(sent):
        return True
    return replace(now, text=redact_text(now.text)).matches(sent)


def _without_turns(inputs: Inputs) -> Inputs:
    return Inputs(tuple(item for item in inputs.items if not item.name.startswith(_TURN)))


def _without_prompt(inputs: Inputs) -> Inputs:
    return Inputs(tuple(item for item in inputs.items if not _is_of_prompt(item)))


def _is_of_prompt(item: Input) -> bool:
    return item.name == PROMPT or item.name.startswith("value ")


def _with_prompt_of(inputs: Inputs, other: Inputs) -> Inputs:
    """Return inputs with the prompt of others."""
    prompt = other.by_name().get(PROMPT)
    items = (prompt if prompt and item.name == PROMPT else item for item in inputs.items)
    return Inputs(tuple(items))


def _ignores_turns(prompt: Prompt) -> bool:
    return bool(prompt.call and prompt.call.args and prompt.call.args.no_history)


def _place(prompt: Prompt, indexes: Mapping[str, int]) -> int:
    """Return the place of a prompt in its conversation; one without a turn is after all turns."""
    return indexes.get(prompt.turn.response.id, len(indexes)) if prompt.turn else len(indexes)
