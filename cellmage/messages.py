"""The values of a question and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

from .code_blocks import CodeBlock, find_code_blocks
from .content import Content, map_texts, text_of
from .marks import Mark
from .options import Options
from .preview import answer_line, answer_markdown
from .text import Encodable, join_surrogates, strip_control_chars

CONTINUE_PROMPT = "Go on exactly where your answer broke off. Repeat nothing and introduce nothing."
"""The prompt that continues an answer that was cut."""

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolInvocation(Encodable):
    """A tool call of the model, with its result.

    Args:
        id: the id of the call; the result is sent back with it.
        name: the name of the tool.
        arguments: a JSON object as the model wrote it.
        result: the text that the model receives; a call that never ran says so.

    Example:
        >>> ToolInvocation("c1", "weather", '{"city": "Oslo"}').result
        'cancelled: it was not run to its end'
    """

    id: str
    name: str
    arguments: str
    result: str = "cancelled: it was not run to its end"


@dataclass(frozen=True, slots=True)
class ProviderState(Encodable):
    """What a provider demands back with the next request: encrypted reasoning, signatures.

    It is never shown, and sent to the provider and the family of models that made it alone.

    Args:
        api: the API that it belongs to: ``"chat"``, ``"responses"`` or ``"messages"``.
        item: a JSON object, as the provider sent it.
        provider: the name of the provider that made it.
        model: the name of the model that made it.

    Example:
        >>> state = ProviderState("chat", '{"reasoning_content": "Hm."}')
        >>> Message("assistant", "Hello", state=(state,)).state[0].api
        'chat'
    """

    api: str
    item: str
    provider: str = ""
    model: str = ""
    type: ClassVar[Literal["provider_state"]] = "provider_state"


@dataclass(frozen=True, slots=True)
class Message(Encodable):
    """One message of a chat.

    Args:
        role: who the message is from.
        content: its text; or its parts in order, if a user's message has images or files.
        tool_calls: the tool calls of an assistant's message.
        tool_call_id: the id of the call that a tool's message answers; else empty.
        state: what the provider of an assistant's message demands back, in its order.

    Example:
        >>> from cellmage import Image
        >>> Message("user", ("What is this?", Image(url="https://example.org/a.png"))).text
        'What is this?'
    """

    role: Role
    content: Content
    tool_calls: tuple[ToolInvocation, ...] = ()
    tool_call_id: str = ""
    state: tuple[ProviderState, ...] = ()

    def __post_init__(self) -> None:
        Encodable.__post_init__(self)
        object.__setattr__(self, "content", map_texts(self.content, join_surrogates))

    @property
    def text(self) -> str:
        """The text of the message, without its images and files."""
        return text_of(self.content)


@dataclass(frozen=True, slots=True)
class ToolStep(Encodable):
    """One step of an answer with tools: a text, the tool calls after it, and their results.

    Args:
        text: the text that the model wrote before it called tools; may be empty.
        calls: the calls, with their results.
        state: what the provider demands back with this step.

    Example:
        >>> calls = (ToolInvocation("c1", "add", '{"a": 1}', "3"),)
        >>> [message.role for message in ToolStep("Let me see.", calls).messages()]
        ['assistant', 'tool']
    """

    text: str
    calls: tuple[ToolInvocation, ...]
    state: tuple[ProviderState, ...] = ()

    def messages(self) -> tuple[Message, ...]:
        """Return the step as it is sent: no call without its result."""
        results = (Message("tool", call.result, tool_call_id=call.id) for call in self.calls)
        return Message("assistant", self.text, self.calls, state=self.state), *results


@dataclass(frozen=True, slots=True)
class Document(Encodable):
    """A passage that a search found for the question, or a source that the provider names.

    Args:
        title: the title of the document.
        text: the text of the passage; empty where it is not known, as in a stored answer.
        source: the path or the address of the document; may be empty.
        line: the line of the source where the passage begins, from 1; 0 if it has no lines.
    """

    title: str
    text: str
    source: str = ""
    line: int = 0
    type: ClassVar[Literal["document"]] = "document"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a model.

    Args:
        messages: the messages in order, at least one.
        options: the resolved options.
        notices: lines for the user about the request, such as turns that were left out.
        continues_id: the id of the answer that this request continues; else empty.
        tools: the tools that the model may call, as JSON schemas: see `cellmage.tools.Tool.schema`.
    """

    messages: tuple[Message, ...]
    options: Options
    notices: tuple[str, ...] = ()
    continues_id: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; a count that it does not send is None.

    Args:
        input_tokens: tokens of the request.
        output_tokens: tokens of the answer.
        cached_tokens: tokens of the request that the provider had in its cache; they cost less.
        reasoning_tokens: tokens of the answer that are reasoning; ``output_tokens`` contains them.
        cache_write_tokens: tokens of the request that were written to the cache; ``input_tokens``
            contains them, as it does the cached ones.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None

    def __repr__(self) -> str:
        counts = ((count.name, getattr(self, count.name)) for count in fields(self))
        items = (f"{name}={count}" for name, count in counts if count is not None)
        return f"Usage({', '.join(items)})"


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of an answer, in seconds from the start of its request.

    Args:
        time_to_first_token: seconds until the first token arrived; None if none did.
        duration: seconds until the end.
        chunks: number of pieces in which the text arrived.
    """

    time_to_first_token: float | None
    duration: float
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Response(Encodable):
    """An answer, complete or not.

    Args:
        text: exactly the characters that were received.
        reasoning: the text that the model sent as its reasoning.
        model: the name of the model, as in the request.
        provider: the name of the provider that answered.
        finish_reason: why the model stopped, in the provider's word; None if it did not say.
        usage: the provider's own count; None if it sent none, never an estimate.
        timings: the times of the answer.
        incomplete_reason: None for a complete answer, else what cut it: ``"interrupted"``,
            ``"closed"``, ``"killed"``, or the ``kind`` of the error.
        notices: lines for the user about the answer.
        id: the id of the response, and so of its turn, also in the notebook's file.
        steps: the steps with tool calls; their texts are the beginning of ``text``.
        sources: the passages that a search found for it, and the sources that the provider named.
        state: what the provider demands back with the text after the last tool call.
        kept_from: the day on which a recorded answer was asked, as ``"2026-11-27"``; empty if the
            model was asked now.
        marks: what is known about places of ``text`` after its code and figures were checked.

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
    sources: tuple[Document, ...] = ()
    state: tuple[ProviderState, ...] = ()
    kept_from: str = ""
    marks: tuple[Mark, ...] = ()

    def __str__(self) -> str:
        """Return the text for a terminal; `text` has it as it was received."""
        return strip_control_chars(self.text)

    def __repr__(self) -> str:
        return answer_line(self.text, self.model, self.incomplete_reason or "complete")

    def _repr_markdown_(self) -> str:
        """Return the text for a notebook that shows the response."""
        return answer_markdown(self.text, is_complete=self.incomplete_reason is None)

    @property
    def has_content(self) -> bool:
        """True if there is something to send again: a text, or tools that were run.

        Steps that only reached their limit would reach it again where they are sent.
        """
        return bool(self.text or (self.steps and self.incomplete_reason != "tool_limit"))

    @property
    def final_text(self) -> str:
        """The text after the last tool call."""
        return self.text[sum(len(step.text) for step in self.steps) :]

    @property
    def code(self) -> list[CodeBlock]:
        """The code blocks of the text, in order; each has its ``language``."""
        return find_code_blocks(self.text)

    def with_final_text(self, text: str, id: str) -> Response:
        """Return a complete response with another text after the last tool call.

        Counts, times and the state of the provider belong to the old text.
        """
        before = self.text[: len(self.text) - len(self.final_text)]
        old = replace(self, usage=None, timings=None, state=(), notices=(), reasoning="", marks=())
        return replace(old, text=before + text, incomplete_reason=None, id=id)

    def messages(self) -> tuple[Message, ...]:
        """Return the answer as it is sent."""
        steps = tuple(message for step in self.steps for message in step.messages())
        final_text = self.final_text
        final = (Message("assistant", final_text, state=self.state),) if final_text else ()
        return (*steps, *final)
