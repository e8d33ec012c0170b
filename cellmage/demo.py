"""Watch a cell of a real kernel in the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .display import Frame
from .display.base import FinalOutput
from .printing import write_text

CELL = "%%llm --stream\nWhat can a streamed answer look like?"
"""The source of the cell."""

NEXT_STEPS = """
That was one cell in a real Jupyter kernel, answered by the built-in offline model.

  In JupyterLab:     make lab
  With OpenAI:       export OPENAI_API_KEY=…             then %%llm -m gpt-6-luna
  A local server:    export OPENAI_BASE_URL=http://localhost:11434/v1
                     then %%llm -m qwen3:8b              (that is Ollama; others work alike)
"""
"""What to try after the demo."""

_START_SECONDS = 60
"""Time that a kernel may take to start."""


def demo() -> int:
    """Start a kernel, run a streaming cell in it, and show its frames as they arrive.

    Returns:
        The exit status of the process.
    """
    try:
        import jupyter_client  # noqa: F401, PLC0415
    except ImportError:
        write_text("The demo needs a kernel: pip install 'cellmage[kernel]'\n", sys.stderr)
        return 1
    screen = _Screen()
    with _start_kernel() as execute:
        execute("%load_ext cellmage", lambda message: None)
        write_text("In [1]: " + CELL.replace("\n", "\n        ") + "\n\n")
        sys.stdout.flush()
        execute(CELL, screen.show)
    screen.finish()
    write_text(NEXT_STEPS)
    return 0


@contextmanager
def _start_kernel() -> Iterator[Callable[[str, Callable[[Any], None]], None]]:
    """Start a kernel without keys and base URLs, so that the offline model answers."""
    from jupyter_client.manager import KernelManager  # noqa: PLC0415

    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    manager = KernelManager()
    manager.start_kernel(env=env, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=_START_SECONDS)

    def execute(code: str, on_message: Callable[[Any], None]) -> None:
        # A request that forbids stdin is an unattended run, which is shown once, at its end.
        client.execute_interactive(
            code, allow_stdin=True, stdin_hook=lambda _: None, output_hook=on_message
        )

    try:
        yield execute
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class _Screen:
    """Show messages of the kernel: rendered in a terminal, as plain text in a pipe."""

    def __init__(self) -> None:
        from .display.terminal import choose_text_display  # noqa: PLC0415 - rich loads slowly

        self._display = choose_text_display(sys.stdout)
        self._markdown: dict[str, str] = {}

    def show(self, message: Any) -> None:
        data = message["content"].get("data", {})
        if "text/markdown" not in data:
            return
        key = message["content"].get("transient", {}).get("display_id", message["msg_id"])
        before = self._markdown.get(key, "")
        markdown = self._markdown[key] = data["text/markdown"]
        # A line that is the same in two frames stays as it is; the last line is still healed.
        common = os.path.commonprefix([before, markdown])  # noqa: RUF071 - by character is meant
        text = data.get("text/plain") or common[: common.rfind("\n") + 1]
        part = list(self._markdown).index(key)
        safe = self._display.sanitize(markdown, ())
        self._display.show([Frame(part, text, safe, is_settled="text/plain" in data)])

    def finish(self) -> None:
        self._display.finish(FinalOutput([], Frame(0, "\n", self._display.sanitize("", ()))))
