"""Stream faults as data: a case says what a server writes, and what the reader must get.

The file's own ``conventions`` and ``invariants`` say how to read it.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from cellmage.pipeline.tools import ROUNDS
from cellmage.testing import Exchange, Reply, ScriptedServer, Step, answer, chunk

PUBLIC = Path(__file__).parents[1] / "data/sse_faults.json"

END = "[done]"
UNKNOWN = "unknown"

SCALE = 0.05
"""What every wait and limit of a case is multiplied with, so that a suite takes minutes."""


@dataclass(frozen=True)
class Case:
    """One fault."""

    id: str
    group: str
    http: dict[str, Any]
    wire: list[Any]
    end: str
    expect: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        """The texts that may be shown and kept."""
        sizes = {"<10 MiB>": 10 << 20, "<100000 chars>": 100_000}
        text = self.expect["text"]
        whole = "x" * sizes[text] if text in sizes else text
        return [whole, *self.expect.get("alt_text", [])]

    @property
    def runs(self) -> list[list[Any]]:
        """The tools that are to be run, each with its arguments; what is no call is not run."""
        called = [call for call in self.expect.get("tool_calls", []) if isinstance(call[1], dict)]
        return called * (ROUNDS if self.expect["kind"] == "tool_limit" else 1)

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model is offered: those it asks for, and is to have."""
        called = self.expect.get("tool_calls")
        if called is None:
            return []
        named = re.findall(r'"name": "(\w+)"', str(self.wire))
        offered = {"other", *named, *(each[0] for each in called)}
        return sorted(offered - {name for name, what in called if what == UNKNOWN})

    def answer(self, exchange: Exchange) -> Reply:
        """What the server does; to the results of tools it says `END`, but to an endless loop."""
        is_over = exchange.body["messages"][-1]["role"] == "tool"
        if is_over and self.expect["kind"] != "tool_limit":
            return Reply(answer(END))
        return self.reply()

    def reply(self) -> Reply:
        """What the server does at first."""
        http = self.http
        is_lazy = any(isinstance(step, dict) and "endless_line" in step for step in self.wire)
        steps = itertools.chain.from_iterable(map(_steps, self.wire))
        return Reply(
            steps=steps if is_lazy else list(steps),
            status=http["status"],
            headers=http.get("headers", {}),
            content_type=http["content_type"],
            end=self.end,
            transfer=http["transfer"],
        )


def load(path: Path = PUBLIC) -> list[Case]:
    """The cases of a file."""
    cases = json.loads(path.read_text())["cases"]
    return [Case(*(case[name] for name in Case.__dataclass_fields__)) for case in cases]


def _steps(step: Any) -> Iterator[Step]:
    match step:
        case str():
            yield step.encode()
        case {"hex": digits}:
            yield bytes.fromhex(digits)
        case {"one_byte_writes": text}:
            yield from (bytes([byte]) for byte in text.encode())
        case {"sleep_s": seconds}:
            yield seconds * SCALE
        case {"repeat": text, "every_s": every, "for_s": seconds}:
            for _ in range(round(seconds / every)):
                yield text.encode()
                yield every * SCALE
        case {"gzip": wire}:
            pieces = itertools.chain.from_iterable(map(_steps, wire))
            yield gzip.compress(b"".join(piece for piece in pieces if isinstance(piece, bytes)))
        case {"big_content_mib": size}:
            yield chunk("x" * (size << 20))
        case {"tiny_chunks": count}:
            yield from itertools.repeat(chunk("x"), count)
        case {"endless_line": True}:
            yield b"data: "
            yield from itertools.repeat(b"x" * (1 << 20))
        case _:
            raise ValueError(f"unknown step {step}")


KEY = "sk-test-secret-98765"

LIMITS = {"timeout": 120 * SCALE, "idle_timeout": 60 * SCALE, "connect_timeout": 5.0}
"""The limits of the design, scaled; the connection's is left, since nothing here waits for it."""

_REQUESTS = {"no": 1, "fallback": 1, "once": 2, "backoff": 3, "after": 3}


@dataclass(frozen=True)
class Result:
    """What a reader got."""

    text: str
    partial: str | None
    error: str = ""
    """The class, and what it says."""
    kind: str | None = None
    seconds: float = 0.0
    requests: int = 1
    runs: list[list[Any]] = field(default_factory=list)
    """The tools that were run."""

    @property
    def outcome(self) -> str:
        if self.error or self.partial:
            return "partial" if self.text else "failed"
        return "complete" if self.text else "complete_warn"


def untrusted_server() -> ScriptedServer:
    """A server whose certificate nobody here trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return ScriptedServer(context)


def address(case: Case, url: str, secure_url: str) -> tuple[str, str]:
    """The base URL and the key of a case."""
    base_url = {"dns": "https://no-such-host.invalid/v1", "tls_bad_cert": secure_url}
    return base_url.get(case.end, url), "sk-té" if case.end == "config" else KEY


def problems(case: Case, got: Result) -> list[str]:
    """What is not as the case wants it."""
    want = case.expect
    outcome, kind = want["outcome"], want["kind"]
    if got.text in want.get("alt_text", []) and got.outcome == "complete":
        outcome, kind = "complete", None  # what could not be read was read in another way
    if outcome == "complete_warn":
        kind = None
    limit = want.get("max_requests", _REQUESTS[want["retry"].partition(":")[0]])
    if want.get("tool_calls"):
        limit += max(1, len(case.runs))
    checks = {
        f"text is {got.text[:40]!r}": got.text.removesuffix(END) in case.texts,
        f"tools run: {got.runs}": got.runs == case.runs,
        f"outcome is {got.outcome}": got.outcome == outcome,
        f"kind is {got.kind}": got.kind == kind,
        f"{got.requests} requests": got.requests <= limit,
        f"took {got.seconds:.1f} s": got.seconds <= _longest(want),
        f"error is {got.error}": _is_readable(got.error),
    }
    return [what for what, holds in checks.items() if not holds]


def _longest(want: dict[str, Any]) -> float:
    """Seconds that the case may take: its limit, else those of its script, and 2 more."""
    limit = want.get("max_seconds", 120 * SCALE + (30 if "<" in want["text"] else 2))
    return LIMITS["idle_timeout"] + 0.5 + 0.5 if isinstance(limit, str) else limit + 0.5


def _is_readable(error: str) -> bool:
    name, _, message = error.partition(": ")
    foreign = ("Traceback", "httpx", "httpcore", "openai.", "json.", KEY)
    return not error or (
        name.endswith("Error") and message and not any(f in error for f in foreign)
    )
