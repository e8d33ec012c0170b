"""Servers that speak OpenAI's chat completions.

The SDK makes the request; its raw body is decoded here, because the SDK's own loop costs ten times
the CPU and takes a cut stream, a web page or an error inside the stream for an answer.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
)
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import jiter

from ..errors import CellmageError, ResponseTimeoutError
from ..events import Event, Start
from ..messages import Message, Request
from ..urls import is_here
from .chat_completions import AnswerDecoder, model_names
from .endpoints import Endpoint
from .foreign_errors import translate
from .keys import Key, check_key, masked

if TYPE_CHECKING:
    import openai

_GRACE = 1.0
"""Seconds to wait for the token count and the end mark after the model has said that it is done."""

CONNECT = 5.0
FIRST_BYTE = 60.0
FIRST_BYTE_HERE = 300.0
"""Seconds for the connection, and for the head of the reply; a server here may load its model."""

# All that a server needs, and the mark by which the SDK knows that we want the raw body. It would
# also send organisation, project and custom headers from the environment, and the platform of
# this machine, to every base URL.
_HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "user-agent", "x-stainless-raw-response",
}  # fmt: skip
_OPENAI_HEADERS = {"openai-organization", "openai-project"}


class OpenAIProvider:
    """A provider behind one `Endpoint`.

    Args:
        endpoint: the address, and how its server wants to be asked.
        api_key: the key for that address; a placeholder is sent when it is None.

    Raises:
        ConfigError: the key has a character that no key has.

    Example:
        >>> OpenAIProvider(Endpoint("http://localhost:8000/v1")).name
        'localhost:8000'
    """

    def __init__(self, endpoint: Endpoint, api_key: Key | None = None) -> None:
        self.endpoint = endpoint
        self.name = urlsplit(endpoint.base_url).netloc
        if api_key is not None:
            check_key(api_key, self.name)
        self._api_key = api_key

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer; nothing is retried, no redirect is followed."""
        model = request.options.model or ""
        yield Start(model, self.name)
        events = self._answer(request)
        failure: CellmageError | None = None
        async with aclosing(events):
            while failure is None:
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    failure = self._ours(error, model)
                    if failure is None:
                        raise
                else:
                    yield event
        # Outside of the handler: the cause may hold the key, and IPython does not call our
        # one-line hook when an ExceptionGroup stands anywhere in the context.
        raise failure

    def _ours(self, error: Exception, model: str) -> CellmageError | None:
        ours: CellmageError | None
        if isinstance(error, CellmageError):
            ours = error
            ours.args = (f"{model} at {self.name}: {ours}",)
            ours.host, ours.model = self.name, model
        else:
            ours = translate(error, host=self.name, model=model)
        if ours is not None:
            ours.args = (self._masked(ours),)
        return ours

    def _masked(self, error: CellmageError) -> str:
        """The message without the key, which some servers send back in their error."""
        if self._api_key:
            return masked(str(error), self._api_key)
        if error.kind == "auth":
            return f"{error}; no key was sent: set OPENAI_BASE_URL and OPENAI_API_KEY together"
        return str(error)

    async def _answer(self, request: Request) -> AsyncGenerator[Event, None]:
        decoder = AnswerDecoder(has_tools=bool(request.tools))
        async with AsyncExitStack() as stack:
            response = await self._begin(request, stack)
            try:
                async for data in self._reads(response.iter_bytes(), decoder):
                    for event in decoder.feed(data):
                        yield event
                for event in decoder.close():
                    yield event
            except CellmageError as error:
                error.request_id = response.request_id
                raise
            except Exception:
                if cut := decoder.cut():
                    raise cut from None
                raise

    async def _begin(self, request: Request, stack: AsyncExitStack) -> Any:
        """Send the request, and wait for the head of the reply."""
        usual = FIRST_BYTE_HERE if is_here(self.endpoint.base_url) else FIRST_BYTE
        limit = request.options.first_byte_timeout or usual
        reply = await self._open(request)
        try:
            async with asyncio.timeout(limit):
                return await stack.enter_async_context(reply)
        except TimeoutError:
            raise ResponseTimeoutError(
                f"the server did not begin to answer within {limit:g} s; "
                "%llm_config --first-byte-timeout SECONDS allows more"
            ) from None

    async def _reads(
        self, body: AsyncIterator[bytes], decoder: AnswerDecoder
    ) -> AsyncGenerator[bytes, None]:
        """What the network gives, until the answer is over: some servers never close."""
        async for data in body:
            yield data
            if decoder.done or decoder.finish_reason:
                break
        deadline = asyncio.get_running_loop().time() + _GRACE
        while decoder.finish_reason and not decoder.done:
            try:
                async with asyncio.timeout_at(deadline):
                    data = await anext(body)
            except Exception:  # noqa: BLE001 - the answer is whole; this would have followed it
                return
            yield data

    async def models(self) -> list[str]:
        """The names of the models that the server offers."""
        client = await self._client(CONNECT)
        failure: CellmageError | None = None
        try:
            reply = await client.models.with_raw_response.list()
            return model_names(reply.content)
        except Exception as error:
            failure = self._ours(error, "the list of models")
            if failure is None:
                raise
        raise failure

    async def _client(self, connect_timeout: float) -> openai.AsyncOpenAI:
        sdk = await _load_sdk()
        client: openai.AsyncOpenAI = sdk.AsyncOpenAI(
            api_key=self._api_key.reveal() if self._api_key else "none",
            base_url=self.endpoint.base_url,
            max_retries=0,
            timeout=sdk.Timeout(None, connect=connect_timeout),
            http_client=_http_client(sdk),
        )
        return client

    async def _open(
        self, request: Request
    ) -> AbstractAsyncContextManager[openai.AsyncAPIResponse[Any]]:
        client = await self._client(request.options.connect_timeout or CONNECT)
        return client.chat.completions.with_streaming_response.create(**self._payload(request))

    def _messages(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        for message in messages:
            is_after_tool = message.role == "user" and sent and sent[-1]["role"] == "tool"
            if is_after_tool and self.endpoint.requires_assistant_after_tool:
                sent.append({"role": "assistant", "content": "(stopped)"})
            sent.append(_message(message))
        return sent

    def _payload(self, request: Request) -> dict[str, Any]:
        options = request.options
        payload = {
            "model": options.model,
            "messages": self._messages(request.messages),
            "tools": [{"type": "function", "function": each} for each in request.tools] or None,
            "stream": True,
            "stream_options": {"include_usage": True}
            if self.endpoint.supports_stream_usage
            else None,
            "temperature": options.temperature,
            self.endpoint.max_tokens_field: options.max_tokens,
            "extra_body": dict(options.extra_body) or None,
        }
        return {name: value for name, value in payload.items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    """A message as chat completions have it."""
    sent: dict[str, Any] = {"role": message.role, "content": _sendable(message.content)}
    if message.tool_calls:
        sent["content"] = sent["content"] or None
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": _named(call.name), "arguments": _object(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return sent | ({"tool_call_id": message.tool_call_id} if message.tool_call_id else {})


def _named(name: str) -> str:
    """A name that servers accept; a model may have made one up."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unnamed"


def _object(arguments: str) -> str:
    """Arguments that servers accept, which parse them: what was no JSON stands in the result."""
    try:
        found = jiter.from_json(arguments.encode("utf-8", "replace"), allow_inf_nan=False)
    except ValueError:
        return "{}"
    return _sendable(arguments) if isinstance(found, dict) else "{}"


def _sendable(text: str) -> str:
    """The text with what JSON in UTF-8 cannot hold (lone surrogates) replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_sdk: list[Any] = []


async def _load_sdk() -> Any:
    """The SDK. Its import takes half a second, while other answers on this loop go on."""
    if not _sdk:
        _sdk.append(await asyncio.to_thread(importlib.import_module, "openai"))
    return _sdk[0]


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


def _http_client(sdk: Any) -> Any:
    """The one HTTP client of the running event loop: its connections cannot serve another."""
    for loop in [loop for loop in _clients if loop.is_closed()]:
        del _clients[loop]
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, event_hooks={"request": [_strip_headers]}
        )
    return _clients[loop]


async def _strip_headers(request: Any) -> None:
    allowed = _HEADERS
    if request.url.host == "api.openai.com":
        allowed = _HEADERS | _OPENAI_HEADERS
    for name in [name for name in request.headers if name.lower() not in allowed]:
        del request.headers[name]
