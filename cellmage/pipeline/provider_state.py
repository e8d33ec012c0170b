"""What a provider demands back is sent to that provider and its family of models alone. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from ..messages import ProviderState, Request

_FAMILY = re.compile("[a-z]+")


def model_family(model: str) -> str:
    """Return the family of a model by its name.

    Example:
        >>> model_family("google/gemini-3.8-pro"), model_family("gpt-6-luna")
        ('gemini', 'gpt')
    """
    match = _FAMILY.search(model.rpartition("/")[2].lower())
    return match[0] if match else ""


def drop_foreign_state(request: Request, provider: str) -> Request:
    """Return the request without the state that another provider or family of models made.

    Args:
        request: the request; its model is asked.
        provider: the name of the provider that is asked.

    Example:
        >>> from cellmage import Message, Options
        >>> state = ProviderState("chat", "{}", "api.deepseek.com", "deepseek-v4")
        >>> request = Request((Message("assistant", "Hi", state=(state,)),), Options(model="gpt-6"))
        >>> drop_foreign_state(request, "api.openai.com").messages[0].state
        ()
    """
    if not any(message.state for message in request.messages):
        return request
    origin = provider, model_family(request.options.model or "")

    def is_own(state: ProviderState) -> bool:
        return (state.provider, model_family(state.model)) == origin

    messages = tuple(
        replace(message, state=tuple(filter(is_own, message.state))) if message.state else message
        for message in request.messages
    )
    return replace(request, messages=messages)
