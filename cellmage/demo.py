"""Watch a cell of a real kernel in the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .display import Frame
from .display.base import Ending

CELL = "%%llm --stream\nWhat can a streamed answer look like?"


AFTERWARDS = """
That was one cell in a real Jupyter kernel, answered by the built-in offline model.

  In JupyterLab:     make lab
  With OpenAI:       export OPENAI_API_KEY=…             then %%llm -m gpt-4o-mini
  A local server:    export OPENAI_BASE_URL=http://localhost:11434/v1
                     then %%llm -m llama3.2              (that is Ollama; others work alike)
"""


def demo() -> int:
    """Start a kernel, run a streaming cell in it, and show its frames as they come."""
    try:
        import jupyter_client  # noqa: F401, PLC0415
    except ImportError:
        sys.stderr.write("The demo needs a kernel: pip install 'cellmage[kernel]'\n")
        return 1
    screen = _Screen()
    with _kernel() as execute:
        execute("%load_ext cellmage", lambda message: None)
        sys.stdout.write("In [1]: " + CELL.replace("\n", "\n        ") + "\n\n")
        sys.stdout.flush()
        execute(CELL, screen.show)
    screen.end()
    sys.stdout.write(AFTERWARDS)
    return 0


@contextmanager
def _kernel() -> Iterator[Callable[[str, Callable[[Any], None]], None]]:
    """A kernel without keys and addresses, so that the offline model answers."""
    from jupyter_client.manager import KernelManager  # noqa: PLC0415

    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    manager = KernelManager()
    manager.start_kernel(env=env, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def execute(code: str, hook: Callable[[Any], None]) -> None:
        # A request that forbids stdin is an unattended run, which is shown once, at its end.
        client.execute_interactive(
            code, allow_stdin=True, stdin_hook=lambda _: None, output_hook=hook
        )

    try:
        yield execute
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class _Screen:
    """Shows messages of the kernel: rendered in a terminal, as text where it is piped."""

    def __init__(self) -> None:
        from .display.terminal import terminal  # noqa: PLC0415

        self._surface = terminal(sys.stdout)
        self._pages: dict[str, str] = {}

    def show(self, message: Any) -> None:
        data = message["content"].get("data", {})
        if "text/markdown" not in data:
            return
        key = message["content"].get("transient", {}).get("display_id", message["msg_id"])
        before = self._pages.get(key, "")
        markdown = self._pages[key] = data["text/markdown"]
        # A line that is the same in two frames stays as it is; the last one is still healed.
        same = os.path.commonprefix([before, markdown])  # noqa: RUF071 - by character is meant
        text = data.get("text/plain") or same[: same.rfind("\n") + 1]
        part = list(self._pages).index(key)
        self._surface.show([Frame(part, text, markdown, is_settled="text/plain" in data)])

    def end(self) -> None:
        self._surface.finish(Ending([], Frame(0, "\n", "")))
