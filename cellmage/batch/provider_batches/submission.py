"""Upload rows as batches: each row once, whatever ends the process on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack
from uuid import uuid4

from ...errors import CellmageError, HTTPStatusError
from ...messages import Request
from ...providers.apis import APIS
from .job_store import JobStore, RowKey, StoredBatch
from .server import BatchServer
from .target import Target

_NOT_FIELDS = ("stream", "stream_options")
"""The fields that a row of a batch does not have."""


class Submission:
    """The rows that a call must have answered.

    Each batch is noted before it is uploaded, with a name of ours that the provider has too. So
    an upload whose end nobody saw is looked for, before anything is uploaded.

    Args:
        target: the batch endpoint.
        store: the batches under way.
        requests: the requests by key.
        takes_up: False uploads rows also if they are in a batch under way.
    """

    def __init__(
        self,
        target: Target,
        store: JobStore,
        requests: Mapping[RowKey, Request],
        takes_up: bool = True,
    ) -> None:
        self._target = target
        self._store = store
        self._requests = requests
        self._takes_up = takes_up

    async def run(self) -> list[StoredBatch]:
        """Return the batches in which the rows are; those that are in none are uploaded.

        Raises:
            CellmageError: the server cannot be reached, or refuses the upload.
        """
        with ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, self._store.lock())
            server = await self._target.server()
            result: dict[RowKey, str] = {}
            if self._takes_up:
                result = self._store.find(self._target.base_url, self._requests)
            batches = []
            for tag in dict.fromkeys(result.values()):
                batch = await self._take_up(server, self._store.get(tag))
                if batch is None:
                    result = {key: item for key, item in result.items() if item != tag}
                else:
                    batches.append(batch)
            missing = [key for key in self._requests if key not in result]
            async for tag, keys, rows in self._split(server, missing):
                target = self._target
                batch = self._store.begin(tag, target.base_url, target.api, target.model, keys)
                batches.append(await self._upload(server, batch, rows))
            return batches

    async def _take_up(self, server: BatchServer, batch: StoredBatch) -> StoredBatch | None:
        """Return a batch under way; None if it was never uploaded, and cannot be now."""
        if batch.batch_id is not None:
            return batch
        batch_id = await self._target.batches.find(server, batch, self._store.is_known)
        if batch_id is not None:
            return self._store.set_id(batch, batch_id)
        keys = self._store.keys(batch.tag)
        if all(key in self._requests for key in keys):
            places = enumerate(keys)
            rows = [self._encode(server, batch.tag, index, key) for index, key in places]
            return await self._upload(server, batch, rows)
        self._store.forget(batch.tag)
        return None

    async def _upload(
        self, server: BatchServer, batch: StoredBatch, rows: Sequence[bytes]
    ) -> StoredBatch:
        try:
            batch_id = await self._target.batches.create(server, batch.tag, rows, self._path)
        except HTTPStatusError as error:
            if error.kind != "server":  # refused: there is no batch
                self._store.forget(batch.tag)
            raise
        return self._store.set_id(batch, batch_id)

    @property
    def _path(self) -> str:
        return f"/v1{APIS[self._target.api].path}"

    def _encode(self, server: BatchServer, tag: str, index: int, key: RowKey) -> bytes:
        payload = server.client.payload(self._target.for_batch(self._requests[key]))
        body = {name: value for name, value in payload.items() if name not in _NOT_FIELDS}
        body |= body.pop("extra_body", {})
        return self._target.batches.encode(f"{tag}-{index}", body, self._path)

    async def _split(
        self, server: BatchServer, keys: Sequence[RowKey]
    ) -> AsyncGenerator[tuple[str, list[RowKey], list[bytes]], None]:
        """Yield the tag and the rows of each batch, within the limits of the provider."""
        limits, size = self._target.batches, 0
        tag, chunk, rows = uuid4().hex, list[RowKey](), list[bytes]()
        for key in keys:
            row = self._encode(server, tag, len(chunk), key)
            size += len(row) + len(", ")
            if chunk and (len(chunk) >= limits.max_rows or size > limits.max_bytes):
                yield tag, chunk, rows
                tag, chunk, rows = uuid4().hex, [], []
                row = self._encode(server, tag, 0, key)
                size = len(row) + len(", ")
            chunk.append(key)
            rows.append(row)
            await asyncio.sleep(0)  # other answers on this loop go on
        if chunk:
            yield tag, chunk, rows


def is_transient(error: CellmageError) -> bool:
    """Return whether a failure may pass: the batch goes on meanwhile."""
    return error.kind in _TRANSIENT


_TRANSIENT = frozenset(
    {
        "rate_limited",
        "server",
        "connect",
        "connection_lost",
        "protocol",
        "timeout_first_byte",
        "truncated_no_finish",
    }
)
