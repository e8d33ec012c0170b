"""Record the notebooks with a real model: ``make real`` writes ``NOTEBOOK.llm.jsonl`` beside each.

The model of `tests.real.weights` answers in the place of the offline models and of the functions
that stand for a model. The functions that a notebook is about answer themselves, and so do all
models of some notebooks.

Names of notebooks record these alone: ``python -m notebooks.record 03``. With ``--keys`` no model
is asked: recorded answers get the keys of today, for a change of how keys are computed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

from tests.real.weights import fetch

FOLDER = Path(__file__).parent.resolve()

OWN_MODELS = ("06", "09", "10")
"""Notebooks about code that fails, rows that fail and a server: their models are scripted."""

SETUP = """
from dataclasses import replace
from pathlib import Path

from cellmage import Message
from cellmage.pipeline import timeouts
from cellmage.providers import registry
from cellmage.providers.llamacpp import LlamaCppProvider
from cellmage.providers.servers import ResolvedModel


class RealModel(LlamaCppProvider):
    def stream(self, request):
        options = replace(request.options, model=NAME, max_tokens=150, temperature=0)
        messages = request.messages
        if messages[0].role != "system":
            messages = (Message("system", BRIEF), *messages)
        return super().stream(replace(request, options=options, messages=messages))


BRIEF = "Be brief: one or two short sentences, or one block of code in a fence."
NAME = "qwen2.5-coder-1.5b-instruct"
REAL = ResolvedModel(RealModel(Path({weights!r})), NAME)
STAND_INS = {{"librarian", "planner", "scripted", "travel", "writer"}}


def resolve_model(options, *arguments, resolve=registry.resolve_model):
    name = options.model or "offline/tour"
    is_real = name in STAND_INS or name.startswith("offline/")
    return REAL if is_real else resolve(options, *arguments)


registry.resolve_model = resolve_model
timeouts.FIRST_TOKEN_SECONDS = timeouts.IDLE_SECONDS = 3600.0
"""


KEYS = """
from dataclasses import replace
from pathlib import Path

from cellmage.recording import REPLAY, MemoryRecords, Recording, set_default
from cellmage.recording.record_files import FileRecords

OLD, NEW = list(FileRecords(Path({old!r}))), FileRecords(Path({new!r}), with_events=True)


def names(inputs):
    return [inputs.by_name()[name].words for name in ("model", "prompt")]


class NewKeys(MemoryRecords):
    def find(self, inputs, number, **how):
        wanted = names(inputs), number
        found = [each for each in OLD if (names(each.inputs), each.number) == wanted]
        for each in found[:1]:
            NEW.add(replace(each, inputs=inputs))
        return found[0] if found else None


set_default(Recording(NewKeys(), REPLAY))
"""


def run(path: Path, setup: str, **environ: str) -> None:
    """Run a notebook after a cell of ours; its file does not change."""
    notebook = nbformat.read(path, as_version=4)
    first = nbformat.v4.new_code_cell(setup)
    notebook.cells.append(first)
    client = NotebookClient(notebook, timeout=3600, record_timing=False)
    with TemporaryDirectory() as home:
        environ = {"PATH": os.environ["PATH"], "HOME": home, **environ}
        with client.setup_kernel(env=environ, cwd=str(FOLDER)):
            client.execute_cell(first, len(notebook.cells) - 1, store_history=False)
            for index, cell in enumerate(notebook.cells[:-1]):
                if cell.cell_type == "code":
                    client.execute_cell(cell, index, store_history=False)


def record(path: Path, weights: Path) -> None:
    """Ask for the answers of a notebook, and record them in place of the old ones.

    A recording that was interrupted goes on with the answers that it has.
    """
    file = path.with_suffix(".llm.jsonl")
    new = file.with_suffix(".new")
    environ = {"CELLMAGE_REPLAY": str(new), "CELLMAGE_RECORD": "missing"}
    is_scripted = path.name.startswith(OWN_MODELS)
    run(path, "" if is_scripted else SETUP.format(weights=str(weights)), **environ)
    new.replace(file)


def renew_keys(path: Path) -> None:
    """Give the recorded answers of a notebook the keys of today."""
    file = path.with_suffix(".llm.jsonl")
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    run(path, KEYS.format(old=str(file), new=str(new)))
    new.replace(file)


if __name__ == "__main__":
    names = tuple(name for name in sys.argv[1:] if name != "--keys")
    for notebook_path in sorted(FOLDER.glob("*.ipynb")):
        if names and not notebook_path.name.startswith(names):
            continue
        if "--keys" in sys.argv:
            renew_keys(notebook_path)
        else:
            record(notebook_path, fetch().resolve())
        print(notebook_path.stem, flush=True)
