"""Programs for node, installed next to this Python: nothing is left in the tree."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
HOME = Path(sys.prefix) / "node"
LATEX = ("@jupyterlab/rendermime@4.6.6", "package/lib/latex.js")
"""JupyterLab's own module that keeps formulas away from its markdown parser; needs no other."""


def install() -> Path:
    """The folder with the packages; they are fetched when it is not up to date."""
    wanted = (HERE / "package.json").read_text() + "\n".join(LATEX)
    made = HOME / "made"
    HOME.mkdir(exist_ok=True)
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, HOME)
    if not made.exists() or made.read_text() != wanted:
        shutil.copy(HERE / "package.json", HOME)
        _npm("install", "--no-package-lock", "--no-audit", "--no-fund")
        package = HOME / _npm("pack", "--silent", LATEX[0]).split()[-1]
        with tarfile.open(package) as files:
            module = files.extractfile(LATEX[1])
            assert module is not None
            (HOME / "latex.mjs").write_bytes(module.read())
        made.write_text(wanted)
    return HOME


def _npm(*arguments: str) -> str:
    npm = shutil.which("npm")
    assert npm, "install node 20 or newer, with npm"
    done = subprocess.run([npm, *arguments], cwd=HOME, check=True, capture_output=True, text=True)
    return done.stdout


class Node:
    """A running program that answers a line of JSON with a line of JSON."""

    def __init__(self, script: str) -> None:
        self._process = subprocess.Popen(
            ["node", install() / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.terminate()

    def ask(self, question: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        # As ASCII, which writes half a character (an emoji that was cut) without harm.
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"node has ended: {self._process.wait()}"
        return json.loads(answer)
