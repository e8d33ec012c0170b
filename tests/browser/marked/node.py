"""Programs for node, installed beside this Python: the tree contains no package."""

from __future__ import annotations

import fcntl
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
"""JupyterLab's own module that hides formulas from its markdown parser; it imports no other."""


def install() -> Path:
    """Return the folder with the packages; install them if they are not up to date."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may run tests
        _install()
    return HOME


def _install() -> None:
    version = (HERE / "package.json").read_text() + "\n".join(LATEX)
    stamp = HOME / "made"
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, HOME)
    if not stamp.exists() or stamp.read_text() != version:
        shutil.copy(HERE / "package.json", HOME)
        _npm("install", "--no-package-lock", "--no-audit", "--no-fund")
        package = HOME / _npm("pack", "--silent", LATEX[0]).split()[-1]
        with tarfile.open(package) as files:
            module = files.extractfile(LATEX[1])
            assert module is not None
            (HOME / "latex.mjs").write_bytes(module.read())
        stamp.write_text(version)


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

    def call(self, request: Any) -> Any:
        """Send a line of JSON, and return the answer to it."""
        assert self._process.stdin
        assert self._process.stdout
        # ASCII can also encode half of a character: a surrogate of an emoji that was cut.
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"node has ended: {self._process.wait()}"
        return json.loads(answer)
