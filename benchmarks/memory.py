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
from pathlib import Path

from cellmage import CellRef, Conversation, Options, Response, Timings, Turn, Usage
from cellmage.conversation.store import ConversationScope, Store
from cellmage.providers.scripted import ScriptedProvider

from .table import line, missed

SCOPE = ConversationScope("/notes/a.ipynb", "/notes")
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


def measure_size(folder: Path, count: int, is_limited: bool) -> None:
    """Resume, ask and append with ``count`` turns of 2 kB."""
    path = folder / f"{count}.db"
    store = Store(path)
    store.journal(SCOPE).extend(map(make_turn, range(count)))
    store.close()
    resumes, asks, appends = [], [], []
    for _ in range(5):
        store = Store(path)
        chat = Conversation(
            Options(model="m"), ScriptedProvider(["ok"]), journal=store.journal(SCOPE)
        )
        began = time.perf_counter()
        assert chat.history.resume() >= count
        resumes.append(time.perf_counter() - began)
        for number in range(10):
            began = time.perf_counter()
            stream = chat.stream(f"And {number}?")
            asks.append(time.perf_counter() - began)
            events = iter(stream.events)
            for event in events:
                if event.type == "complete":
                    began = time.perf_counter()
            appends.append(time.perf_counter() - began)
        store.close()
    print_times(f"{count} turns of 2 kB: resume", resumes, 300 if is_limited else None)
    print_times("  asking: the request is built", asks, 50 if is_limited else None)
    print_times("  appending: from the last event to the end", appends, 5 if is_limited else None)
    line("  the file", f"{path.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for count in (100, 1000, 10_000):
            measure_size(Path(name), count, is_limited=count == 10_000)
        measure_kills(Path(name))
    print(json.dumps({"missed": missed}) if missed else "nothing missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
