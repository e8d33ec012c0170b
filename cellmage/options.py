"""The options of a question: what may be set, in what ranges, and which layer wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypedDict

from .errors import UsageError
from .urls import normalize_base_url

# The valid range of each number, and its description for the user.
_RANGES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "temperature": (lambda value: 0 <= value <= 2, "a number from 0 to 2"),
    "max_tokens": (lambda value: value >= 1, "a whole number from 1 up"),
    "connect_timeout": (lambda value: value > 0, "seconds above 0"),
    "first_byte_timeout": (lambda value: value > 0, "seconds above 0"),
    "timeout": (lambda value: value > 0, "seconds above 0"),
    "idle_timeout": (lambda value: value > 0, "seconds above 0"),
    "max_context_turns": (lambda value: value >= 0, "a whole number from 0 up"),
    "max_context_tokens": (lambda value: value >= 1, "a whole number from 1 up"),
}

# The parameters that `extra_body` must not hold, and what to use in their place.
_RESERVED_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "model": ("use `model`", "model"),
    "temperature": ("use `temperature`", "temperature"),
    "max_tokens": ("use `max_tokens`", "max_tokens"),
    "max_completion_tokens": ("use `max_tokens`", "max_tokens"),
    "stream": ("use `stream`", "stream"),
    "stream_options": ("it is always set", ""),
    "messages": ("they are the conversation's", ""),
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
    """The fields of `Options` as keyword arguments, for ``**overrides`` (PEP 692)."""

    model: str | None
    fallback: tuple[str, ...] | None
    temperature: float | None
    max_tokens: int | None
    stream: bool | None
    system: str | None
    base_url: str | None
    connect_timeout: float | None
    first_byte_timeout: float | None
    timeout: float | None
    idle_timeout: float | None
    stop_at: tuple[str, ...] | None
    watch: tuple[str, ...] | None
    max_context_turns: int | None
    max_context_tokens: int | None
    extra_body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a question. A field that is None is unset: the next layer decides.

    Args:
        model: ``provider/model``, or a bare name for the configured endpoint; several names with
            commas between them are asked in turn until one answers.
        fallback: further models to ask when those before fail before their first token.
        temperature: randomness of the sampling, from 0 to 2.
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
        extra_body: further parameters of the provider by name, sent as they are.

    Raises:
        UsageError: a number is out of its range, or a parameter is reserved.
        ConfigError: the base URL is not a URL, or contains a password or a key.

    Example:
        >>> Options(model="ollama/llama3.2", temperature=0).temperature
        0
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
    max_context_turns: int | None = None
    max_context_tokens: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (is_valid, description) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and is_valid(value)):
                raise UsageError(f"{name} is {value}; it must be {description}")
        if self.base_url:
            object.__setattr__(self, "base_url", normalize_base_url(self.base_url))
        for name in self.extra_body:
            if reserved := _RESERVED_PARAMETERS.get(name.lower().replace("-", "_")):
                advice, option = reserved
                message = f"the parameter {name} cannot be set: {advice}"
                raise UsageError(message, option=option or None)

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
        return Options(**resolved, extra_body=extra_body)
