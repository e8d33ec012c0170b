"""The values that a question and its answer are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple

from .addresses import host_of
from .errors import UsageError

GO_ON = "Go on exactly where your answer broke off. Repeat nothing and introduce nothing."
"""What is asked to get the rest of an answer that was cut."""

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Call:
    """A model's request to run a tool, and what came of it.

    Args:
        id: names the request; the result is sent back under it.
        name: of the tool.
        arguments: a JSON object, exactly as the model wrote it.
        result: what the model is told; a call that was never run says so here.
    """

    id: str
    name: str
    arguments: str
    result: str = "cancelled: it was not run to its end"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat: who says it, and what.

    ``calls`` are the tools that an assistant's message asks for; ``call_id`` is the one that a
    tool's message answers.
    """

    role: Role
    content: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What a model wrote before it asked for tools, and the tools with their results."""

    text: str
    calls: tuple[Call, ...]

    def messages(self) -> tuple[Message, ...]:
        """The round as it is sent: no request without its result."""
        results = (Message("tool", call.result, call_id=call.id) for call in self.calls)
        return Message("assistant", self.text, self.calls), *results


# What a number must be, by the name of its field; the words are shown to the reader.
_RANGES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "temperature": (lambda value: 0 <= value <= 2, "a number from 0 to 2"),
    "max_tokens": (lambda value: value >= 1, "a whole number from 1 up"),
    "connect_timeout": (lambda value: value > 0, "seconds above 0"),
    "first_byte_timeout": (lambda value: value > 0, "seconds above 0"),
    "timeout": (lambda value: value > 0, "seconds above 0"),
    "idle_timeout": (lambda value: value > 0, "seconds above 0"),
    "context_turns": (lambda value: value >= 0, "a whole number from 0 up"),
    "max_context": (lambda value: value >= 1, "a whole number from 1 up"),
}

# What no parameter may be called, and what to use in its place.
_NOT_PARAMS: Mapping[str, str] = {
    "model": "use --model",
    "temperature": "use --temperature",
    "max_tokens": "use --max-tokens",
    "max_completion_tokens": "use --max-tokens",
    "stream": "use --stream or --no-stream",
    "stream_options": "it is always set",
    "messages": "they are the conversation's",
    **dict.fromkeys(
        ("api_key", "authorization", "headers", "extra_headers", "default_headers"),
        "keys and headers are not for notebooks, which keep them; a key comes from the environment",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to ask. A field that is None is unset, and leaves the choice to the next layer.

    Args:
        model: ``provider/model``, or a bare name for the configured endpoint; several, with
            commas between them, are asked in turn until one answers.
        fallback: further models to ask when those before fail before their first word.
        temperature: 0 to 2.
        max_tokens: the longest answer, in tokens.
        stream: show the answer as it is written; False shows it once, whole.
        system: the system prompt.
        base_url: the address of an OpenAI-compatible server, for this request alone.
        connect_timeout: seconds that making the connection may take.
        first_byte_timeout: seconds that the server may take to begin its reply.
        timeout: seconds that the first word may take.
        idle_timeout: seconds that may pass between two pieces of the answer.
        stop_at: phrases that end the answer where they come; it is closed there, and complete.
        watch: words that the reader is told of when they are first seen.
        context_turns: how many earlier turns are sent, the newest.
        max_context: tokens that what is sent may have; the newest turns that fit are sent.
        params: further parameters of the provider, by name; sent as they are.

    Raises:
        UsageError: a number is out of its range, or a parameter is not the caller's to set.
        ConfigError: the base URL is none, or holds a password or a key.

    Example:
        >>> Options.resolve(Options(model="a"), Options(model="b", temperature=1)).temperature
        1
    """

    model: str | None = None
    fallback: tuple[str, ...] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    system: str | None = None
    base_url: str | None = None
    connect_timeout: float | None = None
    first_byte_timeout: float | None = None
    timeout: float | None = None
    idle_timeout: float | None = None
    stop_at: tuple[str, ...] | None = None
    watch: tuple[str, ...] | None = None
    context_turns: int | None = None
    max_context: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (fits, wanted) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and fits(value)):
                raise UsageError(f"{name} is {value}; it must be {wanted}")
        if self.base_url:
            host_of(self.base_url)
        for name in self.params:
            if why := _NOT_PARAMS.get(name.lower().replace("-", "_")):
                raise UsageError(f"the parameter {name} cannot be set: {why}")

    @staticmethod
    def resolve(*layers: Options) -> Options:
        """The first layer that sets a field wins; ``params`` are merged name by name."""
        names = [f.name for f in fields(Options) if f.name != "params"]
        chosen = {
            name: next((v for v in (getattr(la, name) for la in layers) if v is not None), None)
            for name in names
        }
        params: dict[str, Any] = {}
        for layer in reversed(layers):
            params.update(layer.params)
        return Options(**chosen, params=params)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: the messages in order, and the resolved options. Built once.

    ``notes`` are lines for the reader about what is sent, such as what was left out. ``continues``
    is the id of the answer that this one goes on from. ``tools`` are those that the model may ask
    for, as JSON schemas: see `cellmage.tools.Tool.schema`.
    """

    messages: tuple[Message, ...]
    options: Options
    notes: tuple[str, ...] = ()
    continues: str = ""
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
    """Seconds from the start of the request; ``first_word`` is None if no word came.

    ``chunks`` are the pieces in which the text came.
    """

    first_word: float | None
    total: float
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
        partial: None for an answer that came to its end, else what cut it:
            ``"interrupted"``, ``"closed"``, or the ``kind`` of the error.
        notices: what the reader should be told about the answer, a line each.
        id: names the answer, and so its turn, also in the notebook's file.
        rounds: the tools that were asked for on the way; their texts are the beginning of ``text``.

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
    partial: str | None = None
    notices: tuple[str, ...] = ()
    id: str = ""
    rounds: tuple[Round, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to send again: a text, or tools that were run.

        Rounds that came to nothing but their limit would only go on where they are sent again.
        """
        return bool(self.text or (self.rounds and self.partial != "tool_limit"))

    @property
    def rest(self) -> str:
        """The text after the last tool."""
        return self.text[sum(len(each.text) for each in self.rounds) :]

    def messages(self) -> tuple[Message, ...]:
        """The answer as it is sent."""
        rounds = tuple(message for each in self.rounds for message in each.messages())
        return (*rounds, Message("assistant", self.rest)) if self.rest else rounds


class CellKey(NamedTuple):
    """Which question of which cell: the cell's id, and the how-manieth of its run (from 0)."""

    cell: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and its response, with the cell that asked (None outside of one).

    ``stale`` marks an answer that was given before an earlier cell was run again. ``earlier`` are
    the attempts that this one took the place of, the oldest first; they are never sent. ``system``
    is the system prompt that went with it.
    """

    prompt: str
    response: Response
    key: CellKey | None = None
    stale: bool = False
    earlier: tuple[Turn, ...] = ()
    system: str = ""

    @property
    def state(self) -> str:
        """``"partial"``, ``"stale"`` or ``"complete"``, the first that holds."""
        if self.response.partial:
            return "partial"
        return "stale" if self.stale else "complete"

    def as_stale(self) -> Turn:
        """The same turn, marked stale."""
        return replace(self, stale=True)

    def as_rest_of(self, cut: Turn) -> Turn:
        """The turn that a cut one and this one, which went on from it, are together."""
        old, new = cut.response, self.response
        text, reasoning = old.text + new.text, old.reasoning + new.reasoning
        rounds = new.rounds
        if rounds:
            rounds = (replace(rounds[0], text=old.rest + rounds[0].text), *rounds[1:])
        whole = replace(new, text=text, reasoning=reasoning, rounds=old.rounds + rounds)
        return replace(cut, response=whole)

    def in_place_of(self, old: Turn) -> Turn:
        """The same turn, with an older attempt, and those before that one, kept behind it."""
        return replace(self, earlier=(*old.earlier, replace(old, earlier=())))

    def messages(self) -> tuple[Message, ...]:
        """The turn as it is sent: the question, then the answer."""
        return Message("user", self.prompt), *self.response.messages()
