"""The APIs by which servers are asked: the path, the request and the answer of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..messages import Request
from ..model_table import family_of
from .call_ids import make_ids_unique
from .chat_completions import ChatCompletionDecoder
from .endpoints import Endpoint
from .event_body import BodyDecoder
from .messages_api.decoder import MessagesDecoder
from .messages_api.payload import encode_messages
from .ollama_api.decoder import OllamaDecoder
from .ollama_api.payload import encode_ollama
from .payload import encode_request
from .responses.decoder import ResponsesDecoder
from .responses.payload import encode_responses


class API(NamedTuple):
    """An API.

    Args:
        path: the path below the base URL.
        encode: returns the body of a request; ``extra_body`` in it is merged when it is sent.
        decoder: makes the decoder of an answer, for whether the request has tools, and the content
            type of the reply.
        headers: further headers.
        is_at_root: True if the path is below the server, in place of the version.
    """

    path: str
    encode: Callable[[Request, Endpoint], dict[str, Any]]
    decoder: Callable[[bool, str], BodyDecoder]
    headers: Mapping[str, str] = {}
    is_at_root: bool = False


APIS: Mapping[str, API] = {
    "chat": API("/chat/completions", encode_request, ChatCompletionDecoder),
    "responses": API("/responses", encode_responses, ResponsesDecoder),
    "messages": API(
        "/messages", encode_messages, MessagesDecoder, {"anthropic-version": "2023-06-01"}
    ),
    "ollama": API("/api/chat", encode_ollama, OllamaDecoder, is_at_root=True),
}
"""The APIs by their names, as `Options.api` has them."""


def api_of(request: Request, endpoint: Endpoint) -> API:
    """Return the API that a request is sent by: that of the options, else that of the endpoint.

    Some servers have models that need another one than the rest: codex and pro models at Azure.

    Example:
        >>> from cellmage import Message, Options
        >>> request = Request((Message("user", "Hi"),), Options(api="responses"))
        >>> api_of(request, Endpoint("http://localhost:8000/v1")).path
        '/responses'
    """
    needed = family_of(request.options.model or "").api
    api = needed if needed and needed in endpoint.further_apis else endpoint.api
    return APIS[request.options.api or api]


def encode(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Return the body of a request, in the API that it is sent by."""
    return api_of(request, endpoint).encode(make_ids_unique(request), endpoint)


def url_of(api: API, base_url: str) -> str:
    """Return the address of an API's requests.

    Example:
        >>> url_of(APIS["chat"], "http://localhost:8000/v1")
        'http://localhost:8000/v1/chat/completions'
        >>> url_of(APIS["ollama"], "http://localhost:11434/v1")
        'http://localhost:11434/api/chat'
    """
    return (_VERSION.sub("", base_url) if api.is_at_root else base_url) + api.path


_VERSION = re.compile(r"/(?:v1|api)$")
"""The end of a base URL that an API of the server itself does not have."""
