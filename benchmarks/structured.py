"""What growing JSON values cost: `make bench`, or `python -m benchmarks.structured`.

Documents of a megabyte that arrive in pieces of 20 characters, as fast as they can be read: what
the partial JSON view takes of CPU, beside a plain read of the same stream.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable

from cellmage import Conversation, ResponseStream
from cellmage.providers.scripted import ScriptedProvider

from .table import at_most, line, missed, seconds

SIZE = 1 << 20
PIECE = 20
LIMIT = 2.0
"""Seconds that such a document may take."""

RUNS = 3

DOCUMENTS: dict[str, object] = {
    "a list of numbers": list(range(SIZE // 8)),
    "a list of records": [{"id": n, "name": f"name {n}", "ok": True} for n in range(SIZE // 48)],
    "one long string": {"text": "word " * (SIZE // 5)},
    "many keys": {f"key {n}": f"value {n}" for n in range(SIZE // 28)},
    "nested lists": [[[n, [n]] for n in range(8)] for _ in range(SIZE // 96)],
}


def cpu(read: Callable[[ResponseStream], Iterable[object]], pieces: list[str]) -> float:
    """Seconds of CPU for a whole read, of all threads; the median."""
    took = []
    for _ in range(RUNS):
        stream = Conversation(provider=ScriptedProvider(pieces)).stream("Go", history="ignore")
        began = time.process_time()
        for _ in read(stream):
            pass
        took.append(time.process_time() - began)
    return statistics.median(took)


def main() -> None:
    for what, document in DOCUMENTS.items():
        text = json.dumps(document)
        pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        values = cpu(lambda stream: stream.partial_json(), pieces)
        plain = cpu(lambda stream: stream, pieces)
        size = f"{len(text) / (1 << 20):.2f} MiB in {len(pieces)} pieces"
        line(what, size)
        at_most("  growing values, CPU", values, LIMIT, seconds)
        line("  the text alone", seconds(plain))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
