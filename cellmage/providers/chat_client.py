"""Requests for chat completions.

The SDK makes the request. Its raw body is decoded here, because the SDK's own loop takes ten times
the CPU, and accepts a cut stream, a web page or an error inside the stream as an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    suppress,
)
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CellmageError, ProviderError, ResponseTimeoutError
from ..events import Event, Notice
from ..messages import Request
from ..text import excerpt
from ..urls import is_loopback, split_query
from .advice import advise, end_of_model
from .apis import api_of, encode, url_of
from .chat_completions import model_names
from .endpoints import CONNECT_SECONDS, FIRST_BYTE_SECONDS, LOOPBACK_FIRST_BYTE_SECONDS, Endpoint
from .error_kinds import say_no_key
from .error_translation import no_answer_error, translate
from .event_body import BodyDecoder
from .http_client import ConnectionUse, http_client, load_sdk
from .json_format import FIELDS, ask_in_words
from .keys import BoundKey, Key
from .masking import mask_error, mask_key
from .refusals import Refusals, refusals_of
from .refused_parameters import STATUSES
from .tracebacks import drop_foreign_frames

if TYPE_CHECKING:
    import openai

_GRACE_SECONDS = 1.0
"""The wait for the token count and the end mark after the model has sent a finish reason."""

_RAW_RESPONSE = "X-Stainless-Raw-Response"
"""The header by which the SDK knows that we want the raw body; it is not sent."""

_END_SECONDS = 0.05
"""The wait for the end of the body after the end mark, which is mostly in the same packet."""


class ChatClient:
    """The requests to the server of one `Endpoint`.

    Args:
        endpoint: the base URL, and what its server supports.
        api_key: the key for that server; a placeholder is sent when it is None.
    """

    def __init__(self, endpoint: Endpoint, api_key: Key | None = None) -> None:
        self.endpoint = endpoint
        self.name = urlsplit(endpoint.base_url).netloc
        self._key = BoundKey(api_key, endpoint.base_url) if api_key else None

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of one answer after its `Start`.

        Raises:
            ProviderError: the server cannot be reached, or its reply is not a complete answer.
            ConfigError: the address or the key cannot be used.
        """
        events = self._events(request)
        failure: CellmageError | None = None
        async with aclosing(events):
            while failure is None:
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return
                except BaseException as error:
                    failure = self.translate(error, request.options.model or "")
                    if failure is None:
                        raise
                else:
                    yield event
        # Not `raise … from None` inside the handler: that keeps the foreign error as the context.
        # It may contain the key, and IPython does not call our one-line hook when the context
        # contains an ExceptionGroup.
        raise failure

    async def models(self) -> list[str]:
        """Return the names of the models that the server offers, sorted.

        Raises:
            CellmageError: the server cannot be reached, or returned no list.
        """
        failure: CellmageError | None = None
        try:
            client = await self.sdk_client()
            reply = await client.models.with_raw_response.list()
            return model_names(reply.content)
        except BaseException as error:
            failure = self.translate(error, "the list of models")
            if failure is None:
                raise
        raise failure  # outside the handler, as in `stream`

    async def advise(self, error: CellmageError) -> None:
        """Add to an error that a server knows no such model or address what to type instead."""
        await advise(error, self.endpoint.base_url, self.models)

    def translate(self, error: BaseException, model: str) -> CellmageError | None:
        """Return our error for any error of a request, without the key; None if it is unknown.

        No frame of the HTTP library stays in its traceback, nor in that of a cancellation: error
        trackers and ``pytest -l`` show the variables of frames, and there the key is in a header.
        """
        ours: CellmageError | None
        if isinstance(error, CellmageError):
            ours = error
            ours.args = (f"{excerpt(model)} at {self.name}: {ours}",)
            ours.host, ours.model = self.name, model
        else:
            ours = translate(error, host=self.name, model=model)
        drop_foreign_frames(ours or error)
        if ours is not None:
            ours.args = (self._mask(ours),)
            ours.__traceback__ = None  # below are frames with the reply, which may repeat the key
        return ours

    def _mask(self, error: CellmageError) -> str:
        """Return the message without any key: some servers send keys back in their errors."""
        if self._key:
            return mask_error(mask_key(str(error), self._key.key))
        text = mask_error(str(error))
        if error.kind == "auth":
            if isinstance(error, ProviderError):
                error.short = say_no_key(error.short)
            return say_no_key(text, "set OPENAI_BASE_URL and OPENAI_API_KEY together")
        return text

    async def _events(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of the answer; errors of the SDK pass unchanged."""
        async with AsyncExitStack() as stack:
            while True:
                try:
                    response = await self._send(request, stack)
                    break
                except Exception as error:
                    refused = self._learn_refusal(error, request)
                    if not refused:
                        raise
                for notice in self._refusals(request).notices(refused, request.options):
                    yield notice
            for line in end_of_model(self.name, request.options.model or ""):
                yield Notice("retired_model", line)
            content_type = response.headers.get("content-type", "")
            decoder = api_of(request, self.endpoint).decoder(bool(request.tools), content_type)
            failure: Exception | None = None
            try:
                try:
                    async for data in _read_body(response.iter_bytes(), decoder):
                        for event in decoder.feed(data):
                            yield event
                except CellmageError:
                    raise
                except Exception as error:  # noqa: BLE001 - raised by `close`, if it matters
                    failure = error if decoder.has_data else no_answer_error(error)
                for event in decoder.close(failure):
                    yield event
            except CellmageError as error:
                error.request_id = response.request_id
                raise

    def payload(self, request: Request) -> dict[str, Any]:
        """Return the fields of the request, without those that the model has refused before."""
        refusals = self._refusals(request)
        if FIELDS & refusals.parameters.keys():  # the form is asked for in words then
            request = ask_in_words(request)
        return refusals.apply(encode(request, self.endpoint))

    def _refusals(self, request: Request) -> Refusals:
        url = url_of(api_of(request, self.endpoint), self.endpoint.base_url)
        return refusals_of(url, request.options.model or "")

    def _learn_refusal(self, error: Exception, request: Request) -> str:
        """Return the parameter that an error refuses, and remember it; empty if it refuses none."""
        if getattr(error, "status_code", None) not in STATUSES:
            return ""
        body = getattr(error, "body", None)
        return self._refusals(request).learn(body, self.payload(request))

    async def _send(self, request: Request, stack: AsyncExitStack) -> Any:
        """Send the request, and return the response when its head has arrived."""
        while True:
            use = ConnectionUse()
            try:
                return await self._send_once(request, stack)
            except Exception as error:
                has_reply = isinstance(error, CellmageError) or hasattr(error, "status_code")
                if has_reply or not use.was_reused:
                    raise

    async def _send_once(self, request: Request, stack: AsyncExitStack) -> Any:
        is_local = is_loopback(self.endpoint.base_url)
        default = LOOPBACK_FIRST_BYTE_SECONDS if is_local else FIRST_BYTE_SECONDS
        limit = request.options.first_byte_timeout or default
        reply = await self._open(request)
        try:
            async with asyncio.timeout(limit):
                return await stack.enter_async_context(reply)
        except TimeoutError:
            raise ResponseTimeoutError(
                f"the server did not begin to answer within {limit:g} s; "
                "`first_byte_timeout` allows more",
                kind="timeout_first_byte",
                option="first_byte_timeout",
            ) from None

    async def _open(
        self, request: Request
    ) -> AbstractAsyncContextManager[openai.AsyncAPIResponse[Any]]:
        client = await self.sdk_client(request.options.connect_timeout or CONNECT_SECONDS)
        api, payload = api_of(request, self.endpoint), self.payload(request)
        body = payload | payload.pop("extra_body", {})
        headers = {**api.headers, _RAW_RESPONSE: "stream"}
        url = url_of(api, split_query(self.endpoint.base_url)[0])
        reply = client.post(url, cast_to=object, body=body, options={"headers": headers})
        return _Reply(reply)

    async def sdk_client(self, connect_seconds: float = CONNECT_SECONDS) -> openai.AsyncOpenAI:
        """Return the SDK's client for this server; it has a handle in place of the key."""
        sdk = await load_sdk()
        base_url, query = split_query(self.endpoint.base_url)
        client: openai.AsyncOpenAI = sdk.AsyncOpenAI(
            api_key=self._key.handle if self._key else "none",  # see `_edit_headers`
            base_url=base_url,
            default_query=query,
            max_retries=0,
            timeout=sdk.Timeout(None, connect=connect_seconds),
            http_client=await http_client(sdk, base_url),
        )
        return client


class _Reply(AbstractAsyncContextManager[Any]):
    """Sends a request where its block begins, and closes the connection where it ends."""

    def __init__(self, reply: Awaitable[Any]) -> None:
        self._reply = reply

    async def __aenter__(self) -> Any:
        self._response = await self._reply
        return self._response

    async def __aexit__(self, *exc: object) -> None:
        await self._response.close()


async def _read_body(
    body: AsyncIterator[bytes], decoder: BodyDecoder
) -> AsyncGenerator[bytes, None]:
    """Yield the body until the answer is complete: some servers never close the connection."""
    async for data in body:
        yield data
        if decoder.done or decoder.finish_reason:
            break
    deadline = asyncio.get_running_loop().time() + _GRACE_SECONDS
    while decoder.finish_reason and not decoder.done:
        try:
            async with asyncio.timeout_at(deadline):
                data = await anext(body)
        except Exception:  # noqa: BLE001 - the answer is complete without what is missing here
            return
        yield data
    # The next request can use the connection only if the body was read to its end.
    with suppress(Exception):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in body:
                pass
