"""Requests and replies of the scripted server, as values."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from .chunks import Step

End = Literal["clean", "truncate", "reset", "hang"]


@dataclass
class Reply:
    """The reply to one request.

    Args:
        steps: what is written and when: bytes are one write (and one HTTP chunk), a number is a
            wait in seconds.
        status: the HTTP status.
        headers: further headers.
        content_type: the content type; ``application/json`` for the bodies of errors.
        end: what follows the last step: ``clean`` ends the reply as HTTP wants it, ``truncate``
            closes the connection before the last HTTP chunk (or the last byte), ``reset`` resets
            the connection, and ``hang`` leaves it open without a further byte.
        transfer: the framing: ``chunked``, ``content-length``, ``content-length:N`` (declares N
            bytes, whatever is written), ``close-delimited``, or ``none`` (the steps are the
            complete reply, the status line included).
    """

    steps: Iterable[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    end: End = "clean"
    transfer: str = "chunked"


class ReplyFields(TypedDict, total=False):
    """The fields of a `Reply` but its steps, as keyword arguments."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    end: End
    transfer: str


@dataclass
class Exchange:
    """One request and what happened to its reply; all times are `time.monotonic()`.

    Attributes:
        path: the path of the request.
        headers: its headers; the names are in lower case.
        body: its body, parsed from JSON; None if it has no body.
        write_times: when each of the steps that are bytes was written.
        closed_at: when the connection was closed; None if it was kept open for another request.
        finished: set when the reply is finished, or its client has closed the connection.
    """

    path: str
    headers: dict[str, str]
    body: Any
    write_times: list[float] = field(default_factory=list)
    closed_at: float | None = None
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[tuple[str, str]]:
        """The role and the content of each message of the request."""
        return [(message["role"], message["content"]) for message in self.body["messages"]]


def no_reply(count: int) -> Reply:
    """Return the reply to a request after the last of the script."""
    message = f"the script of this server has {count} replies, and this request is one more"
    body = json.dumps({"error": {"message": message}}).encode()
    return Reply([body], status=400, content_type="application/json")


def head(reply: Reply) -> bytes:
    """Return the status line and the headers; nothing for the transfer ``none``."""
    if reply.transfer == "none":
        return b""
    kind, _, declared = reply.transfer.partition(":")
    length = declared or (_length(reply.steps) if kind == "content-length" else 0)
    framing = {
        "chunked": {"transfer-encoding": "chunked"},
        "content-length": {"content-length": str(length)},
        "close-delimited": {"connection": "close"},
    }[kind]
    headers = {"content-type": reply.content_type, **framing, **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def without_last_byte(reply: Reply) -> list[Step]:
    """Return the steps, of which the last that is bytes lacks one."""
    steps = list(reply.steps)
    for last in range(len(steps) - 1, -1, -1):
        if isinstance(data := steps[last], bytes):
            return [*steps[:last], data[:-1]]
    return steps


def _length(steps: Iterable[Step]) -> int:
    return sum(len(step) for step in steps if isinstance(step, bytes))
