"""``pydantic-ai/PROVIDER:NAME``: the models of the package ``pydantic-ai``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from ..content import attachments_of
from ..errors import ConfigError
from ..events import Complete, Event, ProviderState, Reasoning, Token, ToolCall
from ..messages import Message, Request, Usage
from ..options import Options
from ..providers.adapters import AdaptedProvider
from ..providers.base import Provider
from ..providers.json_format import ask_in_words, split_format
from ..text import excerpt
from .common import (
    call_arguments,
    encode_arguments,
    function_tools,
    left_out,
    state_of,
    translate_errors,
)

_NAME = "pydantic-ai"
_CONFIG_ERRORS = ("UserError",)

_FINISH_REASONS = {"tool_call": "tool_calls"}
"""The reasons that have another word in chat completions."""

_SETTINGS = {"temperature": "temperature", "max_tokens": "max_tokens", "effort": "thinking"}
"""The settings of the package, by the names of our options."""

_EFFORTS = {"none": False, "max": "xhigh"}


def provider(model: Any) -> Provider:
    """Return the provider of a model.

    Args:
        model: a name as ``openai:gpt-5-mini``, or a model object of the package.

    Raises:
        ConfigError: the package is not installed, or the model cannot be made.
    """
    try:
        from pydantic_ai.models import infer_model  # noqa: PLC0415 - an optional dependency
    except ImportError:
        message = f"{_NAME}/{model} needs another package: pip install 'cellmage[{_NAME}]'"
        raise ConfigError(message) from None
    name = model if isinstance(model, str) else model.model_name
    if isinstance(model, str) and ":" not in model and model != "test":
        example = f"{_NAME}/openai:{model}"
        raise ConfigError(f"{_NAME}/{excerpt(model)} needs its provider, as {excerpt(example)}")
    with translate_errors(_NAME, name, ("Exception",)):
        resolved = infer_model(model)
    return AdaptedProvider(partial(_stream, resolved), _NAME)


async def _stream(model: Any, request: Request) -> AsyncGenerator[Event, None]:
    from pydantic_ai.direct import model_request, model_request_stream  # noqa: PLC0415

    name = request.options.model or str(model.model_name)
    with translate_errors(_NAME, name, _CONFIG_ERRORS):
        tools = _tools(request, f"{_NAME}/{name}")
        settings = _settings(request.options)
        plain_request = ask_in_words(request)
        arguments = {"model_settings": settings, "model_request_parameters": tools}
        messages = _encode(plain_request.messages)
        for notice in left_out(request.options, _SETTINGS, f"{_NAME}/{name}"):
            yield notice
        if request.options.stream is False:
            response = await model_request(model, messages, **arguments)
            for part in response.parts:
                for event in _text(part.part_kind, getattr(part, "content", None)):
                    yield event
        else:
            async with model_request_stream(model, messages, **arguments) as stream:
                async for piece in stream:
                    for event in _read(piece):
                        yield event
            response = stream.get()
        for event in _end(response, request):
            yield event


def _read(piece: Any) -> list[Event]:
    """Return the text or the reasoning of an event of the package."""
    if piece.event_kind == "part_start":
        return _text(piece.part.part_kind, getattr(piece.part, "content", None))
    if piece.event_kind == "part_delta":
        return _text(piece.delta.part_delta_kind, getattr(piece.delta, "content_delta", None))
    return []


def _text(kind: str, content: Any) -> list[Event]:
    if isinstance(content, str) and content:
        if kind == "text":
            return [Token(content)]
        if kind == "thinking":
            return [Reasoning(content)]
    return []


def _end(response: Any, request: Request) -> list[Event]:
    """Return the events at the end: the calls, what goes back with the next request, the count."""
    calls = [part for part in response.parts if part.part_kind == "tool-call"]
    events: list[Event] = [
        ToolCall(call.tool_call_id, call.tool_name, encode_arguments(call.args)) for call in calls
    ]
    if any(_has_state(part) for part in response.parts):
        item = _adapter().dump_json([response]).decode()
        events.append(ProviderState(_NAME, item, _NAME, request.options.model or ""))
    reason = response.finish_reason or ("tool_call" if calls else "stop")
    usage = response.usage
    counts = Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens or None)
    return [*events, Complete(_FINISH_REASONS.get(reason, reason), counts)]


def _has_state(part: Any) -> bool:
    return bool(getattr(part, "signature", None) or getattr(part, "provider_details", None))


def _adapter() -> Any:
    from pydantic_ai.messages import ModelMessagesTypeAdapter  # noqa: PLC0415

    return ModelMessagesTypeAdapter


def _tools(request: Request, name: str) -> Any:
    from pydantic_ai.models import ModelRequestParameters  # noqa: PLC0415
    from pydantic_ai.tools import ToolDefinition  # noqa: PLC0415

    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=tool["name"],
                description=tool["description"],
                parameters_json_schema=dict(tool["parameters"]),
            )
            for tool in function_tools(request, name)
        ]
    )


def _settings(options: Options) -> dict[str, Any]:
    """Return the settings of the package; what it does not know goes into the request's body."""
    from pydantic_ai.settings import ModelSettings  # noqa: PLC0415

    _, extra = split_format(options.extra_body)
    names = ModelSettings.__annotations__
    settings = {
        theirs: value
        for ours, theirs in _SETTINGS.items()
        if (value := getattr(options, ours)) is not None
    }
    if "thinking" in settings:
        settings["thinking"] = _EFFORTS.get(settings["thinking"], settings["thinking"])
    settings |= {name: value for name, value in extra.items() if name in names}
    if body := {name: value for name, value in extra.items() if name not in names}:
        settings["extra_body"] = body
    return settings


def _encode(messages: tuple[Message, ...]) -> list[Any]:
    """Return the messages in the package's form: requests and responses in turn."""
    from pydantic_ai.messages import ModelRequest, ModelResponse  # noqa: PLC0415

    names = {call.id: call.name for message in messages for call in message.tool_calls}
    encoded: list[Any] = []
    for message in messages:
        if message.role != "assistant":
            part = _request_part(message, names)
            if encoded and isinstance(encoded[-1], ModelRequest):
                encoded[-1] = ModelRequest(parts=[*encoded[-1].parts, part])
            else:
                encoded.append(ModelRequest(parts=[part]))
        elif (state := state_of(message, _NAME)) is not None:
            encoded += _adapter().validate_json(json.dumps(state))
        else:
            encoded.append(ModelResponse(parts=_response_parts(message)))
    return encoded


def _request_part(message: Message, names: dict[str, str]) -> Any:
    from pydantic_ai import messages as theirs  # noqa: PLC0415

    if message.role == "system":
        return theirs.SystemPromptPart(message.text)
    if message.role == "tool":
        call_id = message.tool_call_id
        return theirs.ToolReturnPart(names[call_id], message.text, call_id)
    if not (attachments := attachments_of(message.content)):
        return theirs.UserPromptPart(message.text)
    files: list[Any] = [
        theirs.BinaryContent(part.data, media_type=part.media_type)
        if part.data
        else theirs.ImageUrl(getattr(part, "url", ""))
        for part in attachments
    ]
    return theirs.UserPromptPart([message.text, *files] if message.text else files)


def _response_parts(message: Message) -> list[Any]:
    from pydantic_ai.messages import TextPart, ToolCallPart  # noqa: PLC0415

    texts = [TextPart(message.text)] if message.text else []
    calls = [
        ToolCallPart(call.name, call_arguments(call.arguments), call.id)
        for call in message.tool_calls
    ]
    return [*texts, *calls]
