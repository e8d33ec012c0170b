"""What can happen while an answer arrives.

The order is a law: `Start` comes first, `Complete` comes last, anything may come between.
A stream without a `Complete` ended by an error, or was left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .messages import Usage


@dataclass(frozen=True, slots=True)
class Start:
    """The request is handed to a provider."""

    model: str
    provider: str
    type: ClassVar[Literal["start"]] = "start"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer, as it came: not always one token, never empty."""

    text: str
    type: ClassVar[Literal["token"]] = "token"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thinks before it answers."""

    text: str
    type: ClassVar[Literal["reasoning"]] = "reasoning"


@dataclass(frozen=True, slots=True)
class Status:
    """What is being done at the moment, such as waiting; the next one takes its place."""

    text: str
    type: ClassVar[Literal["status"]] = "status"


@dataclass(frozen=True, slots=True)
class Document:
    """A passage that was found for the question.

    Args:
        title: of the document.
        text: of the passage.
        source: where it is: a path, an address.
        line: where in the source it begins, from 1; 0 where that means nothing.
    """

    title: str
    text: str
    source: str = ""
    line: int = 0
    type: ClassVar[Literal["document"]] = "document"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool to be run.

    Those of one round come one after the other, then their results in the same order.

    Args:
        id: names the request.
        name: of the tool.
        arguments: a JSON object, exactly as the model wrote it, which may be none.
    """

    id: str
    name: str
    arguments: str
    type: ClassVar[Literal["tool_call"]] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told of a tool that it asked for.

    Args:
        id: of the request.
        name: of the tool.
        content: the result, or why there is none.
    """

    id: str
    name: str
    content: str
    type: ClassVar[Literal["tool_result"]] = "tool_result"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A model failed before its first word, and another one is asked.

    Args:
        model: the model that is asked now.
        provider: the provider that is asked now.
        reason: why the one before it failed.
    """

    model: str
    provider: str
    reason: str
    type: ClassVar[Literal["fallback"]] = "fallback"


@dataclass(frozen=True, slots=True)
class Notice:
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
class Complete:
    """The answer came to its end."""

    finish_reason: str | None = None
    usage: Usage | None = None
    type: ClassVar[Literal["complete"]] = "complete"


Event = (
    Start
    | Token
    | Reasoning
    | Status
    | Document
    | ToolCall
    | ToolResult
    | Fallback
    | Notice
    | Complete
)

CONTENT_EVENTS = (Token, Reasoning, ToolCall, ToolResult)
"""The events that are content of the answer; after the first of them nothing is asked again."""
