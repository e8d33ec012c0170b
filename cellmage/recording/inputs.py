"""What an answer depends on, and the key that is computed of it: the one place for both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..content import Content, describe_content, text_of
from ..fingerprint import Fingerprint
from ..messages import Message, Request
from ..options import Options
from ..part_records import parts_to_record
from ..text import excerpt

MODEL = "model"
PROMPT = "prompt"
SCHEMA = "response_format"
"""What a provider calls the form of an answer."""

_DEFAULT_MODEL = "default model"
"""The name of the model where the user has named none; in a key it is `MODEL`."""

_OPTIONS = ("temperature", "effort", "max_tokens", "stop_at", "base_url", "extra_body")
"""The options that change an answer. Time limits do not, nor does the way it is shown."""

_DIGEST_CHARS = 32


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that an answer depends on.

    Args:
        name: what it is: ``"model"``, ``"system"``, ``"turn 2"``, ``"prompt"``,
            ``"option effort"``, ``"tool weather"``, ``"value df"``.
        digest: equal for equal inputs; empty for a value that has no fingerprint.
        words: the input in a few words, for the user.
    """

    name: str
    digest: str
    words: str = ""


@dataclass(frozen=True)
class Inputs:
    """Everything that an answer depends on, in the order in which it is sent.

    Args:
        items: the inputs; no name is there twice.

    Example:
        >>> old = Inputs((Input("model", "1", "a"), Input("prompt", "2")))
        >>> new = Inputs((Input("model", "3", "b"), Input("prompt", "2")))
        >>> old.key == new.key
        False
    """

    items: tuple[Input, ...]

    @cached_property
    def key(self) -> str:
        """The key of the answer: equal where all inputs are."""
        return _digest([[name, item.digest] for name, item in self.by_name().items()])

    @cached_property
    def key_without_model(self) -> str:
        """The key where the user has named no model, and none is configured here.

        A model that the user has named is a part of it.
        """
        return _digest([[i.name, i.digest] for i in self.items if i.name != _DEFAULT_MODEL])

    @property
    def unstable(self) -> tuple[str, ...]:
        """The names of the inputs that have no fingerprint: the answer is always stale."""
        return tuple(item.name for item in self.items if not item.digest)

    def by_name(self) -> Mapping[str, Input]:
        """Return the inputs by their names; a default model has the name of one that is named."""
        return {MODEL if i.name == _DEFAULT_MODEL else i.name: i for i in self.items}


def make_inputs(
    request: Request,
    model: str,
    tools: Mapping[str, Fingerprint | None],
    values: Mapping[str, Fingerprint | None],
    *,
    is_default_model: bool = False,
) -> Inputs:
    """Return what the answer to a request depends on.

    Args:
        request: the request, as it may be sent; its last message is the question.
        model: the name of the model, as the user knows it: it does not depend on keys.
        tools: the fingerprints of the tools' sources, by name.
        values: the fingerprints of what was inserted, attached or searched, by name; None for a
            value that has none.
        is_default_model: True if the user has named no model.

    Example:
        >>> request = Request((Message("user", "Hi"),), Options(temperature=0))
        >>> [item.name for item in make_inputs(request, "m", {}, {}).items]
        ['model', 'option temperature', 'prompt']
    """
    return Inputs(
        (
            Input(_DEFAULT_MODEL if is_default_model else MODEL, _digest(model), model),
            *_option_inputs(request.options),
            *_message_inputs(request.messages),
            *_tool_inputs(request.tools, tools),
            *(_value_input(name, value) for name, value in values.items()),
        )
    )


def _option_inputs(options: Options) -> Iterator[Input]:
    for name in _OPTIONS:
        value = getattr(options, name)
        if value not in (None, {}, ()):
            yield Input(f"option {name}", _digest(value), _option_words(value))


def _option_words(value: Any) -> str:
    """Return an option in words: of a schema, which is long, its name."""
    if not isinstance(value, Mapping):
        return excerpt(str(value))
    words = [name if name == SCHEMA else f"{name} {item}" for name, item in value.items()]
    return excerpt(", ".join(words))


def _message_inputs(messages: Sequence[Message]) -> Iterator[Input]:
    """Yield the system prompt, each turn, and the question, as they are sent.

    What the provider demands back, and the ids of calls, differ in each answer and are left out.
    """
    *earlier, question = messages
    turns: list[list[Message]] = []
    for message in earlier:
        if message.role == "system":
            yield Input("system", _digest(message.text), excerpt(message.text))
        elif message.role == "user":
            turns.append([message])
        elif turns:
            turns[-1].append(message)
    for index, turn in enumerate(turns, 1):
        words = excerpt(describe_content(turn[0].content))
        yield Input(f"turn {index}", _digest([_plain(message) for message in turn]), words)
    yield Input(PROMPT, _digest(_plain(question)), excerpt(text_of(question.content)))


def _tool_inputs(
    schemas: Iterable[Mapping[str, Any]], sources: Mapping[str, Fingerprint | None]
) -> Iterator[Input]:
    for schema in schemas:
        name = str(schema["name"])
        source = sources.get(name)
        is_stable = name not in sources or source is not None
        digest = _digest([schema, source.digest if source else ""]) if is_stable else ""
        yield Input(f"tool {name}", digest)


def _value_input(name: str, value: Fingerprint | None) -> Input:
    return Input(f"value {name}", value.digest if value else "", value.words if value else "")


def _plain(message: Message) -> list[Any]:
    calls = [[call.name, call.arguments, call.result] for call in message.tool_calls]
    return [message.role, _plain_content(message.content), calls]


def _plain_content(content: Content) -> Any:
    """Return a content as JSON can hold it: images and files by their digests."""
    return content if isinstance(content, str) else parts_to_record(content)


def _digest(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a flag is 0.0 where Python's argument is 0
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]
