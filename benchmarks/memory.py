"""The cost of storing turns, and the loss by a kill: `make bench`, or this module with `python -m`.

The store is a file on disk, and processes are killed. The times are of one run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellmage import CellRef, Conversation, Options, Response, Timings, Turn, Usage
from cellmage.conversation.store import ConversationScope, Store
from cellmage.providers.scripted import ScriptedProvider

from .table import line, missed

SCOPE = ConversationScope("/notes/a.ipynb", "/notes")
COUNTS = [int(count) for count in os.environ.get("TURNS", "100,10000,100000").split(",")]
LIMITS: dict[str, dict[int, float]] = {
    "list": {10_000: 5},
    "resume": {10_000: 500},
    "ask": {10_000: 50},
    "append": dict.fromkeys(COUNTS, 1),
    "replace": dict.fromkeys(COUNTS, 1),
    "replace the first": {},
}
"""What is measured, with limits in milliseconds for numbers of turns.

To replace the first turn makes all later ones stale, which have to be written.
"""

KILLS = int(os.environ.get("KILLS", "100"))

# One word each 10 ms; each is printed when the user would see it.
STREAMING = """
import sys
from pathlib import Path
from cellmage import CellRef, Conversation
from cellmage.providers.scripted import ScriptedProvider
from cellmage.conversation.store import ConversationScope, Store
scope = ConversationScope("/notes/a.ipynb", "/notes")
chat = Conversation(journal=Store(Path(sys.argv[1])).journal(scope))
chat.provider = ScriptedProvider(["whole"])
chat.ask("finished " + sys.argv[2])
print("finished", flush=True)
chat.provider = ScriptedProvider([step for n in range(10_000) for step in (f"{n} ", 0.01)])
for text in chat.stream("killed " + sys.argv[2], cell=CellRef(sys.argv[2], 0)):
    print(text, flush=True)
"""


def kill_in_mid_stream(path: Path, number: int, delay: float) -> int:
    """Kill a process that streams, after some seconds; return how many words it had printed."""
    command = [sys.executable, "-c", STREAMING, str(path), str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "finished\n"
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        return len(process.stdout.read().split()) + 1


def measure_kills(folder: Path) -> None:
    """Kill processes at random times, and count what is in the store afterwards."""
    random_delay = random.Random(3)
    path = folder / "killed.db"
    sound = finished = partial = 0
    lost_words: list[int] = []
    for number in range(KILLS):
        printed = kill_in_mid_stream(path, number, random_delay.random() * 2)
        with sqlite3.connect(path) as connection:
            sound += connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store = Store(path)
        turns = {turn.prompt: turn for turn in store.journal(SCOPE).load()[0]}
        finished += f"finished {number}" in turns
        cut = turns.get(f"killed {number}")
        stored = len(cut.response.text.split()) if cut else 0
        partial += cut is not None and cut.response.incomplete_reason == "killed"
        lost_words.append(printed - stored)
        store.close()
    line("kill -9 in mid-stream: database sound", f"{sound} of {KILLS}", holds=sound == KILLS)
    line("  finished turns kept", f"{finished} of {KILLS}", holds=finished == KILLS)
    worst = max(lost_words) * 10
    figure = f"{statistics.median(lost_words) * 10:.0f} ms (max {worst})"
    line("  of the answer lost", figure, "at most 1000 ms", worst <= 1000)
    line("  partial turns (the others had no word saved)", f"{partial} of {KILLS}")


def make_turn(number: int) -> Turn:
    """Return a turn of 2 kB."""
    text = f"Answer {number}. " + "word " * 397
    response = Response(
        text, "", "m", "localhost:8000", "stop", Usage(900, 500), Timings(0.4, 3.1), id=f"t{number}"
    )
    return Turn(f"Question {number}?", response, CellRef(f"cell-{number}", 0))


def print_times(label: str, seconds: list[float], limit_ms: float | None) -> None:
    """Print the median and the maximum, with a limit for the median."""
    median = statistics.median(seconds) * 1000
    worst = max(seconds) * 1000
    limit = "" if limit_ms is None else f"at most {limit_ms:g} ms"
    line(label, f"{median:.1f} ms (max {worst:.1f})", limit, limit_ms is None or median <= limit_ms)


def measure_size(folder: Path, count: int) -> dict[str, float]:
    """Resume, list, ask and append with ``count`` turns of 2 kB, each of a cell of its own."""
    path = folder / f"{count}.db"
    store = Store(path)
    store.journal(SCOPE).extend(map(make_turn, range(count)))
    store.close()
    times: dict[str, list[float]] = {name: [] for name in LIMITS}
    for run in range(2):
        store = Store(path)
        chat = Conversation(
            Options(model="m"), ScriptedProvider(["ok"]), journal=store.journal(SCOPE)
        )
        with measured(times["list"]):
            assert store.count_turns(SCOPE) >= count
        with measured(times["resume"]):
            assert chat.history.resume() >= count
        for number in range(5):
            new, last = CellRef(f"new-{run}-{number}", 0), CellRef(f"cell-{count - 1}", 0)
            ask_and_measure(chat, new, times["ask"], times["append"])
            ask_and_measure(chat, last, times["ask"], times["replace"])
        ask_and_measure(chat, CellRef("cell-0", 0), [], times["replace the first"])
        store.close()
    for name, limit in LIMITS.items():
        what = f"{count} turns of 2 kB: {name}" if name == "list" else f"  {name}"
        print_times(what, times[name], limit.get(count))
    line("  the file", f"{path.stat().st_size / 1e6:.1f} MB")
    return {name: statistics.median(seconds) for name, seconds in times.items()}


@contextmanager
def measured(times: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    times.append(time.perf_counter() - began)


def ask_and_measure(
    chat: Conversation, cell: CellRef, asks: list[float], appends: list[float]
) -> None:
    """Measure until the request is built, and from the last event to the end of the turn."""
    with measured(asks):
        stream = chat.stream("And now?", cell=cell)
    began = 0.0
    for event in stream.events:
        if event.type == "complete":
            began = time.perf_counter()
    appends.append(time.perf_counter() - began)


def print_growth(times: dict[int, dict[str, float]]) -> None:
    """Print how often the time is that of the smallest conversation."""
    smallest, *larger = times
    for name in LIMITS:
        ratios = [times[count][name] / times[smallest][name] for count in larger]
        figure = ", ".join(
            f"{count // smallest} x: {r:.1f}" for count, r in zip(larger, ratios, strict=True)
        )
        line(f"{name}: growth with the turns", figure)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        print_growth({count: measure_size(Path(name), count) for count in COUNTS})
        measure_kills(Path(name))
    print(json.dumps({"missed": missed}) if missed else "nothing missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
