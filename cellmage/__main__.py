"""``python -m cellmage``: ask in a terminal or about many lines, serve models, or watch a cell."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from ipaddress import ip_address

from .conversation.conversation import Conversation
from .decoding import decode_text
from .errors import CellmageError, spell_option
from .options import EFFORTS, Options
from .printing import write_text
from .rendering import show

_KEY_VARIABLE = "CELLMAGE_SERVE_KEY"
_MAX_PORT = 65_535

_EXIT_ERROR = 1
_EXIT_WRONG_USE = 2
_EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

_EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE, as shells report it."""

_SPELLINGS: Mapping[str, str] = {
    "effort": "--effort LEVEL",
    "max_tokens": "--max-tokens N",
    "model": "--model NAME",
    "system": "--system TEXT",
    "temperature": "--temperature T",
}
"""The flags for the options that a message names; the others can be set in Python alone."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit status.

    Args:
        arguments: the command line without the program; None takes it from ``sys.argv``.
    """
    _replace_unencodable()
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["serve"]:
        return serve(words[1:])
    if words[:1] == ["map"]:
        from .batch.command import run_map  # noqa: PLC0415 - as for `demo`

        return run_map(words[1:])
    if words[:1] == ["doctor"]:
        from .doctor import run_doctor  # noqa: PLC0415 - as for `demo`

        return run_doctor(words[1:])
    args = _parser().parse_args(words)
    if args.prompt == ["demo"]:
        from .demo import demo  # noqa: PLC0415 - it starts a kernel, which the others do not need

        return demo()
    return ask(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m cellmage",
        description="Ask a model, and show its answer while it arrives.",
        epilog="python -m cellmage demo: stream one cell of a real kernel into this terminal. "
        "python -m cellmage serve: serve models to other programs; see serve --help. "
        "python -m cellmage map: ask about each line of a file; see map --help. "
        "python -m cellmage doctor: what to put into a report about a problem.",
    )
    parser.add_argument("prompt", nargs="+", help="the prompt; '-' reads it from standard input")
    parser.add_argument("-m", "--model", help="the model, as provider/model or a bare name")
    parser.add_argument("-t", "--temperature", type=float, help="sampling, from 0 to 2")
    parser.add_argument("--effort", choices=EFFORTS, help="how much the model reasons")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer, in tokens")
    parser.add_argument("-s", "--system", help="the system prompt")
    return parser


def _replace_unencodable() -> None:
    """Write "?" for what the output's encoding lacks: redirected on Windows, it is often cp1252."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _read_input() -> str:
    """Return the standard input, and say so if it is not UTF-8."""
    if not isinstance(sys.stdin, TextIOWrapper):
        return sys.stdin.read()
    text, encoding = decode_text(sys.stdin.buffer.read())
    if not encoding.startswith("utf-"):
        write_text(f"(The input is not UTF-8; it is read as {encoding}.)\n", sys.stderr)
    return text.replace("\r\n", "\n")


def ask(args: argparse.Namespace) -> int:
    """Show the answer while it arrives; in a pipe, write the text as it arrives.

    Ctrl-C ends it and leaves the text that has arrived.

    Returns:
        the exit status: 0, 1 after an error, 130 after Ctrl-C, 141 when the pipe was closed.
    """
    prompt = " ".join(args.prompt)
    try:
        options = Options(
            model=args.model,
            temperature=args.temperature,
            effort=args.effort,
            max_tokens=args.max_tokens,
            system=args.system,
        )
        text = _read_input() if prompt == "-" else prompt
        show(Conversation(options).stream(text), spell_option=_spell)
    except CellmageError as error:
        write_text(f"{_spell(str(error), error.option or '')}\n", sys.stderr)
        return _EXIT_ERROR
    except KeyboardInterrupt:
        write_text("stopped\n", sys.stderr)
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # the program that reads the pipe has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_BROKEN_PIPE
    return 0


def _spell(message: str, option: str) -> str:
    """Return a message with its option spelled as a flag of this command."""
    return spell_option(message, option, _SPELLINGS.get(option, f"`{option}` (in Python)"))


def serve(arguments: list[str]) -> int:
    """Serve models by the APIs of OpenAI and Anthropic, until Ctrl-C.

    Returns:
        the exit status: 1 if a package is missing or the options cannot be used, 2 for a wrong
        command line.
    """
    args = _serve_parser().parse_args(arguments)
    host, models = args.host.strip("[]"), args.model or []
    if problem := _find_problem(host, args.port, args.api_key):
        write_text(f"{problem}\n", sys.stderr)
        return _EXIT_WRONG_USE
    try:
        from .server import LOCAL_HOSTS, app  # noqa: PLC0415 - starlette, an extra
        from .server.run import run  # noqa: PLC0415 - uvicorn, the same extra
    except ImportError:
        write_text("Serving needs two packages: pip install 'cellmage[serve]'\n", sys.stderr)
        return _EXIT_ERROR
    url_host = f"[{host}]" if ":" in host else host
    hosts = (*LOCAL_HOSTS, url_host.lower()) if _is_loopback(host) else ("*",)
    try:
        options = Options(model=next(iter(models), None))
    except CellmageError as error:
        write_text(f"{_spell(str(error), error.option or '')}\n", sys.stderr)
        return _EXIT_ERROR
    application = app(options, tuple(dict.fromkeys(hosts)), models=models, api_key=args.api_key)
    write_text(f"Serving at http://{url_host}:{args.port}/v1; Ctrl-C ends it.\n", sys.stderr)
    run(application, host, args.port)
    return 0


def _is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _find_problem(host: str, port: int, api_key: str) -> str:
    """Return what is wrong with the command line of `serve`; "" if nothing is."""
    if not 0 <= port <= _MAX_PORT:
        return f"--port {port}: give a number from 0 to {_MAX_PORT}"
    if not (api_key.isascii() and all(char.isprintable() and char != " " for char in api_key)):
        return f"the key in --api-key or {_KEY_VARIABLE}: give ASCII characters without blanks"
    if not api_key and not _is_loopback(host):
        return (
            f"--host {host} can be reached from other machines, so requests must have a key: "
            f"set {_KEY_VARIABLE}, or give --api-key KEY"
        )
    return ""


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m cellmage serve",
        description="Serve any configured model at /v1, as OpenAI does.",
    )
    parser.add_argument(
        "-m", "--model", action="append",
        help="a model that requests may name; the first also answers 'default'; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--api-key", default=os.environ.get(_KEY_VARIABLE, ""), metavar="KEY",
        help=f"the key that requests must have; default: {_KEY_VARIABLE} of the environment",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=8010, help="default: 8010")
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: 127.0.0.1, which only this machine reaches"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
