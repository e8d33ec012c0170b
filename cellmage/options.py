"""The options of a question: what may be set, in what ranges, and which layer wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

from .arguments import (
    FLAG,
    NAME,
    NAMES,
    PARAMETERS,
    TEXT,
    TEXTS,
    Kind,
    check,
    choice_of,
    instance_of,
    number,
    whole_number,
)
from .errors import UsageError
from .urls import normalize_base_url

APIS = ("chat", "responses", "messages", "ollama")
"""Chat completions, OpenAI's Responses, Anthropic's Messages, Ollama's own."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "max")
"""How much a model may reason before it answers; each API has its own words for them."""

DATA_LEVELS = ("schema", "stats", "rows")
"""What may be sent of tables: see `cellmage.describe`."""

_SECONDS = number("seconds above 0", lambda value: value > 0)

_KINDS: Mapping[str, Kind[Any]] = {
    "model": NAME,
    "fallback": NAMES,
    "temperature": number("a number from 0 to 2", lambda value: 0 <= value <= 2),
    "effort": choice_of(*EFFORTS),
    "api": choice_of(*APIS),
    "max_tokens": whole_number(1),
    "stream": FLAG,
    "system": TEXT,
    "base_url": TEXT,
    "connect_timeout": _SECONDS,
    "first_byte_timeout": _SECONDS,
    "timeout": _SECONDS,
    "idle_timeout": _SECONDS,
    "stop_at": TEXTS,
    "watch": TEXTS,
    "max_context_turns": whole_number(0),
    "max_context_tokens": whole_number(1),
    "droppable": NAMES,
}
"""What each option must be if it is set."""

# The parameters that `extra_body` must not hold, and what to use in their place.
_RESERVED_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "model": ("use `model`", "model"),
    "temperature": ("use `temperature`", "temperature"),
    "max_tokens": ("use `max_tokens`", "max_tokens"),
    "max_completion_tokens": ("use `max_tokens`", "max_tokens"),
    "stream": ("use `stream`", "stream"),
    "stream_options": ("it is always set", ""),
    "max_output_tokens": ("use `max_tokens`", "max_tokens"),
    "instructions": ("use `system`", "system"),
    "system": ("use `system`", "system"),
    **dict.fromkeys(("messages", "input"), ("they are the conversation's", "")),
    **dict.fromkeys(
        ("store", "previous_response_id", "conversation"),
        ("answers are not stored at the provider: each request has the conversation", ""),
    ),
    **dict.fromkeys(
        ("api_key", "authorization", "headers", "extra_headers", "default_headers"),
        (
            "keys and headers are not for notebooks, which keep them; "
            "a key comes from the environment",
            "",
        ),
    ),
}


class OptionFields(TypedDict, total=False):
    """The arguments of `Options`, also for ``**overrides`` (PEP 692): one text is a list of one."""

    model: str | None
    fallback: str | Iterable[str] | None
    temperature: float | None
    effort: str | None
    api: str | None
    max_tokens: int | None
    stream: bool | None
    system: str | None
    base_url: str | None
    connect_timeout: float | None
    first_byte_timeout: float | None
    timeout: float | None
    idle_timeout: float | None
    stop_at: str | Iterable[str] | None
    watch: str | Iterable[str] | None
    max_context_turns: int | None
    max_context_tokens: int | None
    droppable: str | Iterable[str] | None
    extra_body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Options:
    """The options of a question. A field that is None is unset: the next layer decides.

    Args:
        model: ``provider/model``, or a bare name for the configured endpoint; several names with
            commas between them are asked in turn until one answers.
        fallback: further models to ask when those before fail before their first token.
        temperature: randomness of the sampling, from 0 to 2.
        effort: how much the model reasons before it answers: one of `EFFORTS`.
        api: the API by which the server is asked, one of `APIS`; unset is that of the endpoint.
        max_tokens: the longest answer, in tokens.
        stream: True shows the answer while it arrives; False shows it once, when it is complete.
        system: the system prompt.
        base_url: the address of an OpenAI-compatible server, for this request alone; see
            `urls.normalize_base_url` for the forms that are understood.
        connect_timeout: seconds until the connection must be made.
        first_byte_timeout: seconds until the server must begin its reply.
        timeout: seconds until the first token must arrive.
        idle_timeout: seconds that may pass between two pieces of the answer.
        stop_at: phrases; the answer ends, complete, after the first of them.
        watch: words; a notice says where each of them is first seen.
        max_context_turns: how many earlier turns are sent, the newest.
        max_context_tokens: how many tokens are sent; the newest turns that fit are.
        droppable: names of parameters that are left out without a word where a model refuses them,
            as those of a persona are.
        extra_body: further parameters of the provider by name, sent as they are.

    Raises:
        UsageError: a value is of the wrong type or out of its range, or a parameter is reserved.
        ConfigError: the base URL is not a URL, or contains a password or a key.

    Example:
        >>> Options(model="ollama/llama3.2", temperature=0).temperature
        0
    """

    model: str | None = None
    fallback: tuple[str, ...] | None = None
    temperature: float | None = None
    effort: str | None = None
    api: str | None = None
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
    max_context_turns: int | None = None
    max_context_tokens: int | None = None
    droppable: tuple[str, ...] | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    if TYPE_CHECKING:  # the fields are narrower than the arguments that `__post_init__` converts

        def __init__(self, **options: Unpack[OptionFields]) -> None: ...

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check(name, value, kind))
        object.__setattr__(self, "extra_body", check("extra_body", self.extra_body, PARAMETERS))
        if self.base_url:
            object.__setattr__(self, "base_url", normalize_base_url(self.base_url))
        for name in self.extra_body:
            if reserved := _RESERVED_PARAMETERS.get(name.lower().replace("-", "_")):
                advice, option = reserved
                message = f"the parameter {name} cannot be set: {advice}"
                raise UsageError(message, option=option or None)

    def __repr__(self) -> str:
        values = ((option.name, getattr(self, option.name)) for option in fields(self))
        items = (f"{name}={value!r}" for name, value in values if value not in (None, {}))
        return f"Options({', '.join(items)})"

    def __hash__(self) -> int:
        # The values of `extra_body` may be lists and dicts, which have no hash.
        values = (getattr(self, option.name) for option in fields(self))
        return hash(tuple(frozenset(v) if isinstance(v, dict) else v for v in values))

    @staticmethod
    def from_fields(options: OptionFields) -> Options:
        """Return options from keyword arguments.

        Raises:
            UsageError: a name is unknown; the message has the nearest one.

        Example:
            >>> Options.from_fields({"temperatur": 0})
            Traceback (most recent call last):
            cellmage.errors.UsageError: unknown option temperatur; did you mean temperature?
        """
        names = [option.name for option in fields(Options)]
        for name in options:
            if name not in names:
                nearest = get_close_matches(name, names, 1)
                others = f"the options are {', '.join(names)}"
                advice = f"did you mean {nearest[0]}?" if nearest else others
                raise UsageError(f"unknown option {name}; {advice}")
        return Options(**options)

    @staticmethod
    def resolve(*layers: Options) -> Options:
        """Return options in which each field has the value of the first layer that sets it.

        The parameters of ``extra_body`` are merged name by name.

        Args:
            layers: from the most specific one to the defaults.

        Example:
            >>> Options.resolve(Options(model="a"), Options(model="b", temperature=1)).temperature
            1
        """
        layers = tuple(check("options", layer, OPTIONS) for layer in layers)
        resolved = {
            option.name: next(
                (value for layer in layers if (value := getattr(layer, option.name)) is not None),
                None,
            )
            for option in fields(Options)
            if option.name != "extra_body"
        }
        extra_body: dict[str, Any] = {}
        for layer in reversed(layers):
            extra_body.update(layer.extra_body)
        resolved["droppable"] = _droppable(layers)
        return Options(**cast(OptionFields, {**resolved, "extra_body": extra_body}))


def _droppable(layers: Sequence[Options]) -> tuple[str, ...] | None:
    """Return what may be dropped: what a layer says so of, unless a layer before it sets it."""
    names: list[str] = []
    for index, layer in enumerate(layers):
        before = layers[:index]
        names += [
            name
            for name in layer.droppable or ()
            if not any(
                getattr(other, name, None) is not None or name in other.extra_body
                for other in before
            )
        ]
    return tuple(dict.fromkeys(names)) or None


OPTIONS = instance_of(Options, "Options(…); or give the options by name, as temperature=0")
