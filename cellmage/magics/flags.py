"""The flags of the magics, as data. The value of a flag that is not on the line is None.

A text between two flags is the heading of a group in ``--help``.
"""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Mapping
from typing import Any

from ..options import APIS, DATA_LEVELS, EFFORTS
from ..recording.file_recordings import SPEEDS
from .code_out import LANGUAGES
from .flag_values import boolean, comma_list, dollars, host_list, number, whole_number
from .magic_decorator import flag, group
from .settings import KEEP_MODES

_COUNT: Mapping[str, Any] = {"type": whole_number, "metavar": "N"}
_SECONDS: Mapping[str, Any] = {"type": number, "metavar": "SECONDS"}
_LIST: Mapping[str, Any] = {"type": comma_list, "metavar": "A,B"}
_BOOLEAN: Mapping[str, Any] = {"type": boolean, "metavar": "True|False"}

COMMON = [
    group("The model"),
    flag(
        "-m",
        "--model",
        metavar="MODEL",
        help="The model that answers, as provider/model or a bare name. "
        "Default: CELLMAGE_MODEL, or that of the server.",
    ),
    flag(
        "-t",
        "--temperature",
        type=number,
        metavar="NUMBER",
        help="How much answers vary: 0 (hardly) to 2 (wildly). Default: the provider's.",
    ),
    flag(
        "--effort",
        choices=EFFORTS,
        help="How much the model reasons before it answers. Default: the model's.",
    ),
    flag(
        "--api",
        choices=APIS,
        help="The API by which the server is asked. Default: that of the server.",
    ),
    flag(
        "--repair",
        type=int,
        choices=(0, 1),
        metavar="0|1",
        help="How often the model is asked again when its answer does not fit --schema or --json. "
        "Default: 1.",
    ),
    flag("--max-tokens", **_COUNT, help="The longest answer, in tokens. Default: the provider's."),
    flag(
        "-s",
        "--system",
        metavar="TEXT",
        help="The system prompt: instructions for the model. Default: none.",
    ),
    flag(
        "-p",
        "--persona",
        metavar="NAME",
        help="Use a persona: a system prompt with its own settings. Default: none.",
    ),
    flag(
        "--data",
        choices=DATA_LEVELS,
        help="What is sent of tables: names and types, statistics, too, or the first rows, too. "
        "Default: stats.",
    ),
    flag(
        "--param",
        nargs=2,
        action="append",
        metavar=("KEY", "VALUE"),
        help="Send a further parameter to the provider. Repeatable.",
    ),
]

_STATS = flag(
    "--stats",
    action=BooleanOptionalAction,
    help="Show time, tokens and cost below the answer. Default: --no-stats.",
)
_RAG = flag(
    "--rag",
    metavar="NAME",
    help="Search this index, or call this function, and send what it finds.",
)
_TOOL = flag(
    "--tool",
    action="append",
    metavar="NAME",
    help="Let the model call this function, the tools of an MCP server (mcp:NAME), the provider's "
    "search of the web (web), or Python in a copy of the kernel (python). Repeatable. You confirm "
    "each call.",
)
_CHAT = flag("--chat", metavar="NAME", help="Ask in the conversation of this name.")

CHAT = [group("The conversation"), _CHAT, group("Each prompt"), _TOOL, _RAG, _STATS]

CALL = [
    group("The answer"),
    flag(
        "--stream",
        action=BooleanOptionalAction,
        help="Show the answer while it arrives, or once when it is complete. Default: --stream.",
    ),
    _STATS,
    flag(
        "--keep",
        action=BooleanOptionalAction,
        help="Show the answer of the last time, if what it depends on has not changed. "
        "Default: --no-keep.",
    ),
    flag("--fresh", action="store_true", help="Ask again, and keep the new answer."),
    flag("--out", metavar="NAME", help="Store the text of the answer in this variable."),
    flag(
        "--code",
        nargs="?",
        const="python",
        choices=LANGUAGES,
        metavar="LANG",
        help="Put the code blocks of the answer into the next cell. Default: those of Python.",
    ),
    flag(
        "--verify",
        action="store_true",
        help="Run the code blocks of the answer in a copy of the kernel, and mark each: it ran, it "
        "failed, or it was not run.",
    ),
    flag(
        "--live-numbers",
        action="store_true",
        help="Ask for figures as {{= expressions }}, show their values, and underline numbers that "
        "are neither computed nor in what was sent.",
    ),
    flag("--json", action="store_true", help="Ask for JSON, and show it as a table."),
    flag(
        "--schema",
        metavar="NAME",
        help="Ask for JSON that fits this pydantic model or JSON schema (a variable).",
    ),
    flag(
        "--follow",
        action=BooleanOptionalAction,
        help="Keep the end of the answer in view while it arrives, until you scroll up; where the "
        "page has buttons below answers. Default: --no-follow.",
    ),
    flag(
        "--background",
        action="store_true",
        help="Answer below this cell while other cells run; %%llm_jobs lists these answers.",
    ),
    flag(
        "--each",
        metavar="NAME",
        help="Ask about each row of this variable (a list or a DataFrame), many at once.",
    ),
    flag("--compare", **_LIST, help="Ask these models, side by side."),
    flag(
        "--select",
        metavar="MODEL",
        help="With --compare: keep the answer of this model. Default: the first.",
    ),
    flag("--stop-at", action="append", metavar="TEXT", help="End the answer at this text."),
    flag("--watch", **_LIST, help="Show a line when one of these words first arrives."),
    flag(
        "--continue",
        dest="continue_answer",
        action="store_true",
        help="Continue the last answer, if it was cut. Both become one turn.",
    ),
    flag(
        "--on-error",
        choices=("raise", "show"),
        help="With show, a failure is printed and the cell does not fail. Default: raise.",
    ),
    group("The prompt"),
    flag(
        "--snippet",
        action="append",
        metavar="NAME",
        help="Put a text of llm_snippets/ before the prompt. Repeatable.",
    ),
    flag(
        "--sys-snippet",
        action="append",
        metavar="NAME",
        help="Put a text of llm_snippets/ into the system prompt. Repeatable.",
    ),
    flag(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="Fill the hole {{ NAME }} of a snippet; variables fill the others. Repeatable.",
    ),
    _RAG,
    flag(
        "--attach",
        action="append",
        metavar="NAME",
        help="Send this variable, file, pattern of files or page (http, https); globals() sends "
        "the names of all variables. Repeatable.",
    ),
    flag(
        "--cells",
        metavar="N",
        help="Send the last N cells that ran, with their outputs; 3,5-7 sends cells [3] and [5] to "
        "[7]. A cell that begins with %%llm_hide is never sent.",
    ),
    flag(
        "--error",
        action="store_true",
        help="Send the last error with its cell, and the values where it failed.",
    ),
    _TOOL,
    flag("--auto-approve", action="store_true", help="Run tools without asking you first."),
    flag(
        "--interpolate",
        action=BooleanOptionalAction,
        help="Insert {{ values }} into code and formulas, too, or send all braces unchanged. "
        "Default: insert them into other text.",
    ),
    flag("--dry-run", action="store_true", help="Show what would be sent, and send nothing."),
    group("The conversation"),
    _CHAT,
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
    flag(
        "--max-context-turns",
        **_COUNT,
        help="Send only the newest N earlier turns. Default: all that fit.",
    ),
]

FIX = [
    group("The fixed cell"),
    flag(
        "--in-place",
        action="store_true",
        help="Let the failed cell take the fixed code when it is run again. Default: the code is "
        "put into the next cell.",
    ),
]

CONFIG = [
    flag("--remove-param", action="append", metavar="KEY", help="Remove a --param. Repeatable."),
    flag(
        "--fallback",
        **_LIST,
        help="Ask these models, in this order, when the model does not answer. Default: none.",
    ),
    flag(
        "--base-url",
        metavar="URL",
        help="The address of an OpenAI-compatible server. Default: OPENAI_BASE_URL, or OpenAI.",
    ),
    flag(
        "--mcp",
        metavar="FILE",
        help="The file that names MCP servers, for --tool mcp:NAME. Default: none.",
    ),
    flag(
        "--alias",
        nargs=2,
        action="append",
        metavar=("NAME", "MODEL"),
        help="Give a model a short name, in your config file. Repeatable.",
    ),
    flag("--remove-alias", action="append", metavar="NAME", help="Remove an alias. Repeatable."),
    flag("--list-aliases", action="store_true", help="List the aliases."),
    flag("--no-persona", action="store_true", help="Use no persona."),
    flag("--show-persona", action="store_true", help="Show the current persona."),
    flag("--list-personas", action="store_true", help="List the personas."),
    flag("--list-snippets", action="store_true", help="List the snippets."),
    flag(
        "--rules",
        **_BOOLEAN,
        help="Put the AGENTS.md of the notebook's folder into the system prompt. Default: False.",
    ),
    group("The page"),
    flag(
        "--stream-by-default", **_BOOLEAN, help="Show all answers while they arrive. Default: True."
    ),
    flag(
        "--stats", **_BOOLEAN, help="Show time, tokens and cost below all answers. Default: False."
    ),
    flag(
        "--collapse",
        **_BOOLEAN,
        help="Join the outputs of a long answer into one at its end, which scrolls the page. "
        "Default: False.",
    ),
    flag(
        "--bar",
        **_BOOLEAN,
        help="Show buttons below answers where a page lets them act: Stop, Copy, Retry, ... "
        "Default: True.",
    ),
    flag(
        "--follow",
        **_BOOLEAN,
        help="Keep the end of all answers in view while they arrive, until you scroll up. "
        "Default: False.",
    ),
    flag(
        "--image-hosts",
        type=host_list,
        metavar="A,B",
        help="Load images from these hosts, and from no other. Default: none.",
    ),
    group("The conversation"),
    flag(
        "--keep",
        choices=KEEP_MODES,
        help="Show the answers of the last time where what they depend on has not changed. "
        "ask: ask you before the model is asked again. lock: those of NOTEBOOK.llm.jsonl, a file "
        "to commit. Default: off.",
    ),
    flag(
        "--replay",
        metavar="FILE",
        help="Show the answers of this file, and ask no model; off ends it. Default: none.",
    ),
    flag(
        "--record",
        metavar="FILE",
        help="Record all answers to this file; missing records those that the file of --replay "
        "lacks; off ends it. Default: none.",
    ),
    flag(
        "--replay-speed",
        choices=SPEEDS,
        help="Replay answers at once, or each piece at the time at which it was received. "
        "Default: instant.",
    ),
    flag(
        "--remove-unused",
        action="store_true",
        help="Remove the answers that no prompt has used since the kernel began from the file of "
        "--keep lock or --record.",
    ),
    flag(
        "--store",
        choices=("auto", "on", "off"),
        help="Store conversations on disk. auto: only where a user may be watching. Default: auto.",
    ),
    flag(
        "--resume",
        choices=("always", "ask", "never"),
        help="When cellmage is loaded: resume stored conversations, mention them, or neither. "
        "Default: ask.",
    ),
    flag(
        "--max-context-turns",
        **_COUNT,
        help="Send only the newest N earlier turns. Default: all that fit.",
    ),
    flag(
        "--max-context-tokens",
        **_COUNT,
        help="Send only the newest earlier turns that fit into N tokens. "
        "Default: what the model can read.",
    ),
    group("Limits"),
    flag(
        "--spend-limit",
        type=number,
        metavar="DOLLARS",
        help="Send no more prompts once the notebook has cost this much. Default: none.",
    ),
    flag(
        "--connect-timeout", **_SECONDS, help="How long making the connection may take. Default: 5."
    ),
    flag(
        "--first-byte-timeout",
        **_SECONDS,
        help="How long the server may take to begin its reply. "
        "Default: 60, and 300 for a server on this machine.",
    ),
    flag(
        "--timeout", **_SECONDS, help="How long the first text of an answer may take. Default: 120."
    ),
    flag(
        "--idle-timeout",
        **_SECONDS,
        help="How long an answer may pause before its next piece. Default: 60.",
    ),
    group("All settings"),
    flag("--reset", action="store_true", help="Undo all earlier %%llm_config flags."),
]

EDIT = [flag("--chat", metavar="NAME", help="Use the conversation of this name.")]

COMPARE = [
    group("The comparison"),
    flag(
        "--latency",
        action="store_true",
        help="Ask each model streamed and not, and show when its answer is seen.",
    ),
    flag("-m", "--model", **_LIST, help="The models to ask. Default: the configured one."),
]

INDEX = [
    group("The index"),
    flag("--name", metavar="NAME", default="docs", help="The name of the index. Default: docs."),
]

MODELS = [
    group("The server"),
    flag(
        "--provider",
        metavar="NAME",
        help="List the models of this provider, such as groq. "
        "Default: the configured server, and those of this machine.",
    ),
]

STATUS = [flag("--chat", metavar="NAME", help="Use the conversation of this name.")]

UPGRADE = [
    group("The run"),
    flag("-m", "--model", metavar="MODEL", help="The model to ask, in place of a name behind."),
    flag(
        "--budget",
        type=dollars,
        metavar="DOLLARS",
        help="What the run may cost; none allows any cost. Default: only the estimate is shown.",
    ),
    flag(
        "--take",
        action="store_true",
        help="Make the new answers those of their cells. Without a model: those of the last run.",
    ),
    flag("--tools", action="store_true", help="Ask the prompts with tools, too."),
    flag("--auto-approve", action="store_true", help="Run tools without asking you first."),
    flag("--chat", metavar="NAME", help="Use the conversation of this name."),
]

JOBS = [
    group("The jobs"),
    flag("--show", **_COUNT, help="Show the answer of job N here, as far as it has arrived."),
    flag(
        "--stop",
        metavar="N|all",
        help="Stop job N, or all jobs. What had arrived is kept as a partial answer.",
    ),
]

HISTORY = [
    group("Show"),
    flag("--chat", metavar="NAME", help="Use the conversation of this name."),
    flag("--chats", action="store_true", help="List the conversations."),
    flag("-v", "--verbose", action="store_true", help="Show questions and answers in full."),
    flag("--show", **_COUNT, help="Show the answer of turn N again."),
    flag("--search", metavar="TEXT", help="Find a text in questions and answers."),
    flag("--tokens", action="store_true", help="Show the tokens and the cost of each turn."),
    flag("--versions", **_COUNT, help="List the older versions of turn N."),
    group("Change"),
    flag("--clear", action="store_true", help="Drop all turns."),
    flag("--drop", **_COUNT, help="Drop turn N."),
    flag(
        "--undo",
        nargs="?",
        type=whole_number,
        const=1,
        metavar="N",
        help="Drop the last N turns. Without a number: 1.",
    ),
    flag("--restore", metavar="N.K", help="Replace turn N by its version K."),
    flag("--edit", **_COUNT, help="Open the answer of turn N in a new cell, to correct it."),
    group("Further conversations"),
    flag("--new", metavar="NAME", help="Start a conversation of this name."),
    flag("--fork", metavar="NAME", help="Copy the conversation under a new name."),
    flag("--at", **_COUNT, help="With --fork: copy the first N turns. Default: all."),
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
