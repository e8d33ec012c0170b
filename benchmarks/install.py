"""What an installation costs: packages, their size, and CPU time of the import and of `%load_ext`.

Peers are installed from PyPI, in the same run, into environments of their own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.table import line

ROOT = Path(__file__).parents[1]
UV = str(Path(sys.executable).with_name("uv"))
RUNS = 5

PEERS: Mapping[str, tuple[str, str, str]] = {
    "cellmage, this tree": (str(ROOT), "cellmage", "cellmage"),
    "chatlas": ("chatlas", "chatlas", ""),
    "cellmage 0.9.7": ("cellmage==0.9.7", "cellmage", ""),
    "jupyter-ai": ("jupyter-ai", "", ""),
}
"""What is installed, what a program imports, and the extension that a notebook loads.

Not measured is what did not load in a bare shell: `%load_ext` of cellmage 0.9.7 registers no
``%%llm`` there, and jupyter-ai has no module ``jupyter_ai_magics`` any more.
"""

IMPORT = """
import sys, time
start = time.process_time()
__import__(sys.argv[1])
print(time.process_time() - start)
"""
LOAD = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.process_time()
shell.run_line_magic("load_ext", sys.argv[1])
seconds = time.process_time() - start
assert shell.find_cell_magic("llm")
print(seconds)
"""


def run(*words: object, folder: str) -> str:
    return subprocess.run(
        [str(word) for word in words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def seconds(python: Path, code: str, name: str, folder: str) -> str:
    """The median of some runs in a new process each; the first one, which compiles, is none."""
    if not name:
        return "–"
    try:
        times = [
            float(run(python, "-c", code, name, folder=folder).split()[-1]) for _ in range(RUNS + 1)
        ]
    except subprocess.CalledProcessError as error:
        return f"failed ({error.stderr.strip().splitlines()[-1][:60]})"
    return f"{statistics.median(times[1:]):.2f} s"


def megabytes(environment: Path) -> float:
    files = (environment / "lib").rglob("*")
    return (
        sum(path.stat().st_size for path in files if path.suffix != ".pyc" and path.is_file()) / 1e6
    )


def measure(what: str, requirement: str, module: str, extension: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "env"
        python = environment / "bin/python"
        run(UV, "venv", "--quiet", "--python", sys.executable, environment, folder=folder)
        run(UV, "pip", "install", "--quiet", "--python", python, requirement, folder=folder)
        listed = json.loads(
            run(UV, "pip", "list", "--format", "json", "--python", python, folder=folder)
        )
        size = megabytes(environment)
        line(
            what,
            f"{len(listed)} packages, {size:.0f} MB",
            f"CPU: import {seconds(python, IMPORT, module, folder)}, "
            f"%load_ext {seconds(python, LOAD, extension, folder)}",
        )


if __name__ == "__main__":
    for peer, (needed, imported, loaded) in PEERS.items():
        measure(peer, needed, imported, loaded)
