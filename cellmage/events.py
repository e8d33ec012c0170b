"""The events of an answer while it arrives.

Their order is a law: `Start` is first, `Complete` is last, and the others come between them. A
stream without a `Complete` ended with an error, or was left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .marks import Mark as Mark  # noqa: PLC0414 - an event has them
from .messages import Document as Document  # noqa: PLC0414 - an event that a `Response` keeps
from .messages import ProviderState as ProviderState  # noqa: PLC0414 - kept, too
from .messages import Timings, Usage
from .text import Encodable


@dataclass(frozen=True, slots=True)
class Start(Encodable):
    """The request is handed to a provider.

    Args:
        model: the name of the model, as in the request.
        provider: the name of the provider.
    """

    model: str
    provider: str
    type: ClassVar[Literal["start"]] = "start"


@dataclass(frozen=True, slots=True)
class Token(Encodable):
    """A piece of the answer's text, as the provider sent it.

    Args:
        text: one or more characters; a piece is not always one token of the model.
    """

    text: str
    type: ClassVar[Literal["token"]] = "token"


@dataclass(frozen=True, slots=True)
class Reasoning(Encodable):
    """A piece of the model's reasoning, which precedes the answer.

    Args:
        text: one or more characters.
    """

    text: str
    type: ClassVar[Literal["reasoning"]] = "reasoning"


@dataclass(frozen=True, slots=True)
class Reclassification(Encodable):
    """The end of the text so far is reasoning: it had to be passed on before this was known.

    Some chat templates begin the reasoning themselves. Then the server sends only its end tag.

    Args:
        text: the text that is reasoning; the text of the answer so far ends with it.
    """

    text: str
    type: ClassVar[Literal["reclassification"]] = "reclassification"


@dataclass(frozen=True, slots=True)
class Status(Encodable):
    """A line about the work at the moment, such as a wait; the next status replaces it.

    Args:
        text: the line; an empty one removes the status before it.
        call_id: the id of the tool call that it is about; empty for the answer.
    """

    text: str
    call_id: str = ""
    type: ClassVar[Literal["status"]] = "status"


@dataclass(frozen=True, slots=True)
class ToolCall(Encodable):
    """The model calls a tool.

    All calls of a step precede their results, which have the same order.

    Args:
        id: the id of the call.
        name: the name of the tool.
        arguments: a JSON object as the model wrote it, which may be malformed.
    """

    id: str
    name: str
    arguments: str
    type: ClassVar[Literal["tool_call"]] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResult(Encodable):
    """The result of a tool call, as the model receives it.

    Args:
        id: the id of the call.
        name: the name of the tool.
        content: the result, or why there is none.
    """

    id: str
    name: str
    content: str
    type: ClassVar[Literal["tool_result"]] = "tool_result"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A model failed before its first token, and another model is asked.

    Args:
        model: the model that is asked now.
        provider: the provider that is asked now.
        reason: why the model before it failed.
    """

    model: str
    provider: str
    reason: str
    type: ClassVar[Literal["fallback"]] = "fallback"


@dataclass(frozen=True, slots=True)
class Notice(Encodable):
    """A line that tells the user something about the answer.

    Args:
        kind: one word for programs.
        text: the line; it names an option in backquotes: see `cellmage.errors.spell_option`.
        once: True if a notebook shows it once in the life of a kernel.
        option: the name of the option or method that the line advises, or empty.
    """

    kind: str
    text: str
    once: bool = False
    option: str = ""
    type: ClassVar[Literal["notice"]] = "notice"


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer is a recorded one; no model was asked. It follows `Start`.

    Args:
        asked_on: the day of the request, as ``"2026-11-27"``.
        is_told: True if the user is told.
        timings: the times of the recorded answer; None if they were not recorded.
    """

    asked_on: str
    is_told: bool
    timings: Timings | None = None
    type: ClassVar[Literal["kept"]] = "kept"


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known about places of the answer, after its end: it precedes `Complete`.

    Args:
        marks: in the order of their places.
    """

    marks: tuple[Mark, ...]
    type: ClassVar[Literal["marks"]] = "marks"


@dataclass(frozen=True, slots=True)
class Complete:
    """The answer has reached its end.

    Args:
        finish_reason: why the model stopped, in the provider's word; None if it did not say.
        usage: the provider's count of tokens; None if it sent none.
    """

    finish_reason: str | None = None
    usage: Usage | None = None
    type: ClassVar[Literal["complete"]] = "complete"


Event = (
    Start
    | Token
    | Reasoning
    | Reclassification
    | Status
    | Document
    | ProviderState
    | ToolCall
    | ToolResult
    | Fallback
    | Notice
    | Kept
    | Marks
    | Complete
)

CONTENT_EVENTS = (Token, Reasoning, ToolCall, ToolResult)
"""The events that are content of the answer; after the first of them nothing is asked again."""
