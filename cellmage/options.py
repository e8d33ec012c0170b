"""How to ask: what may be set, in what ranges, and which layer wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import UsageError
from .urls import host_of

# What a number must be, by the name of its field; the words are shown to the reader.
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
        max_context_turns: how many earlier turns are sent, the newest.
        max_context_tokens: tokens that what is sent may have; the newest turns that fit are sent.
        extra_body: further parameters of the provider, by name; sent as they are.

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
    max_context_turns: int | None = None
    max_context_tokens: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (fits, wanted) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and fits(value)):
                raise UsageError(f"{name} is {value}; it must be {wanted}")
        if self.base_url:
            host_of(self.base_url)
        for name in self.extra_body:
            if why := _NOT_PARAMS.get(name.lower().replace("-", "_")):
                raise UsageError(f"the parameter {name} cannot be set: {why}")

    @staticmethod
    def resolve(*layers: Options) -> Options:
        """The first layer that sets a field wins; ``extra_body`` are merged name by name."""
        names = [f.name for f in fields(Options) if f.name != "extra_body"]
        chosen = {
            name: next((v for v in (getattr(la, name) for la in layers) if v is not None), None)
            for name in names
        }
        extra_body: dict[str, Any] = {}
        for layer in reversed(layers):
            extra_body.update(layer.extra_body)
        return Options(**chosen, extra_body=extra_body)
