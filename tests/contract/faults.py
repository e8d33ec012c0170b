"""Stream faults as data: a case has what a server writes, and what every reader must get.

The ``conventions`` and ``invariants`` of the file describe its form.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trustme

from cellmage import Response, Turn
from cellmage.pipeline.tools import MAX_STEPS
from cellmage.testing import Exchange, Reply, ScriptedServer, Step, answer, chunk

DATA = Path(__file__).parents[1] / "data"
FILES = (DATA / "sse_faults.json", DATA / "finer_faults.json")

END = "[done]"
UNKNOWN = "unknown"

SCALE = 0.05
"""The factor of every wait and limit of a case, so that the suite takes a minute."""

TINY_CHUNKS = int(os.environ.get("TINY_CHUNKS", "20000"))
"""The number of tiny chunks for all readers but the first; `make stress` sends them all."""


@dataclass(frozen=True)
class Case:
    """One fault; the fields are those of the file."""

    id: str
    group: str
    http: dict[str, Any]
    wire: list[Any]
    end: str
    expect: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        """The texts of which the reader must show and keep one."""
        return [_spelled_out(self.expect["text"]), *self.expect.get("alt_text", [])]

    @property
    def tool_runs(self) -> list[list[Any]]:
        """The tools that must run, each with its arguments; an invalid call must not run."""
        calls = [call for call in self.expect.get("tool_calls", []) if isinstance(call[1], dict)]
        return calls * (MAX_STEPS if self.expect["kind"] == "tool_limit" else 1)

    @property
    def offered_tools(self) -> list[str]:
        """The names of the tools that the model is offered."""
        calls = self.expect.get("tool_calls")
        if calls is None:
            return []
        names = {"other", *re.findall(r'"name": "(\w+)"', str(self.wire)), *(c[0] for c in calls)}
        return sorted(names - {name for name, arguments in calls if arguments == UNKNOWN})

    @property
    def earlier_turns(self) -> list[Turn]:
        """The turns before the question: where a retry is shorter, some must be left out."""
        count = 4 if self.expect["retry"] == "shorten_once" else 0
        return [Turn(f"Question {number}", Response("Answer")) for number in range(count)]

    def with_fewer_chunks(self) -> Case:
        """Return the case with at most `TINY_CHUNKS` tiny chunks."""
        counts = [step["tiny_chunks"] for step in self.wire if "tiny_chunks" in step]
        if not counts or counts[0] <= TINY_CHUNKS:
            return self
        wire = [{"tiny_chunks": TINY_CHUNKS}, *self.wire[1:]]
        return replace(self, wire=wire, expect=self.expect | {"text": f"<{TINY_CHUNKS} chars>"})

    def reply_to(self, exchange: Exchange) -> Reply:
        """Return the server's reply; the results of tools are answered with `END`.

        An endless loop of tools has the same reply to every request. The list of models, for which
        cellmage asks after HTTP 404, is not part of a case.
        """
        if exchange.body is None:
            return Reply([], status=404)
        has_results = exchange.body["messages"][-1]["role"] == "tool"
        if has_results and self.expect["kind"] != "tool_limit":
            return Reply(answer(END))
        return self.reply()

    def reply(self) -> Reply:
        """Return the server's reply to the first request."""
        http = self.http
        is_endless = any(isinstance(step, dict) and "endless_line" in step for step in self.wire)
        steps = itertools.chain.from_iterable(map(_steps, self.wire))
        return Reply(
            steps=steps if is_endless else list(steps),
            status=http["status"],
            headers=http.get("headers", {}),
            content_type=http["content_type"],
            end=self.end,
            transfer=http["transfer"],
        )


def _spelled_out(text: str) -> str:
    """Return the text that a size, such as ``<10 MiB>``, stands for; other texts as they are."""
    match = re.fullmatch(r"<(\d+) (MiB|chars)>", text)
    return "x" * (int(match[1]) << (20 if match[2] == "MiB" else 0)) if match else text


def load(*paths: Path) -> list[Case]:
    """Return the cases of some files; without a path, of those of this project."""
    cases = [case for path in paths or FILES for case in json.loads(path.read_text())["cases"]]
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

LIMITS = {
    "first_byte_timeout": 60 * SCALE,
    "timeout": 120 * SCALE,
    "idle_timeout": 60 * SCALE,
    "connect_timeout": 5.0,
}
"""The default limits, scaled; that of the connection is not, since no case waits for it."""

_REQUESTS = {
    "no": 1,
    "fallback": 1,
    "once": 2,
    "shorten_once": 2,
    "backoff": 3,
    "after": 3,
    "before_first_token_only": 3,
}
"""How many requests the server may receive, by the word that a case has for `retry`."""


@dataclass(frozen=True)
class Result:
    """The result of one reader.

    Attributes:
        text: the text that it showed.
        incomplete_reason: that of the response.
        error: the class and the message of the error; empty if none was raised.
        kind: the kind of the error or the response.
        seconds: how long it took.
        requests: how many requests the server received.
        tool_runs: the tools that were run, each with its arguments.
        reasoning: the reasoning that is kept; None if the reader does not tell.
        usage: the tokens that were sent and received; None if the reader does not tell.
    """

    text: str
    incomplete_reason: str | None
    error: str = ""
    kind: str | None = None
    seconds: float = 0.0
    requests: int = 1
    tool_runs: list[list[Any]] = field(default_factory=list)
    reasoning: str | None = None
    usage: list[int | None] | None = None

    @property
    def outcome(self) -> str:
        """The outcome in the words of the file."""
        if self.error or self.incomplete_reason:
            return "partial" if self.text else "failed"
        return "complete" if self.text else "complete_warn"


def untrusted_server() -> ScriptedServer:
    """Return a server with a certificate that this machine does not trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return ScriptedServer(context)


def address(case: Case, url: str, secure_url: str) -> tuple[str, str]:
    """Return the base URL and the key of a case."""
    urls = {
        "dns": "https://no-such-host.invalid/v1",
        "refused": "http://127.0.0.1:9/v1",
        "connect_timeout": "https://10.255.255.1/v1",
        "tls_bad_cert": secure_url,
    }
    return urls.get(case.end, url), "sk-té" if case.end == "config" else KEY


def problems(case: Case, result: Result) -> list[str]:
    """Return the differences between a result and what the case expects."""
    expect = case.expect
    outcome, kind = expect["outcome"], expect["kind"]
    if result.text in expect.get("alt_text", []) and result.outcome == "complete":
        outcome, kind = "complete", None  # another reading of an unreadable chunk is accepted
    if outcome == "complete_warn":
        kind = None
    max_requests = _max_requests(case)
    min_seconds = _wait_seconds(case) if result.requests > 1 else 0
    checks = {
        f"text is {result.text[:40]!r}": result.text.removesuffix(END) in case.texts,
        f"tools run: {result.tool_runs}": result.tool_runs == case.tool_runs,
        f"outcome is {result.outcome}": result.outcome == outcome,
        f"kind is {result.kind}": result.kind == kind,
        f"{result.requests} requests": result.requests <= max_requests,
        f"took {result.seconds:.1f} s": min_seconds <= result.seconds <= _max_seconds(expect),
        f"reasoning is {result.reasoning!r}": _is_as(expect, "reasoning", result.reasoning),
        f"usage is {result.usage}": _is_as(expect, "usage", result.usage),
        f"error is {result.error}": _is_readable(result.error),
    }
    return [problem for problem, is_met in checks.items() if not is_met]


def _max_requests(case: Case) -> int:
    word = case.expect["retry"].partition(":")[0]
    if word not in _REQUESTS:
        raise ValueError(f"{case.id}: unknown retry {word!r}; known are {', '.join(_REQUESTS)}")
    count = case.expect.get("max_requests", _REQUESTS[word])
    return int(count) + (max(1, len(case.tool_runs)) if case.expect.get("tool_calls") else 0)


def _wait_seconds(case: Case) -> float:
    """Return the wait that the server asks for before the second request, scaled."""
    word, _, seconds = case.expect["retry"].partition(":")
    return float(seconds) * SCALE if word == "after" else 0


def _max_seconds(expect: dict[str, Any]) -> float:
    """Return how long a case may take: its own limit, else that of its waits; plus a margin.

    A limit may be the name of an option with a number of seconds, such as ``idle_timeout + 0.5``.
    """
    limit = expect.get("max_seconds", 120 * SCALE + (30 if "<" in expect["text"] else 2))
    if not isinstance(limit, str):
        return limit + 0.5
    name, _, margin = limit.replace(" ", "").partition("+")
    return LIMITS.get(name, LIMITS["timeout"]) + float(margin or 0) + 0.5


def _is_as(expect: dict[str, Any], name: str, value: Any) -> bool:
    """Return whether a value is as expected, where the case has one and the reader tells it."""
    return name not in expect or value is None or value == expect[name]


_KEY_LIKE = re.compile(r"(?:sk-|gsk_|xai-|hf_|AIza|[Bb]earer )[\w-]{12,}")


def _is_readable(error: str) -> bool:
    name, _, message = error.partition(": ")
    foreign = ("Traceback", "httpx", "httpcore", "openai.", "json.", KEY)
    if _KEY_LIKE.search(error):
        return False
    return not error or (
        name.endswith("Error") and message and not any(word in error for word in foreign)
    )
