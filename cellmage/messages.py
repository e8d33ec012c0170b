"""The values that a question and its answer are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from .options import Options

CONTINUE_PROMPT = "Go on exactly where your answer broke off. Repeat nothing and introduce nothing."
"""What is asked to get the rest of an answer that was cut."""

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """A model's request to run a tool, and what came of it.

    Args:
        id: names the request; the result is sent back under it.
        name: of the tool.
        arguments: a JSON object, exactly as the model wrote it.
        result: what the model is told; a call that was never run says so here.

    Example:
        >>> ToolInvocation("c1", "weather", '{"city": "Oslo"}').result
        'cancelled: it was not run to its end'
    """

    id: str
    name: str
    arguments: str
    result: str = "cancelled: it was not run to its end"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat: who says it, and what.

    ``tool_calls`` are the tools that an assistant's message asks for; ``tool_call_id`` is the one that a
    tool's message answers.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolInvocation, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolStep:
    """What a model wrote before it asked for tools, and the tools with their results.

    Example:
        >>> calls = (ToolInvocation("c1", "add", '{"a": 1}', "3"),)
        >>> [message.role for message in ToolStep("Let me see.", calls).messages()]
        ['assistant', 'tool']
    """

    text: str
    calls: tuple[ToolInvocation, ...]

    def messages(self) -> tuple[Message, ...]:
        """The round as it is sent: no request without its result."""
        results = (Message("tool", call.result, tool_call_id=call.id) for call in self.calls)
        return Message("assistant", self.text, self.calls), *results


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: the messages in order, and the resolved options. Built once.

    ``notices`` are lines for the reader about what is sent, such as what was left out. ``continues_id``
    is the id of the answer that this one goes on from. ``tools`` are those that the model may ask
    for, as JSON schemas: see `cellmage.tools.Tool.schema`.
    """

    messages: tuple[Message, ...]
    options: Options
    notices: tuple[str, ...] = ()
    continues_id: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None where it did not say.

    ``cached_tokens`` are those of the input that it had read before, which cost less.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds from the start of the request; ``time_to_first_token`` is None if no word came.

    ``chunks`` are the pieces in which the text came.
    """

    time_to_first_token: float | None
    duration: float
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole or partial.

    Args:
        text: exactly the characters that were received.
        reasoning: what the model sent as its reasoning.
        model: the model as the request named it.
        provider: the name of the provider that answered.
        finish_reason: why the model stopped, in the provider's word; None if it did not say.
        usage: the provider's own count; None when it gave none, never an estimate.
        timings: when the first word came, and how long it took in all.
        incomplete_reason: None for an answer that came to its end, else what cut it:
            ``"interrupted"``, ``"closed"``, or the ``kind`` of the error.
        notices: what the reader should be told about the answer, a line each.
        id: names the answer, and so its turn, also in the notebook's file.
        steps: the tools that were asked for on the way; their texts are the beginning of ``text``.

    Example:
        >>> str(Response("Hello", model="m", provider="p"))
        'Hello'
    """

    text: str
    reasoning: str = ""
    model: str = ""
    provider: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    incomplete_reason: str | None = None
    notices: tuple[str, ...] = ()
    id: str = ""
    steps: tuple[ToolStep, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def has_content(self) -> bool:
        """Whether there is anything to send again: a text, or tools that were run.

        Rounds that came to nothing but their limit would only go on where they are sent again.
        """
        return bool(self.text or (self.steps and self.incomplete_reason != "tool_limit"))

    @property
    def final_text(self) -> str:
        """The text after the last tool."""
        return self.text[sum(len(each.text) for each in self.steps) :]

    def messages(self) -> tuple[Message, ...]:
        """The answer as it is sent."""
        rounds = tuple(message for each in self.steps for message in each.messages())
        return (*rounds, Message("assistant", self.final_text)) if self.final_text else rounds


class News(NamedTuple):
    """What has come of an answer: the text since it was last asked, and all rounds so far."""

    text: str
    rounds: tuple[ToolStep, ...] = ()


@dataclass(frozen=True, slots=True)
class CellRef:
    """A reference to one question of a cell.

    Args:
        cell_id: the id of the cell, as the front end sends it.
        index: the zero-based index of the question within one run of the cell.

    Example:
        >>> CellRef("c1", 0).cell_id
        'c1'
    """

    cell_id: str
    index: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and its response, with the cell that asked (None outside of one).

    ``stale`` marks an answer that was given before an earlier cell was run again. ``previous_attempts`` are
    the attempts that this one took the place of, the oldest first; they are never sent. ``system``
    is the system prompt that went with it.

    Example:
        >>> [message.content for message in Turn("Hi", Response("Hello")).messages()]
        ['Hi', 'Hello']
    """

    prompt: str
    response: Response
    cell: CellRef | None = None
    stale: bool = False
    previous_attempts: tuple[Turn, ...] = ()
    system: str = ""

    @property
    def state(self) -> str:
        """``"partial"``, ``"stale"`` or ``"complete"``, the first that holds."""
        if self.response.incomplete_reason:
            return "partial"
        return "stale" if self.stale else "complete"

    def mark_stale(self) -> Turn:
        """The same turn, marked stale."""
        return replace(self, stale=True)

    def continue_from(self, cut: Turn) -> Turn:
        """The turn that a cut one and this one, which went on from it, are together."""
        old, new = cut.response, self.response
        text, reasoning = old.text + new.text, old.reasoning + new.reasoning
        rounds = new.steps
        if rounds:
            rounds = (replace(rounds[0], text=old.final_text + rounds[0].text), *rounds[1:])
        whole = replace(new, text=text, reasoning=reasoning, steps=old.steps + rounds)
        return replace(cut, response=whole)

    def supersede(self, old: Turn) -> Turn:
        """The same turn, with an older attempt, and those before that one, kept behind it."""
        return replace(
            self, previous_attempts=(*old.previous_attempts, replace(old, previous_attempts=()))
        )

    def messages(self) -> tuple[Message, ...]:
        """The turn as it is sent: the question, then the answer."""
        return Message("user", self.prompt), *self.response.messages()
