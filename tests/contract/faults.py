"""Stream faults as data: a case says what a server writes, and what the reader must get.

The file's own ``conventions`` and ``invariants`` say how to read it.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server import Reply, Step, chunk

PUBLIC = Path(__file__).parents[1] / "data/sse_faults.json"

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

    def reply(self) -> Reply:
        """What the server does."""
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
