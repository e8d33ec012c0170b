"""Measure the status of a notebook of 200 prompts, with and without kept answers.

.venv/bin/python -m benchmarks.status
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from IPython.core.interactiveshell import InteractiveShell

from cellmage import Conversation
from cellmage.magics.llm import LLMMagics
from cellmage.magics.notebook_cells import NotebookCells
from cellmage.magics.status_table import show_status
from cellmage.recording import KEEP, Recorder, Recording
from cellmage.turns import CellRef

from .table import at_most, missed

RUNS = 7
MAX_SECONDS = 0.200


def write_notebook(path: Path, count: int) -> None:
    """Write a notebook in which every second prompt has values."""
    sources = [f"%%llm --temperature 0\nPrompt {n}: {{{{ x + {n} }}}}" for n in range(count)]
    cells = [
        {"cell_type": "code", "id": f"c{n}", "source": source, "outputs": [], "metadata": {}}
        for n, source in enumerate(sources)
    ]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))


def ask_all(magics: LLMMagics, chat: Conversation, count: int) -> None:
    """Answer each prompt, and keep the answer in the store."""
    recorder = Recorder(Recording(magics.chats.records(), KEEP))
    for number in range(count):
        prompt, cell = f"Prompt {number}: {1 + number}", CellRef(f"c{number}", 0)
        named = {"model": "offline/echo", "temperature": 0.0, "recorder": recorder}
        chat.ask(prompt, cell=cell, **named)


def measure(magics: LLMMagics, cells: NotebookCells, path: Path) -> tuple[float, str]:
    """Return the CPU time in seconds, the median of some runs, and the last line of the table."""
    times, table = [], None
    for _ in range(RUNS):
        start = time.process_time()
        found = cells.read(path)
        table = show_status(magics.runner, magics, magics.shell.user_ns, found, None)
        times.append(time.process_time() - start)
    return median(times), repr(table).splitlines()[-1]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200)
    count = parser.parse_args().cells
    with TemporaryDirectory() as folder:
        os.environ |= {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "IPYTHONDIR": folder}
        os.chdir(folder)
        path = Path(folder, "n.ipynb")
        write_notebook(path, count)
        shell = InteractiveShell.instance()
        atexit.unregister(shell.atexit_operations)  # its folder is gone then
        shell.extension_manager.load_extension("cellmage")
        magics = shell.magics_manager.registry["LLMMagics"]
        magics.model = "offline/echo"
        shell.user_ns["x"] = 1
        magics.chats.is_stored = True
        ask_all(magics, magics.chats.get(None), count)
        cells = NotebookCells(shell)
        for keep in ("off", "on"):
            magics.keep = keep
            report(f"{count} prompts, kept answers {keep}", *measure(magics, cells, path))
        shell.user_ns["x"] = 2
        report(f"{count} prompts, all of them stale", *measure(magics, cells, path))
        os.chdir("/")
    sys.exit(bool(missed))


def report(what: str, cpu_seconds: float, end: str) -> None:
    at_most(what, cpu_seconds, MAX_SECONDS, lambda value: f"{1000 * value:.0f} ms of CPU")
    print(f"    {end}")


if __name__ == "__main__":
    main()
