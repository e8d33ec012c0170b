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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trustme

from cellmage import Response, Turn
from cellmage.pipeline.tools import MAX_STEPS
from cellmage.testing import Exchange, Reply, ScriptedServer, Step, chunk
from tests.contract.apis import APIS
from tests.contract.writers import Untranslatable
from tests.repetitions import sample

DATA = Path(__file__).parents[1] / "data"
FILES = tuple(DATA / f"{name}_faults.json" for name in ("sse", "finer", "responses", "messages"))

END = "[done]"
UNKNOWN = "unknown"

SCALE = 0.05
"""The factor of every wait and limit of a case, so that the suite takes a minute."""

TINY_CHUNKS = int(os.environ.get("TINY_CHUNKS", "20000"))
"""The number of tiny chunks for all readers but the first; `make stress` sends them all."""


@dataclass(frozen=True)
class Case:
    """One fault; the fields are those of the file.

    Attributes:
        api: the API that is asked.
        written_for: the API in which the file has the bytes.
    """

    id: str
    group: str
    http: dict[str, Any]
    wire: list[Any]
    end: str
    expect: dict[str, Any]
    api: str = "chat"
    written_for: str = "chat"

    @property
    def name(self) -> str:
        """The id, with the API if it is another one than chat completions."""
        return self.id if self.api == "chat" else f"{self.id}-{self.api}"

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
        api = APIS[self.api]
        has_results = api.messages(exchange.body)[-1]["role"] == "tool"
        if has_results and self.expect["kind"] != "tool_limit":
            return Reply(api.answer(END))
        return self.reply()

    def reply(self) -> Reply:
        """Return the server's reply to the first request."""
        http, wire, path = self.http, self.wire, APIS[self.api].path
        if self.api != self.written_for:
            wire = APIS[self.api].translate(wire)
        headers = http.get("headers", {}).items()
        is_endless = any(isinstance(step, dict) and "endless_line" in step for step in wire)
        steps = itertools.chain.from_iterable(map(_steps, wire))
        return Reply(
            steps=steps if is_endless else list(steps),
            status=http["status"],
            headers={k: v.replace(APIS["chat"].path, path) for k, v in headers},
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
    return [
        Case(*(case[name] for name in _FIELDS), file.get("api", "chat"), file.get("api", "chat"))
        for path in paths or FILES
        for file in [json.loads(path.read_text())]
        for case in file["cases"]
    ]


_FIELDS = ("id", "group", "http", "wire", "end", "expect")


def in_all_apis(cases: Iterable[Case]) -> list[Case]:
    """Return the cases in each API in which they make sense."""
    asked = (replace(case, api=api) for case in cases for api in APIS)
    return list(filter(_makes_sense, asked))


def select_cases(chat_count: int, count: int) -> list[Case]:
    """Return so many cases of chat completions, and of each other API; all in `make stress`."""
    cases = in_all_apis(load())
    of_apis = ([case for case in cases if case.api == api] for api in APIS)
    counts = [chat_count, *[count] * (len(APIS) - 1)]
    return [case for found, n in zip(of_apis, counts, strict=True) for case in sample(found, n)]


def _makes_sense(case: Case) -> bool:
    try:
        case.with_fewer_chunks().reply()
    except Untranslatable:
        return False
    return case.written_for in (case.api, "chat")


def _steps(step: Any) -> Iterator[Step]:
    match step:
        case str():
            yield step.encode("utf-8", "surrogateescape")
        case {"hex": digits}:
            yield bytes.fromhex(digits)
        case {"one_byte_writes": text}:
            yield from (bytes([byte]) for byte in text.encode())
        case {"sleep_s": seconds}:
            yield seconds * SCALE
        case {"repeat": text, "count": count}:
            yield from itertools.repeat(text.encode(), count)
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
