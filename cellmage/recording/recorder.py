"""What is recorded for one question: passed to `Conversation.stream`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from ..errors import ConfigError
from ..fingerprint import Fingerprint, fingerprint
from ..messages import Request
from ..options import Options
from ..pipeline.base import Ask, compose
from ..providers.registry import DEFAULT_OFFLINE_MODEL, default_model
from ..tools import Tool
from ..turns import CellRef
from .inputs import Inputs, make_inputs
from .recording import Policy, Recording
from .stage import RecordingStage


@dataclass(frozen=True, slots=True)
class Recorder:
    """What is recorded for one question: passed to `Conversation.stream`.

    Args:
        recording: where answers are kept, and what may be done.
        values: the fingerprints of what was inserted, attached or searched, by name; None for a
            value that has none.
        policy: what may be done for this question; None is that of the recording.
        cell: the cell that asks, for an answer that becomes no turn of it.
        turn_names: the names of the turns before the question, for the user, such as
            ``"cell [3]"``; without them they are numbered.
        confirm: decides, on the consumer's thread, whether the model is asked in place of an
            answer that is out of date; is given the reason. None always asks the model.
        before_ask: called before a model is asked; raises an error if it may not be.
        check: returns, on the consumer's thread, what is wrong with the text of a kept answer; such
            an answer is asked for again.

    Example:
        >>> from cellmage import Conversation
        >>> from cellmage.recording import KEEP, MemoryRecords, Recording
        >>> from cellmage.turns import CellRef
        >>> recorder = Recorder(Recording(MemoryRecords(), KEEP))
        >>> named = {"model": "offline/echo", "recorder": recorder}
        >>> chat, cell = Conversation(), CellRef("c1", 0)
        >>> [bool(chat.ask("Hi", cell=cell, **named).kept_from) for _ in range(2)]
        [False, True]
    """

    recording: Recording
    values: Mapping[str, Fingerprint | None] = field(default_factory=dict)
    policy: Policy | None = None
    cell: CellRef | None = None
    turn_names: Sequence[str] = ()
    confirm: Callable[[str], bool] | None = None
    before_ask: Callable[[], object] | None = None
    check: Callable[[str], str] | None = None

    @property
    def active_policy(self) -> Policy:
        """What may be done for this question."""
        return self.policy or self.recording.policy

    def inputs(self, request: Request, tools: Mapping[str, Tool[..., Any]]) -> Inputs:
        """Return what the answer to a request depends on.

        Args:
            request: the request, with the model as the user named it.
            tools: its tools, by name.
        """
        return make_inputs(
            request,
            _name_of(request.options),
            _sources(tools),
            self.values,
            is_default_model=request.options.model is None,
        )

    def around(
        self,
        ask: Ask,
        request: Request,
        tools: Mapping[str, Tool[..., Any]],
        cell: CellRef | None,
        ask_rest: Ask | None = None,
    ) -> Ask:
        """Return a way to ask that answers from the recording, or records the answer.

        Args:
            ask: sends the request.
            request, tools: as for `inputs`.
            cell: the cell that asks.
            ask_rest: sends the request that continues an answer that was cut; None is `ask`.
        """
        return compose(ask, [self._stage(request, tools, self.cell or cell, ask_rest)])

    def forecast(self, request: Request, tools: Mapping[str, Tool[..., Any]]) -> str:
        """Return what would happen to a question that is not asked; empty if nothing is kept.

        Args:
            request, tools: as for `inputs`.
        """
        return self._stage(request, tools, self.cell, None).forecast(request)

    def _stage(
        self,
        request: Request,
        tools: Mapping[str, Tool[..., Any]],
        cell: CellRef | None,
        ask_rest: Ask | None,
    ) -> RecordingStage:
        find_inputs = partial(
            make_inputs,
            model=_name_of(request.options),
            tools=_sources(tools),  # as they are now, and on this thread
            values=self.values,
            is_default_model=request.options.model is None,
        )
        return RecordingStage(
            self.recording,
            self.active_policy,
            find_inputs,
            cell,
            any_model=not self.active_policy.asks or _is_unknown(request.options),
            ask_rest=ask_rest,
            turn_names=self.turn_names,
            confirm=self.confirm,
            before_ask=self.before_ask,
            check=self.check,
        )

    def response_id(self, request: Request, tools: Mapping[str, Tool[..., Any]]) -> str:
        """Return the id of the response: in a replay the same each time, else a random one.

        Args:
            request, tools: as for `inputs`.
        """
        if self.active_policy.asks:
            return uuid4().hex
        return self.recording.next_id(self.inputs(request, tools))


def _name_of(options: Options) -> str:
    """Return the models as the user named them."""
    first = options.model or _default_model(options)
    return ",".join([first, *(options.fallback or ())])


def _default_model(options: Options) -> str:
    try:
        return default_model(base_url=options.base_url)
    except ConfigError:  # the model is asked for its key if no answer is recorded
        return DEFAULT_OFFLINE_MODEL


def _is_unknown(options: Options) -> bool:
    """Return whether the user names no model, and none is configured on this machine."""
    return options.model is None and _default_model(options) == DEFAULT_OFFLINE_MODEL


def _sources(tools: Mapping[str, Tool[..., Any]]) -> Mapping[str, Fingerprint | None]:
    """Return the fingerprints of tools; what a server runs is known by its schema alone."""
    local_tools = {name: tool for name, tool in tools.items() if type(tool) is Tool}
    return {name: fingerprint(tool.function) for name, tool in local_tools.items()}
