from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.notebooks import NotebookKernel, Start


@pytest.fixture
def start(tmp_path: Path, server: ScriptedServer) -> Iterator[Start]:
    """Start the kernel of a notebook; the extension is loaded."""
    server.play_with(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))
    kernels: list[NotebookKernel] = []

    def start(notebook: Path | None = None, load: str = "%load_ext cellmage") -> NotebookKernel:
        environ = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
        if notebook is not None:
            environ["JPY_SESSION_NAME"] = str(notebook)
        kernel = NotebookKernel(tmp_path, environ)
        kernels.append(kernel)
        kernel.greeting = kernel.run(load).printed
        return kernel

    yield start
    for kernel in kernels:
        kernel.close()
