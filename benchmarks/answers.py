"""Texts of answers, and a server in a process of its own that sends them at a steady rate."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, Step, chunk, finish

CHUNK_CHARS = 4
"""Characters in a chunk."""

FIRST_WAIT_SECONDS = 0.6
"""The wait before the first chunk: Chromium ignores layout shifts for 0.5 s after a key."""

ANSWERS = Path(__file__).parents[1] / "tests/data/answers"
"""Answers as models write them."""

BEGINNING = "# Report\n"
ENDING = "These are the last words."

SECTION = """\
## Section {n}: how it was measured

Every run had **its own kernel** and `one` page, as [the notes](https://example.org/notes/{n})
say; the *slowest* of them is kept, because a user remembers **that one** and `no other`. A
paragraph of ordinary length goes on for some lines, and most of it is plain text without any mark.

- the first point, with **bold** text
- the second point, with `code` in it
  - and a point below it
- the third point

```python
def total_{n}(values: list[float]) -> float:
    # Add up whatever is not missing.
    return sum(value for value in values if value is not None)
```

| name | value | remark |
|---|---|---|
| alpha | {n} | *as expected* |
| beta | `{n}.5` | higher than **before** |

1. Measure it once.
2. Measure it again, and compare.

> Whoever counts twice is surprised once.

"""


def mixed(size: int) -> str:
    """Return markdown of about this many bytes, with every kind of block."""
    text, n = f"{BEGINNING}\n", 0
    while len(text) < size - len(SECTION) / 2:
        n += 1
        text += SECTION.format(n=n)
    return f"{text}## The end\n\n{ENDING}\n"


def fence(size: int) -> str:
    rows, n = "", 0
    while len(rows) < size:
        n += 1
        rows += f"value_{n} = compute(first={n}, second='{n * 7}')  # row {n}\n"
    return f"{BEGINNING}\n```python\n{rows}```\n\n{ENDING}\n"


def table(rows: int) -> str:
    body = "".join(
        f"| row {n} | **{n * 3}** | `code_{n}` | some words about it |\n" for n in range(rows)
    )
    head = "| name | value | code | remark |\n|---|---|---|---|\n"
    return f"{BEGINNING}\n{head}{body}\n{ENDING}\n"


def formulas() -> str:
    """Return an answer with 69 formulas, as models write them."""
    text = (ANSWERS / "texmath.md").read_text(encoding="utf-8")
    return f"{BEGINNING}\n{text}\n{ENDING}\n"


def highlighted(lines: int) -> str:
    rows = "".join(
        f"def step_{n}(value: int) -> str: return f'{{value}}: {{{n} * value}}'  # step {n}\n"
        for n in range(lines)
    )
    return f"{BEGINNING}\n```python\n{rows}```\n\n{ENDING}\n"


def formula_table(rows: int) -> str:
    body = "".join(
        f"| row {n} | $x_{{{n}}}^2$ | $\\frac{{a_{{{n}}}}}{{b + {n}}}$ | some words about it |\n"
        for n in range(rows)
    )
    head = "| name | square | ratio | remark |\n|---|---|---|---|\n"
    return f"{BEGINNING}\n{head}{body}\n{ENDING}\n"


def steady(text: str, rate: float) -> Iterator[Step]:
    """Yield chunks on schedule; chunks that are due within a millisecond are sent together."""
    yield FIRST_WAIT_SECONDS
    started = time.monotonic()
    for n, start in enumerate(range(0, len(text), CHUNK_CHARS)):
        ahead = started + n / rate - time.monotonic()
        if ahead > 0.001:
            yield ahead
        yield chunk(text[start : start + CHUNK_CHARS])
    yield finish()
    yield DONE


@dataclass
class Sent:
    """The answer that the server wrote; times are seconds since the epoch."""

    first: float
    last: float
    chunks: int

    @property
    def rate(self) -> float:
        return (self.chunks - 1) / max(self.last - self.first, 1e-9)


@dataclass
class Sender:
    url: str
    pipe: Connection

    def play(self, text: str, rate: float) -> None:
        """Answer every request with this text, at this rate in chunks a second."""
        self.pipe.send((text, rate))
        self.pipe.recv()

    def sent(self) -> Sent | None:
        """Wait for the end of the last answer; return None if it was not sent to its end."""
        self.pipe.send(None)
        sent: Sent | None = self.pipe.recv()
        return sent


@contextmanager
def sender() -> Iterator[Sender]:
    # Spawned, not forked: playwright runs threads.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Sender(ours.recv(), ours)
    finally:
        process.terminate()
        process.join(5)


def _serve(pipe: Connection) -> None:
    text, rate = "", 1.0
    with ScriptedServer() as server:
        server.play_with(lambda _: Reply(steady(text, rate)))
        pipe.send(server.url)
        while True:
            order = pipe.recv()
            if order is None:
                pipe.send(_sent(server.last, text))
            else:
                text, rate = order
                pipe.send(True)


def _sent(exchange: Exchange, text: str) -> Sent | None:
    chunks = -(-len(text) // CHUNK_CHARS)
    if not exchange.finished.wait(5) or len(exchange.write_times) < chunks:
        return None
    epoch = time.time() - time.monotonic()
    return Sent(exchange.write_times[0] + epoch, exchange.write_times[chunks - 1] + epoch, chunks)
