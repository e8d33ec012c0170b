"""The batch endpoints of OpenAI and Anthropic on loopback: files, batches, results, faults."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Provider:
    """What the server has, and how it fails.

    Attributes:
        fates: what becomes of a row, by its prompt: "bad", "expired", "cancelled"; else an answer.
        is_finished: True if batches have ended.
        requests: the method, path and headers of each request.
        faults: the status that the next request to a path gets, with headers; 0 does what it asks,
            and closes the connection without a reply.
    """

    fates: dict[str, str] = field(default_factory=dict)
    is_finished: bool = True
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def count(self, method: str, path: str) -> int:
        """Return how many requests there were."""
        return sum(m == method and urlsplit(p).path == path for m, p, _ in self.requests)

    @property
    def prompts(self) -> list[str]:
        """The prompts of all rows of all batches."""
        return [_prompt(row) for batch in self.batches.values() for row in batch["rows"]]

    # The replies.

    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Any:
        """Return the reply to a request: an object, or bytes."""
        for pattern, name in _ROUTES:
            if match := re.fullmatch(pattern, f"{method} {path}"):
                return getattr(self, name)(*match.groups(), query=query, body=body)
        raise LookupError(path)

    def upload(self, *, query: Any, body: bytes) -> Any:
        name = re.search(rb'filename="([^"]+)"', body)
        start = body.index(b'{"custom_id"')
        content = body[start : body.index(b"\r\n--", start)]
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = (name[1].decode() if name else "", content)
        return {"id": file_id}

    def list_files(self, *, query: Any, body: bytes) -> Any:
        return _page([{"id": i, "filename": name} for i, (name, _) in self.files.items()], query)

    def content(self, file_id: str, *, query: Any, body: bytes) -> Any:
        return self.files[file_id][1]

    def create(self, *, query: Any, body: bytes) -> Any:
        batch = json.loads(body)
        lines = self.files[batch["input_file_id"]][1].splitlines()
        batch |= {"id": f"batch_{len(self.batches)}", "rows": [json.loads(line) for line in lines]}
        assert all(row["url"] == batch["endpoint"] for row in batch["rows"])
        self.batches[batch["id"]] = batch
        return self._openai_view(batch)

    def list_batches(self, *, query: Any, body: bytes) -> Any:
        return _page([self._openai_view(b) for b in reversed(self.batches.values())], query)

    def get(self, batch_id: str, *, query: Any, body: bytes) -> Any:
        return self._openai_view(self.batches[batch_id])

    def cancel(self, batch_id: str, *, query: Any, body: bytes) -> Any:
        self._cancel(batch_id)
        return self._openai_view(self.batches[batch_id])

    def _cancel(self, batch_id: str) -> None:
        self.batches[batch_id]["is_cancelled"] = self.is_finished = True
        self.fates |= {_prompt(row): "cancelled" for row in self.batches[batch_id]["rows"]}

    def _openai_view(self, batch: dict[str, Any]) -> Any:
        view = {name: batch[name] for name in ("id", "metadata")}
        view["request_counts"] = {"total": len(batch["rows"]), "completed": 0, "failed": 0}
        if not self.is_finished:
            return view | {"status": "in_progress"}
        good, bad = [], []
        for row in reversed(batch["rows"]):  # in another order
            (bad if self.fates.get(_prompt(row)) else good).append(self._openai_line(row))
        ids = [f"{batch['id']}-out", f"{batch['id']}-err"]
        for file_id, lines in zip(ids, (good, bad), strict=True):
            self.files[file_id] = ("", "\n".join(map(json.dumps, lines)).encode())
        fates = set(self.fates.values())
        state = next((s for s in ("cancelled", "expired") if s in fates), "completed")
        return view | {"status": state, "output_file_id": ids[0], "error_file_id": ids[1]}

    def _openai_line(self, row: dict[str, Any]) -> Any:
        fate, line = self.fates.get(_prompt(row)), {"custom_id": row["custom_id"]}
        if fate == "bad":
            body = {"error": {"message": "no such thing", "type": "invalid_request_error"}}
            return line | {"response": {"status_code": 400, "body": body}, "error": None}
        if fate:
            return line | {"response": None, "error": {"code": f"batch_{fate}", "message": "no"}}
        text = f"re: {_prompt(row)}"
        make = _responses_body if row["url"].endswith("responses") else _chat_body
        return line | {"response": {"status_code": 200, "body": make(text)}, "error": None}

    def create_messages(self, *, query: Any, body: bytes) -> Any:
        batch = {"id": f"msgbatch_{len(self.batches)}", "rows": json.loads(body)["requests"]}
        self.batches[batch["id"]] = batch
        return self._messages_view(batch)

    def list_messages(self, *, query: Any, body: bytes) -> Any:
        return _page([self._messages_view(b) for b in reversed(self.batches.values())], query)

    def get_messages(self, batch_id: str, *, query: Any, body: bytes) -> Any:
        return self._messages_view(self.batches[batch_id])

    def cancel_messages(self, batch_id: str, *, query: Any, body: bytes) -> Any:
        self._cancel(batch_id)
        return self._messages_view(self.batches[batch_id])

    def _messages_view(self, batch: dict[str, Any]) -> Any:
        word = "succeeded" if self.is_finished else "processing"
        return {
            "id": batch["id"],
            "created_at": "2999-01-01T00:00:00Z",
            "processing_status": "ended" if self.is_finished else "in_progress",
            "request_counts": {"processing": 0, word: len(batch["rows"])},
            "results_url": "http://elsewhere.example/results",
        }

    def results(self, batch_id: str, *, query: Any, body: bytes) -> Any:
        rows = reversed(self.batches[batch_id]["rows"])
        return "\n".join(json.dumps(self._messages_line(row)) for row in rows).encode()

    def _messages_line(self, row: dict[str, Any]) -> Any:
        fate = self.fates.get(_prompt(row))
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
        result: dict[str, Any] = {
            "bad": {"type": "errored", "error": error},
            "expired": {"type": "expired"},
            "cancelled": {"type": "canceled"},
        }.get(fate or "", {"type": "succeeded", "message": _message_body(f"re: {_prompt(row)}")})
        return {"custom_id": row["custom_id"], "result": result}


_ROUTES = [
    (r"POST /v1/files", "upload"),
    (r"GET /v1/files", "list_files"),
    (r"GET /v1/files/([^/]+)/content", "content"),
    (r"POST /v1/batches", "create"),
    (r"GET /v1/batches", "list_batches"),
    (r"GET /v1/batches/([^/]+)", "get"),
    (r"POST /v1/batches/([^/]+)/cancel", "cancel"),
    (r"POST /v1/messages/batches", "create_messages"),
    (r"GET /v1/messages/batches", "list_messages"),
    (r"GET /v1/messages/batches/([^/]+)", "get_messages"),
    (r"POST /v1/messages/batches/([^/]+)/cancel", "cancel_messages"),
    (r"GET /v1/messages/batches/([^/]+)/results", "results"),
]


def _prompt(row: dict[str, Any]) -> str:
    body = row.get("body") or row["params"]
    content = (body.get("messages") or body.get("input"))[-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def _chat_body(text: str) -> Any:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"object": "chat.completion", "choices": [choice], "usage": usage}


def _responses_body(text: str) -> Any:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": content}
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [item],
        "usage": usage,
    }


def _message_body(text: str) -> Any:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }


def _page(items: list[Any], query: dict[str, list[str]]) -> Any:
    """Return two objects of a list: that there are more must be noticed."""
    after = (query.get("after") or query.get("after_id") or [""])[0]
    ids = [item["id"] for item in items]
    start = ids.index(after) + 1 if after else 0
    return {"data": items[start : start + 2], "has_more": len(items) > start + 2}


@contextmanager
def serve_batches() -> Iterator[Provider]:
    """Run the server."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            provider.requests.append((self.command, self.path, headers))
            faults = provider.faults.get(f"{self.command} {url.path}") or [(200, {})]
            status, extra = faults.pop(0)
            try:
                reply = provider.reply(self.command, url.path, parse_qs(url.query), body)
            except LookupError:
                status, reply = 404, {"error": {"message": "not found"}}
            if status == 0:
                self.close_connection = True
                return
            if status >= 400:
                reply = {"error": {"message": "no"}}
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            for name, value in {"content-length": str(len(data)), **extra}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _serve

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
