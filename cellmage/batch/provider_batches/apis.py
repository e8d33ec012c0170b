"""The batch endpoints of the providers: one class each; no state.

Sources: OpenAI's API reference, "Batch" and "Files"; Anthropic's, "Message Batches".
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from ...errors import ProtocolError
from ...providers.json_values import parse_json
from .job_store import StoredBatch
from .server import BatchServer

_PAGE = 100
_MEGABYTE = 10**6

Body = Mapping[str, Any]

IsTaken = Callable[[str], bool]
"""Tells whether a provider's id is that of another batch of ours."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a server says about a batch.

    Args:
        state: the server's word.
        is_ended: True if there will be no further results.
        done: the rows that are done.
        total: all its rows; 0 if the server has not counted them.
        files: the ids of the files with the results.
        problem: why the whole batch failed; empty if it did not.
    """

    state: str
    is_ended: bool = False
    done: int = 0
    total: int = 0
    files: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The result of one row as the provider wrote it.

    Args:
        custom_id: the id that we gave the row.
        answer: the body of the answer; None if there is none.
        error: the error object; the word ``"expired"`` or ``"cancelled"``.
    """

    custom_id: str
    answer: Any = None
    error: Any = None


class BatchAPI(Protocol):
    """A batch endpoint.

    Attributes:
        max_rows: the rows of one batch.
        max_bytes: the bytes of one batch.
    """

    max_rows: int
    max_bytes: int

    def encode(self, custom_id: str, payload: Body, path: str) -> bytes:
        """Return a row as a batch has it."""

    async def create(self, server: BatchServer, tag: str, rows: Sequence[bytes], path: str) -> str:
        """Upload a batch, and return its id."""

    async def find(self, server: BatchServer, batch: StoredBatch, is_taken: IsTaken) -> str | None:
        """Return the id of the batch that was uploaded with a tag; None if there is none."""

    async def look(self, server: BatchServer, batch_id: str) -> Look:
        """Return how far a batch is."""

    def lines(self, server: BatchServer, batch_id: str, look: Look) -> AsyncIterator[Line]:
        """Yield the results of a batch that has ended, in any order."""

    async def cancel(self, server: BatchServer, batch_id: str) -> None:
        """Ask the server to end a batch."""


class OpenAIBatches:
    """Batches of OpenAI: a file of requests, and files of results."""

    max_rows = 50_000
    max_bytes = 200 * _MEGABYTE

    def encode(self, custom_id: str, payload: Body, path: str) -> bytes:
        """Return a row as a line of the file."""
        return _dump({"custom_id": custom_id, "method": "POST", "url": path, "body": payload})

    async def create(self, server: BatchServer, tag: str, rows: Sequence[bytes], path: str) -> str:
        """Upload the file, unless it is there, and start its batch."""
        file_id = await self._find_file(server, tag) or await self._upload(server, tag, rows)
        body = {
            "input_file_id": file_id,
            "endpoint": path,
            "completion_window": "24h",
            "metadata": {"cellmage": tag},
        }
        return _id_of(await server.post("/batches", body))

    async def _upload(self, server: BatchServer, tag: str, rows: Sequence[bytes]) -> str:
        file = (_file_name(tag), b"\n".join(rows) + b"\n", "application/jsonl")
        return _id_of(await server.upload("/files", {"purpose": "batch"}, file))

    async def _find_file(self, server: BatchServer, tag: str) -> str | None:
        async for file in _pages(server, "/files?purpose=batch", "after"):
            if file.get("filename") == _file_name(tag):
                return _id_of(file)
        return None

    async def find(self, server: BatchServer, batch: StoredBatch, is_taken: IsTaken) -> str | None:
        """Return the id of the batch whose metadata has the tag."""
        async for result in _pages(server, "/batches?", "after"):
            if (result.get("metadata") or {}).get("cellmage") == batch.tag:
                return _id_of(result)
        return None

    async def look(self, server: BatchServer, batch_id: str) -> Look:
        """Return how far a batch is."""
        batch = await server.get(f"/batches/{quote(batch_id, safe='')}")
        state, counts = str(batch.get("status")), batch.get("request_counts") or {}
        files = (batch.get("output_file_id"), batch.get("error_file_id"))
        problems = (batch.get("errors") or {}).get("data") or ()
        return Look(
            state,
            state in ("completed", "expired", "cancelled", "failed"),
            int(counts.get("completed") or 0) + int(counts.get("failed") or 0),
            int(counts.get("total") or 0),
            tuple(str(item) for item in files if item),
            "; ".join(str(item.get("message")) for item in problems[:3]),
        )

    async def lines(self, server: BatchServer, batch_id: str, look: Look) -> AsyncIterator[Line]:
        """Yield the results: those of the output file, then those of the error file."""
        for file in look.files:
            body = await server.download(f"/files/{quote(file, safe='')}/content")
            for record in _records(body):
                reply = record.get("response") or {}
                is_answer = reply.get("status_code") == 200
                error = record.get("error") or (None if is_answer else reply.get("body") or reply)
                if isinstance(error, dict):
                    error = _OPENAI_WORDS.get(str(error.get("code")), error)
                answer = reply.get("body") if is_answer else None
                yield Line(str(record.get("custom_id")), answer, error)

    async def cancel(self, server: BatchServer, batch_id: str) -> None:
        """Ask the server to end a batch."""
        await server.post(f"/batches/{quote(batch_id, safe='')}/cancel")


_OPENAI_WORDS = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


def _file_name(tag: str) -> str:
    return f"cellmage-{tag}.jsonl"


class AnthropicBatches:
    """Message batches of Anthropic: requests in one body, results at an address.

    A batch has no metadata. The id of each row begins with the tag, and the results have these
    ids, so a batch whose id was lost is known by its results.
    """

    max_rows = 100_000
    max_bytes = 256 * _MEGABYTE

    def encode(self, custom_id: str, payload: Body, path: str) -> bytes:
        """Return a row as an item of the list of requests."""
        return _dump({"custom_id": custom_id, "params": payload})

    async def create(self, server: BatchServer, tag: str, rows: Sequence[bytes], path: str) -> str:
        """Send the batch."""
        body = {"requests": [json.loads(row) for row in rows]}
        return _id_of(await server.post("/messages/batches", body))

    async def find(self, server: BatchServer, batch: StoredBatch, is_taken: IsTaken) -> str | None:
        """Return the id of the batch whose results have the tag, or may have it when it has ended.

        One under way has no results yet: it is taken if its time and the number of its rows fit.
        """
        possible: str | None = None
        async for result in _pages(server, "/messages/batches?", "after_id"):
            if _seconds_of(result) < batch.created_at - _CLOCK_SECONDS:
                break  # newest first
            has_rows = sum((result.get("request_counts") or {}).values()) == batch.rows
            if not has_rows or is_taken(_id_of(result)):
                continue
            if result.get("processing_status") != "ended":
                possible = possible or _id_of(result)
            elif await self._has_tag(server, _id_of(result), batch.tag):
                return _id_of(result)
        return possible

    async def _has_tag(self, server: BatchServer, batch_id: str, tag: str) -> bool:
        async for line in self.lines(server, batch_id, Look("ended")):
            return line.custom_id.startswith(f"{tag}-")
        return False

    async def look(self, server: BatchServer, batch_id: str) -> Look:
        """Return how far a batch is."""
        batch = await server.get(f"/messages/batches/{quote(batch_id, safe='')}")
        counts = {name: int(n) for name, n in (batch.get("request_counts") or {}).items()}
        total, state = sum(counts.values()), str(batch.get("processing_status"))
        return Look(state, state == "ended", total - counts.get("processing", 0), total)

    async def lines(self, server: BatchServer, batch_id: str, look: Look) -> AsyncIterator[Line]:
        """Yield the results. The address in the batch is not used: the key goes to our own."""
        path = f"/messages/batches/{quote(batch_id, safe='')}/results"
        for record in _records(await server.download(path)):
            result = record.get("result") or {}
            kind, custom_id = result.get("type"), str(record.get("custom_id"))
            if kind == "succeeded":
                yield Line(custom_id, result.get("message"))
            else:
                word = {"canceled": "cancelled"}.get(str(kind), kind)
                yield Line(custom_id, error=result.get("error") or word)

    async def cancel(self, server: BatchServer, batch_id: str) -> None:
        """Ask the server to end a batch."""
        await server.post(f"/messages/batches/{quote(batch_id, safe='')}/cancel")


_CLOCK_SECONDS = 600.0
"""So much may the clock of this machine differ from that of the server."""

BATCH_APIS: Mapping[str, BatchAPI] = {
    "chat": OpenAIBatches(),
    "responses": OpenAIBatches(),
    "messages": AnthropicBatches(),
}
"""The batch endpoints by the API of their rows."""


def _seconds_of(batch: Body) -> float:

    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return float("inf")


async def _pages(server: BatchServer, path: str, after: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of a list, page by page."""
    query, join = "", "" if path.endswith("?") else "&"
    while True:
        page = await server.get(f"{path}{join}limit={_PAGE}{query}")
        items = [item for item in page.get("data") or () if isinstance(item, dict)]
        for item in items:
            yield item
        if not page.get("has_more") or not items:
            return
        query = f"&{after}={quote(_id_of(items[-1]), safe='')}"


def _id_of(value: Body) -> str:
    if not isinstance(value.get("id"), str):
        raise ProtocolError("the reply of the batch endpoint has no id")
    return str(value["id"])


def _records(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.split(b"\n"):
        if line.strip() and isinstance(value := parse_json(line), dict):
            yield value


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()
