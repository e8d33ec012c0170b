"""The flags of the magics, as data. A value that is not given is None, so 'unset' survives."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Callable
from typing import Any

from IPython.core.magic_arguments import argument, magic_arguments

from .parsing import boolean, hosts, words

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def flag(*names: str, **how: Any) -> Decorator:
    """One flag, as `argparse` takes it."""
    decorator: Decorator = argument(*names, **how)
    return decorator


def declare(*flags: Decorator) -> Decorator:
    """Declare a magic's flags, in the order in which its help lists them."""

    def decorate(magic: Callable[..., Any]) -> Callable[..., Any]:
        decorators: list[Decorator] = [magic_arguments(), *flags, HELP]
        for each in reversed(decorators):
            magic = each(magic)
        return magic

    return decorate


HELP = flag("-h", "--help", action="store_true", help="Show this text.")

COMMON = [
    flag("-m", "--model", help="The model, as provider/model or a bare name."),
    flag("-t", "--temperature", type=float, help="Sampling, from 0 (the same) to 2 (wild)."),
    flag("--max-tokens", type=int, help="The longest answer, in tokens."),
    flag("-s", "--system", help="The system prompt."),
    flag("-p", "--persona", help="A persona: a system prompt and how to sample."),
    flag(
        "--param",
        nargs=2,
        action="append",
        metavar=("KEY", "VALUE"),
        help="A further parameter of the provider; may be given several times.",
    ),
]

CALL = [
    flag(
        "--stream", action=BooleanOptionalAction, help="Show the answer as it is written, or whole."
    ),
    flag(
        "--stats",
        action=BooleanOptionalAction,
        help="Say under the answer how fast and how long it was.",
    ),
    flag("--max-context-turns", type=int, metavar="N", help="Send the newest N earlier turns."),
    flag("--json", action="store_true", help="Ask for JSON: a table, and a value in --out."),
    flag("--schema", metavar="NAME", help="The same, of this pydantic model or JSON schema."),
    flag("--rag", metavar="NAME", help="Search this index, or call this function, first."),
    flag(
        "--tool",
        action="append",
        metavar="NAME",
        help="A function that the model may have run; may be given several times.",
    ),
    flag("--yes-tools", action="store_true", help="Run them without asking before each call."),
    flag("--compare", type=words, metavar="A,B", help="Ask these models, side by side."),
    flag("--keep", metavar="MODEL", help="With --compare: whose answer is kept; the first's."),
    flag("--stop-at", action="append", metavar="TEXT", help="End the answer at this text."),
    flag("--watch", type=words, metavar="A,B", help="Say where these words are first seen."),
    flag("--out", metavar="NAME", help="Bind the answer's text to this variable."),
    flag(
        "--continue",
        dest="go_on",
        action="store_true",
        help="Go on from the last answer, which was cut, as one turn.",
    ),
    flag("--no-history", action="store_true", help="Ask alone: send no earlier turn, keep none."),
    flag(
        "--no-rollback", action="store_true", help="When the cell is run again, keep its old turn."
    ),
    flag("--chat", metavar="NAME", help="Ask in this conversation."),
    flag(
        "--on-error",
        choices=("raise", "show"),
        help="Show a failure and go on, for demonstrations; the cell then does not fail.",
    ),
    flag("--raw", action="store_true", help="Send {{ }} as it stands."),
    flag("--dry-run", action="store_true", help="Show what would be sent; send nothing."),
]

CONFIG = [
    flag("--stream-by-default", type=boolean, metavar="True|False", help="Stream all calls."),
    flag("--stats", type=boolean, metavar="True|False", help="Times and tokens of all answers."),
    flag("--spend-limit", type=float, metavar="DOLLARS", help="Ask nothing more beyond this."),
    flag(
        "--collapse",
        type=boolean,
        metavar="True|False",
        help="Put the parts of an answer together at its end.",
    ),
    flag("--max-context-turns", type=int, metavar="N", help="Send the newest N earlier turns."),
    flag(
        "--max-context-tokens",
        type=int,
        metavar="TOKENS",
        help="Send what fits into so many tokens.",
    ),
    flag("--store", choices=("auto", "on", "off"), help="Keep conversations on disk."),
    flag("--resume", choices=("always", "ask", "never"), help="When the extension is loaded."),
    flag("--fallback", type=words, metavar="A,B", help="Models to ask when one does not answer."),
    flag("--image-hosts", type=hosts, metavar="A,B", help="Hosts whose images are loaded."),
    flag("--base-url", metavar="URL", help="The address of an OpenAI-compatible server."),
    flag("--connect-timeout", type=float, metavar="SECONDS", help="For the connection; 5."),
    flag(
        "--first-byte-timeout",
        type=float,
        metavar="SECONDS",
        help="Until the server begins to answer; 60, and 300 on this machine.",
    ),
    flag("--timeout", type=float, metavar="SECONDS", help="For the first word."),
    flag("--idle-timeout", type=float, metavar="SECONDS", help="Between two pieces."),
    flag("--remove-param", action="append", metavar="KEY", help="Take a parameter back."),
    flag("--no-persona", action="store_true", help="Use no persona."),
    flag("--show-persona", action="store_true", help="Show the persona in use."),
    flag("--list-personas", action="store_true", help="List the personas."),
    flag("--reset", action="store_true", help="Forget what earlier flags have set."),
]

COMPARE = [
    flag("--latency", action="store_true", help="Ask streamed, and not: when is it seen?"),
    flag("-m", "--model", type=words, metavar="A,B", help="The models that are asked."),
]

INDEX = [
    flag("--name", metavar="NAME", default="docs", help="The name of the index; docs."),
]

MODELS = [
    flag("--provider", metavar="NAME", help="The provider that is meant, such as groq."),
]

HISTORY = [
    flag("--chat", metavar="NAME", help="The conversation that is meant."),
    flag("--new", metavar="NAME", help="Make an empty conversation of this name."),
    flag("--chats", action="store_true", help="List the conversations."),
    flag("--full", action="store_true", help="Show questions and answers in full."),
    flag("--show", type=int, metavar="N", help="Show the answer of turn N again."),
    flag("--search", metavar="TEXT", help="Find a text in questions and answers."),
    flag("--tokens", action="store_true", help="Show how many tokens the turns are."),
    flag("--clear", action="store_true", help="Drop all turns."),
    flag("--drop", type=int, metavar="N", help="Drop turn N."),
    flag("--undo", nargs="?", type=int, const=1, metavar="N", help="Drop the last N turns."),
    flag("--attempts", type=int, metavar="N", help="List the older attempts of turn N."),
    flag("--restore", metavar="N.K", help="Put attempt K of turn N back in its place."),
    flag("--fork", metavar="NAME", help="Copy the conversation under another name."),
    flag("--at", type=int, metavar="N", help="With --fork: copy as far as turn N."),
    flag("--export", metavar="FILE", help="Write the turns to a new .md, .json or .ipynb file."),
    flag("--import", dest="import_", metavar="FILE", help="Add the turns of an exported file."),
    flag("--from", dest="from_", metavar="NOTEBOOK", help="Add the turns that a notebook shows."),
    flag("--resume", action="store_true", help="Take up the turns that are stored."),
    flag("--attach", metavar="NOTEBOOK", help="Take up what another notebook has stored."),
]
