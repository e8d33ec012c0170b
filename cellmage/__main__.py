"""``python -m cellmage``: ask in the terminal, or watch a cell of a real kernel."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .conversation.conversation import Conversation
from .display import Frame
from .display.base import Ending
from .errors import CellmageError
from .options import Options
from .rendering import show

CELL = "%%llm --stream\nWhat can a streamed answer look like?"

AFTERWARDS = """
That was one cell in a real Jupyter kernel, answered by the built-in offline model.

  In JupyterLab:     make lab
  With OpenAI:       export OPENAI_API_KEY=…             then %%llm -m gpt-4o-mini
  A local server:    export OPENAI_BASE_URL=http://localhost:11434/v1
                     then %%llm -m llama3.2              (that is Ollama; others work alike)
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and give its exit status."""
    parser = argparse.ArgumentParser(
        "python -m cellmage", description="Ask a model, and read its answer as it is written."
    )
    parser.add_argument(
        "prompt",
        nargs="+",
        help="the question; '-' reads it from the standard input; 'demo' alone streams one cell "
        "of a real kernel into this terminal, and 'serve' first serves models (serve --help)",
    )
    parser.add_argument("-m", "--model", help="the model, as provider/model or a bare name")
    parser.add_argument("-t", "--temperature", type=float, help="sampling, from 0 to 2")
    parser.add_argument("--max-tokens", type=int, help="the longest answer, in tokens")
    parser.add_argument("-s", "--system", help="the system prompt")
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["serve"]:
        return serve(words[1:])
    args = parser.parse_args(words)
    return demo() if args.prompt == ["demo"] else ask(args)


def ask(args: argparse.Namespace) -> int:
    """Show the answer as it is written; in a pipe it is the received text, flushed as it comes.

    Ctrl-C ends it and leaves what had come; the exit status is then 130, and 1 after an error.
    """
    prompt = " ".join(args.prompt)
    try:
        options = Options(
            model=args.model,
            temperature=args.temperature,
            max_tokens=args.max_tokens,
            system=args.system,
        )
        text = sys.stdin.read() if prompt == "-" else prompt
        show(Conversation(options).stream(text))
    except CellmageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def serve(arguments: list[str]) -> int:
    """Serve models as an OpenAI-compatible endpoint, until Ctrl-C."""
    parser = argparse.ArgumentParser(
        "python -m cellmage serve", description="Serve any configured model at /v1, as OpenAI does."
    )
    parser.add_argument("-m", "--model", help="the model of requests that name 'default'")
    parser.add_argument("--port", type=int, default=8010, help="8010")
    parser.add_argument(
        "--host", default="127.0.0.1", help="this machine alone, unless another address is given"
    )
    args = parser.parse_args(arguments)
    if not 0 <= args.port <= 65535:
        parser.error(f"--port {args.port}: give a number from 0 to 65535")
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from .server import HERE, app  # noqa: PLC0415 - starlette, the same extra
    except ImportError:
        sys.stderr.write("Serving needs two packages: pip install 'cellmage[serve]'\n")
        return 1
    hosts = HERE if args.host in (*HERE, "::1") else ("*",)
    made = app(Options(model=args.model), hosts)
    sys.stderr.write(f"Serving at http://{args.host}:{args.port}/v1; Ctrl-C ends it.\n")
    uvicorn.run(made, host=args.host, port=args.port, log_level="warning")
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
