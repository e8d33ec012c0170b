"""``llm/NAME``: the models of the package ``llm`` and of its plugins."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..content import attachments_of
from ..errors import ConfigError, UsageError
from ..events import Complete, Event, ProviderState, Reasoning, Token, ToolCall
from ..messages import Message, Request, Usage
from ..providers.adapters import AdaptedProvider
from ..providers.base import Provider
from ..providers.json_format import ask_in_words, schema_of, split_format
from ..text import excerpt
from .common import (
    call_arguments,
    encode_arguments,
    function_tools,
    left_out,
    state_of,
    translate_errors,
)
from .threads import iterate_in_thread

_CONFIG_ERRORS = ("NeedsKeyException",)


def provider(name: str) -> Provider:
    """Return the provider of a model that ``llm models`` lists, by its name or alias.

    Raises:
        ConfigError: the package is not installed, or has no such model.
    """
    try:
        import llm  # noqa: PLC0415 - an optional dependency
    except ImportError:
        message = f"llm/{name} needs another package: pip install 'cellmage[llm]'"
        raise ConfigError(message) from None
    with translate_errors("llm", name, ("Exception",)):
        try:
            model = _find_model(name)
        except llm.UnknownModelError:
            message = f"there is no model llm/{excerpt(name)}; !llm models lists them"
            raise ConfigError(message) from None
    return AdaptedProvider(partial(_stream, model), "llm")


def _find_model(name: str) -> Any:
    import llm  # noqa: PLC0415 - an optional dependency

    try:
        return llm.get_async_model(name)
    except llm.UnknownModelError:
        return llm.get_model(name)  # most plugins have only this one


async def _stream(model: Any, request: Request) -> AsyncGenerator[Event, None]:
    name = request.options.model or str(model.model_id)
    with translate_errors("llm", name, _CONFIG_ERRORS):
        response = _make_response(model, request)
        for notice in left_out(request.options, type(model).Options.model_fields, f"llm/{name}"):
            yield notice
        is_async = hasattr(response, "astream_events")
        source = response.astream_events() if is_async else _in_thread(response)
        async with aclosing(source) as events:
            async for event in events:
                if event.type == "text" and event.chunk:
                    yield Token(event.chunk)
                elif event.type == "reasoning" and event.chunk:
                    yield Reasoning(event.chunk)
        for ours in _end(response, request):
            yield ours


def _in_thread(response: Any) -> AsyncGenerator[Any, None]:
    return iterate_in_thread(response.stream_events)


def _end(response: Any, request: Request) -> list[Event]:
    """Return the events at the end: the calls, what goes back with the next request, the count."""
    calls = response.tool_calls_or_raise() if hasattr(response, "astream_events") else []
    calls = calls or response._tool_calls
    events: list[Event] = [
        ToolCall(call.tool_call_id or "", call.name, encode_arguments(call.arguments))
        for call in calls
    ]
    messages = [message.to_dict() for message in response._messages_now()]
    if "provider_metadata" in json.dumps(messages, default=str):
        item = json.dumps(messages, default=str)
        events.append(ProviderState("llm", item, "llm", request.options.model or ""))
    usage = Usage(response.input_tokens, response.output_tokens)
    has_usage = response.input_tokens is not None or response.output_tokens is not None
    reason = "tool_calls" if calls else "stop"
    return [*events, Complete(reason, usage if has_usage else None)]


def _make_response(model: Any, request: Request) -> Any:
    """Return the response object for a request, which has not been executed.

    Raises:
        UsageError: the model does not take the tools, the images or a parameter of the request.
    """
    import llm  # noqa: PLC0415 - an optional dependency

    name = f"llm/{request.options.model or model.model_id}"
    form, _ = split_format(request.options.extra_body)
    schema = schema_of(form).get("schema") if model.supports_schema else None
    if schema is None:
        request = ask_in_words(request)
    tools = function_tools(request, name)
    if tools and not model.supports_tools:
        raise UsageError(f"{name} takes no tools: its plugin does not support them")
    *rounds, last = _rounds(request.messages)
    is_async = isinstance(model, llm.AsyncModel | llm.AsyncKeyModel)
    response_class: Any = llm.AsyncResponse if is_async else llm.Response
    conversation = model.conversation()
    system = _system(request.messages)
    for earlier in rounds:
        finished = response_class(earlier.prompt(model, system), model, stream=False)
        # As the package's own `fake`: plugins that do not know `messages` read these.
        finished._done, finished._chunks = True, [earlier.answer]
        finished._tool_calls = earlier.calls
        conversation.responses.append(finished)
    prompt = last.prompt(
        model,
        system,
        messages=[part for message in request.messages for part in _encode(message)],
        options=_options(model, request, name),
        schema=schema,
        tools=[
            llm.Tool(tool["name"], tool["description"], dict(tool["parameters"])) for tool in tools
        ],
    )
    is_streamed = request.options.stream is not False
    return response_class(prompt, model, stream=is_streamed, conversation=conversation)


@dataclass
class _Round:
    """One request of the conversation and its answer, as plugins know it."""

    texts: list[str] = field(default_factory=list)
    attachments: list[Any] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    answer: str = ""
    calls: list[Any] = field(default_factory=list)

    def prompt(self, model: Any, system: str, **arguments: Any) -> Any:
        """Return the prompt of this round."""
        import llm  # noqa: PLC0415 - an optional dependency

        text, results = "\n\n".join(self.texts), self.results
        make_prompt: Any = llm.Prompt  # it has no annotations
        return make_prompt(
            text,
            model,
            system=system or None,
            attachments=self.attachments,
            tool_results=results,
            **arguments,
        )


def _rounds(messages: tuple[Message, ...]) -> list[_Round]:
    import llm  # noqa: PLC0415 - an optional dependency

    rounds = [_Round()]
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in messages:
        if message.role == "assistant":
            rounds[-1].answer = message.text
            rounds[-1].calls = [
                llm.ToolCall(call.name, call_arguments(call.arguments), call.id)
                for call in message.tool_calls
            ]
            rounds.append(_Round())
        elif message.role == "tool":
            call_id = message.tool_call_id
            rounds[-1].results.append(llm.ToolResult(names[call_id], message.text, [], call_id))
        elif message.role == "user":
            rounds[-1].texts.append(message.text)
            rounds[-1].attachments += _attachments(message)
    return rounds


def _system(messages: tuple[Message, ...]) -> str:
    return "\n\n".join(message.text for message in messages if message.role == "system")


def _encode(message: Message) -> list[Any]:
    """Return a message in the package's form."""
    from llm import parts  # noqa: PLC0415 - an optional dependency

    if (state := state_of(message, "llm")) is not None:
        return [parts.Message.from_dict(item) for item in state]
    if message.role == "tool":
        result = parts.ToolResultPart(output=message.text, tool_call_id=message.tool_call_id)
        return [parts.tool_message(result)]
    items: list[Any] = [parts.TextPart(message.text)] if message.text else []
    items += [parts.AttachmentPart(attachment) for attachment in _attachments(message)]
    items += [
        parts.ToolCallPart(call.name, call_arguments(call.arguments), call.id)
        for call in message.tool_calls
    ]
    return [parts.Message(message.role, items)]


def _attachments(message: Message) -> list[Any]:
    from llm import Attachment  # noqa: PLC0415 - an optional dependency

    return [
        Attachment(type=part.media_type, content=part.data)
        if part.data
        else Attachment(url=getattr(part, "url", ""))
        for part in attachments_of(message.content)
    ]


def _options(model: Any, request: Request, name: str) -> Any:
    """Return the options of the model: what the request sets and the model has.

    Raises:
        UsageError: a parameter of the user is not one of the model.
    """
    parameters = type(model).Options.model_fields
    _, extra = split_format(request.options.extra_body)
    if unknown := [parameter for parameter in extra if parameter not in parameters]:
        raise UsageError(
            f"{name} has no parameter {unknown[0]}; it has: {', '.join(parameters) or 'none'}"
        )
    ours = {parameter: getattr(request.options, parameter) for parameter in _COMMON}
    common = {key: value for key, value in ours.items() if value is not None and key in parameters}
    return type(model).Options(**{**common, **extra})


_COMMON = ("temperature", "max_tokens")
