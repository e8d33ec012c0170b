"""The flags of the magics, as data. The value of a flag that is not on the line is None."""

from __future__ import annotations

from argparse import BooleanOptionalAction

from .magic_decorator import flag
from .parsing import boolean, comma_list, host_list

COMMON = [
    flag("-m", "--model", help="The model that answers, as provider/model or a bare name."),
    flag(
        "-t",
        "--temperature",
        type=float,
        help="How much answers vary: 0 (hardly) to 2 (wildly).",
    ),
    flag("--max-tokens", type=int, metavar="N", help="The longest answer, in tokens."),
    flag("-s", "--system", help="The system prompt: instructions for the model."),
    flag("-p", "--persona", help="Use a persona: a system prompt with its own settings."),
    flag(
        "--param",
        nargs=2,
        action="append",
        metavar=("KEY", "VALUE"),
        help="Send a further parameter to the provider. Repeatable.",
    ),
]

CALL = [
    flag(
        "--stream",
        action=BooleanOptionalAction,
        help="Show the answer while it arrives, or once when it is complete.",
    ),
    flag(
        "--stats",
        action=BooleanOptionalAction,
        help="Show time, tokens and cost below the answer.",
    ),
    flag(
        "--max-context-turns", type=int, metavar="N", help="Send only the newest N earlier turns."
    ),
    flag("--json", action="store_true", help="Ask for JSON, and show it as a table."),
    flag(
        "--schema",
        metavar="NAME",
        help="Ask for JSON that fits this pydantic model or JSON schema (a variable).",
    ),
    flag(
        "--rag",
        metavar="NAME",
        help="Search this index, or call this function, and send what it finds.",
    ),
    flag(
        "--tool",
        action="append",
        metavar="NAME",
        help="Let the model call this function. Repeatable. You confirm each call.",
    ),
    flag("--auto-approve", action="store_true", help="Run tools without asking you first."),
    flag("--compare", type=comma_list, metavar="A,B", help="Ask these models, side by side."),
    flag(
        "--select",
        metavar="MODEL",
        help="With --compare: keep the answer of this model. Default: the first.",
    ),
    flag("--stop-at", action="append", metavar="TEXT", help="End the answer at this text."),
    flag(
        "--watch",
        type=comma_list,
        metavar="A,B",
        help="Show a line when one of these words first arrives.",
    ),
    flag("--out", metavar="NAME", help="Store the text of the answer in this variable."),
    flag(
        "--continue",
        dest="continue_answer",
        action="store_true",
        help="Continue the last answer, if it was cut. Both become one turn.",
    ),
    flag(
        "--no-history",
        action="store_true",
        help="Ask without the earlier turns, and do not store this one.",
    ),
    flag(
        "--append",
        "--no-rollback",
        action="store_true",
        help="When the cell is run again, add a turn and do not replace the old one.",
    ),
    flag("--chat", metavar="NAME", help="Ask in the conversation of this name."),
    flag(
        "--on-error",
        choices=("raise", "show"),
        help="With show, a failure is printed and the cell does not fail.",
    ),
    flag(
        "--interpolate",
        action=BooleanOptionalAction,
        help="Insert {{ values }} into code and formulas, too, or send all braces unchanged.",
    ),
    flag("--dry-run", action="store_true", help="Show what would be sent, and send nothing."),
]

CONFIG = [
    flag(
        "--stream-by-default",
        type=boolean,
        metavar="True|False",
        help="Show all answers while they arrive.",
    ),
    flag(
        "--stats",
        type=boolean,
        metavar="True|False",
        help="Show time, tokens and cost below all answers.",
    ),
    flag(
        "--spend-limit",
        type=float,
        metavar="DOLLARS",
        help="Send no more prompts once the notebook has cost this much.",
    ),
    flag(
        "--collapse",
        type=boolean,
        metavar="True|False",
        help="Join the outputs of a long answer into one when it is complete.",
    ),
    flag(
        "--max-context-turns", type=int, metavar="N", help="Send only the newest N earlier turns."
    ),
    flag(
        "--max-context-tokens",
        type=int,
        metavar="N",
        help="Send only the newest earlier turns that fit into N tokens.",
    ),
    flag(
        "--store",
        choices=("auto", "on", "off"),
        help="Store conversations on disk. auto: only where a user may be watching.",
    ),
    flag(
        "--resume",
        choices=("always", "ask", "never"),
        help="When cellmage is loaded: resume stored conversations, mention them, or neither.",
    ),
    flag(
        "--fallback",
        type=comma_list,
        metavar="A,B",
        help="Ask these models, in this order, when the model does not answer.",
    ),
    flag(
        "--image-hosts",
        type=host_list,
        metavar="A,B",
        help="Load images from these hosts. Images of other hosts are not loaded.",
    ),
    flag("--base-url", metavar="URL", help="The address of an OpenAI-compatible server."),
    flag(
        "--connect-timeout",
        type=float,
        metavar="SECONDS",
        help="How long making the connection may take. Default: 5.",
    ),
    flag(
        "--first-byte-timeout",
        type=float,
        metavar="SECONDS",
        help="How long the server may take to begin its reply. "
        "Default: 60, and 300 for a server on this machine.",
    ),
    flag(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="How long the first text of an answer may take.",
    ),
    flag(
        "--idle-timeout",
        type=float,
        metavar="SECONDS",
        help="How long an answer may pause before its next piece.",
    ),
    flag("--remove-param", action="append", metavar="KEY", help="Remove a --param. Repeatable."),
    flag("--no-persona", action="store_true", help="Use no persona."),
    flag("--show-persona", action="store_true", help="Show the current persona."),
    flag("--list-personas", action="store_true", help="List the personas."),
    flag("--reset", action="store_true", help="Undo all earlier %%llm_config flags."),
]

COMPARE = [
    flag(
        "--latency",
        action="store_true",
        help="Ask each model streamed and not, and show when its answer is seen.",
    ),
    flag("-m", "--model", type=comma_list, metavar="A,B", help="The models to ask."),
]

INDEX = [
    flag("--name", metavar="NAME", default="docs", help="The name of the index. Default: docs."),
]

MODELS = [
    flag("--provider", metavar="NAME", help="List the models of this provider, such as groq."),
]

HISTORY = [
    flag("--chat", metavar="NAME", help="Use the conversation of this name."),
    flag("--new", metavar="NAME", help="Start a conversation of this name."),
    flag("--chats", action="store_true", help="List the conversations."),
    flag("-v", "--verbose", action="store_true", help="Show questions and answers in full."),
    flag("--show", type=int, metavar="N", help="Show the answer of turn N again."),
    flag("--search", metavar="TEXT", help="Find a text in questions and answers."),
    flag("--tokens", action="store_true", help="Show the tokens and the cost of each turn."),
    flag("--clear", action="store_true", help="Drop all turns."),
    flag("--drop", type=int, metavar="N", help="Drop turn N."),
    flag("--undo", nargs="?", type=int, const=1, metavar="N", help="Drop the last N turns."),
    flag("--versions", type=int, metavar="N", help="List the older versions of turn N."),
    flag("--restore", metavar="N.K", help="Replace turn N by its version K."),
    flag("--fork", metavar="NAME", help="Copy the conversation under a new name."),
    flag("--at", type=int, metavar="N", help="With --fork: copy the first N turns."),
    flag("--export", metavar="FILE", help="Write the turns to a new .md, .json or .ipynb file."),
    flag(
        "--import",
        dest="import_",
        metavar="FILE",
        help="Add the turns of an exported file, or those that a saved notebook shows.",
    ),
    flag(
        "--resume",
        nargs="?",
        const="",
        metavar="NOTEBOOK",
        help="Resume the stored conversations of this notebook, or those of another one.",
    ),
]
