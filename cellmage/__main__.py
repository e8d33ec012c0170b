"""``python -m cellmage``: ask in the terminal, or watch a cell of a real kernel."""

from __future__ import annotations

import argparse
import os
import sys

from .conversation.conversation import Conversation
from .errors import CellmageError
from .options import Options
from .rendering import show


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
    if args.prompt == ["demo"]:
        from .demo import demo  # noqa: PLC0415 - it starts a kernel, which the others do not need

        return demo()
    return ask(args)


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


if __name__ == "__main__":
    sys.exit(main())
