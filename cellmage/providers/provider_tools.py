"""Encode the tools of a request: functions, and the tools that a provider runs itself.

Sources: the references of OpenAI, "Web search" of Responses, and Anthropic, "Web search tool".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigError
from ..messages import Request

JSONObject = dict[str, Any]


def encode_function(schema: Mapping[str, Any]) -> JSONObject:
    """Return the schema of a function as chat completions has it."""
    return {"type": "function", "function": schema}


def encode_tools(
    request: Request,
    encode_function: Callable[[Mapping[str, Any]], JSONObject],
    provider_tools: Mapping[str, JSONObject] = {},
) -> list[JSONObject] | None:
    """Return the tools as an API has them; None if there are none.

    Args:
        request: the request.
        encode_function: encodes the schema of a function.
        provider_tools: the tools that the provider runs, by the ``type`` of our schema.

    Raises:
        ConfigError: the API has no such tool.

    Example:
        >>> from cellmage import Message, Options, web_search
        >>> request = Request((Message("user", "Hi"),), Options(), tools=(web_search.schema,))
        >>> encode_tools(request, dict, {"web_search": {"type": "web_search"}})
        [{'type': 'web_search'}]
    """
    encoded = []
    for schema in request.tools:
        if "type" not in schema:
            encoded.append(encode_function(schema))
        elif schema["type"] in provider_tools:
            encoded.append(dict(provider_tools[schema["type"]]))
        else:
            raise ConfigError(
                "nothing was sent: the web is searched by the providers that are asked by the "
                "Responses or the Messages API, such as openai/… and anthropic/…; "
                "`--api responses` asks another server so, if it has it"
            )
    return encoded or None
