"""Measure Tab on the line of a magic, with 1000 names of each kind.

    .venv/bin/python -m benchmarks.completion

The aliases are read when the user's first cell has ended, so the first Tab finds them read.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from cellmage.providers.catalogue import Offer

from .table import at_most, line, missed

NAMES = 1000
MAX_SECONDS = 0.100
LINES = (
    "--",
    "--model ",
    "--model model-99",
    "--compare a,mo",
    "--attach v",
    "--tool f",
    "--out v",
)


def prepare(folder: Path) -> InteractiveShell:
    """Return a shell with many models, variables, functions, snippets and aliases."""
    os.chdir(folder)
    (folder / "llm_snippets").mkdir()
    for number in range(NAMES):
        (folder / "llm_snippets" / f"snippet{number}.md").write_text("{{ hole }}")
    lines = (f"alias{number}: openai/model-{number}\n" for number in range(NAMES))
    (folder / ".cellmage_models.yml").write_text("".join(lines))
    shell = InteractiveShell.instance()
    shell.run_cell("%load_ext cellmage")
    magics = shell.magics_manager.registry["LLMMagics"]
    offer = Offer("server", tuple(f"model-{number}" for number in range(NAMES)))
    magics.completion_sources.offers = [offer]  # type: ignore[attr-defined]
    for number in range(NAMES):
        shell.user_ns[f"value_{number}"] = f"{number}"
        shell.user_ns[f"function_{number}"] = prepare
    return shell


def elapsed(shell: InteractiveShell, code: str) -> float:
    start = time.perf_counter()
    with provisionalcompleter():
        assert list(shell.Completer.completions(code, len(code)))
    return time.perf_counter() - start


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        shell = prepare(Path(name))
        start = time.perf_counter()
        shell.magics_manager.registry["LLMMagics"].aliases.all()  # type: ignore[attr-defined]
        line(f"reading {NAMES} aliases, early", milliseconds(time.perf_counter() - start))
        at_most("the first Tab", elapsed(shell, "%%llm --model "), MAX_SECONDS, milliseconds)
        slowest = max(elapsed(shell, f"%%llm {text}") for text in (*LINES, "--snippet s"))
        at_most(f"Tab with {NAMES} names", slowest, MAX_SECONDS, milliseconds)
        os.chdir("/")
    return len(missed)


def milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
