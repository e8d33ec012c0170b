"""Notebook files and kernels of their own, for tests of what a notebook remembers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel


class NotebookKernel(Kernel):
    """The kernel of a notebook, with the lines that loading the extension has printed."""

    greeting = ""


Start = Callable[..., NotebookKernel]


def write_notebook(path: Path, cells: Sequence[str] = "abcde") -> Path:
    """Write a notebook whose cells have these ids."""
    content = [
        {"cell_type": "code", "id": cell, "source": f"%%llm\n{cell}", "outputs": []}
        for cell in cells
    ]
    path.write_text(json.dumps({"cells": content, "nbformat": 4, "nbformat_minor": 5}))
    return path


def run_all(kernel: Kernel, cells: str = "abcde", **content: bool) -> None:
    for cell in cells:
        assert kernel.run(f"%%llm\n{cell}", cell, **content).ok


def last_questions(server: ScriptedServer) -> str:
    """Return the questions of the last request."""
    return "".join(text for role, text in server.last.messages if role == "user")
