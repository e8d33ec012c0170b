"""Plain requests to the server of a batch endpoint, by the project's HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import CellmageError, ProtocolError, ResponseTimeoutError
from ...providers.json_values import parse_json

if TYPE_CHECKING:
    from ...providers.chat_client import ChatClient

_SHORT_SECONDS = 60.0
_LONG_SECONDS = 1800.0
"""The limits of a small request, and of one that carries a file."""

File = tuple[str, bytes, str]
"""The name of a file, its contents, and their type."""


class BatchServer:
    """Sends requests that are no questions: uploads, looks at a batch, its results.

    Args:
        client: has the address and the key, which goes to that address alone.
        headers: the headers of the API.
        model: the model, for messages to the user.
    """

    def __init__(self, client: ChatClient, headers: Mapping[str, str], model: str) -> None:
        self.client = client
        self.model = model
        self._headers = headers

    @property
    def path(self) -> str:
        """The path of the base URL, such as ``/v1``."""
        return urlsplit(self.client.endpoint.base_url).path.rstrip("/")

    async def get(self, path: str) -> Any:
        """Return the JSON object at a path below the base URL.

        Raises:
            CellmageError: the server cannot be reached, or refuses the request.
        """
        return _read(await self._send("get", path, _SHORT_SECONDS))

    async def download(self, path: str) -> bytes:
        """Return a file.

        Raises:
            CellmageError: as for `get`.
        """
        return await self._send("get", path, _LONG_SECONDS)

    async def post(self, path: str, body: Any = None) -> Any:
        """Send a JSON object, and return that of the reply.

        Raises:
            CellmageError: as for `get`.
        """
        return _read(await self._send("post", path, _LONG_SECONDS, body=body))

    async def upload(self, path: str, fields: Mapping[str, str], file: File) -> Any:
        """Send a file with fields of a form, and return the JSON object of the reply.

        Raises:
            CellmageError: as for `get`.
        """
        form = {"Content-Type": "multipart/form-data"}
        files = [("file", file)]
        sent = self._send("post", path, _LONG_SECONDS, form, body=fields, files=files)
        return _read(await sent)

    async def _send(
        self,
        method: str,
        path: str,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> bytes:
        failure: CellmageError | None
        try:
            async with asyncio.timeout(seconds):
                sdk = await self.client.sdk_client()
                import httpx  # noqa: PLC0415 - the SDK's HTTP library, which is loaded now

                send = getattr(sdk, method)
                options = {"headers": {**self._headers, **(headers or {})}}
                reply = await send(path, cast_to=httpx.Response, options=options, **content)
                return bytes(reply.content)
        except TimeoutError:
            failure = ResponseTimeoutError(
                f"{self.client.name}: no reply within {seconds:g} s", host=self.client.name
            )
        except BaseException as error:
            failure = self.client.translate(error, self.model)
            if failure is None:
                raise
        raise failure  # outside the handler: the foreign error may contain the key


def _read(body: bytes) -> Any:
    value = parse_json(body)
    if not isinstance(value, dict):
        raise ProtocolError("the reply of the batch endpoint is no JSON object")
    return value
