"""The APIs that are served: how a request of each is read, and its answer is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..stream.response_stream import ResponseStream
from .chat_answer import ChunkEncoder, encode_completion
from .encoding import AnswerEncoder
from .errors import MESSAGES_PATH
from .messages_answer import MessageEncoder, encode_message
from .messages_request import chat_of_messages
from .responses_answer import ResponseEncoder, encode_response
from .responses_request import chat_of_responses

Body = Mapping[str, Any]


class API(NamedTuple):
    """An API that is served.

    Args:
        path: the path of its requests.
        to_chat: returns a request in the form of chat completions.
        encoder: makes what encodes a streamed answer, of the answer and the request.
        encode: returns a complete answer.
    """

    path: str
    to_chat: Callable[[Body], Body]
    encoder: Callable[[ResponseStream, Body], AnswerEncoder]
    encode: Callable[[ResponseStream], dict[str, Any]]


APIS = (
    API("/v1/chat/completions", lambda body: body, ChunkEncoder, encode_completion),
    API("/v1/responses", chat_of_responses, ResponseEncoder, encode_response),
    API(MESSAGES_PATH, chat_of_messages, MessageEncoder, encode_message),
)
