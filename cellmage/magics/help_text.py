"""The help of a magic: examples, then its flags in groups, for ``--help`` and ``%%llm?``."""

from __future__ import annotations

from argparse import Action, BooleanOptionalAction
from collections.abc import Mapping
from textwrap import dedent, indent, wrap
from typing import Any

from IPython.core.magic_arguments import MagicArgumentParser

WIDTH_CHARS = 79
_FLAG_CHARS = 26
"""The width of the column of flags."""

EXAMPLES: Mapping[str, tuple[str, str, str]] = {
    "llm": (
        "%%llm --model gpt-6-luna\nExplain gradient descent to a pianist.",
        "%%llm --temperature 0 --out summary\nSummarize: {{ text }}",
        'answer = %llm --system "Be brief" What is a monad?',
    ),
    "llm_config": (
        "%llm_config --model gpt-6-luna --temperature 0.2",
        "%llm_config --base-url http://localhost:11434/v1 --model qwen3:8b",
        "%llm_config",
    ),
    "llm_models": (
        "%llm_models",
        "%llm_models --provider groq",
        "%llm_models --provider ollama",
    ),
    "llm_history": (
        "%llm_history",
        "%llm_history --undo",
        "%llm_history --export talk.md",
    ),
    "llm_index": (
        "%llm_index docs",
        "%llm_index notes.md papers --name papers",
        "%llm_index --name code src",
    ),
    "llm_compare": (
        "%llm_compare --latency Count to ten.",
        "%llm_compare --latency -m gpt-6-luna,gpt-6-sol Count to ten.",
        "%%llm_compare --latency\nCount to ten.",
    ),
    "llm_tools": (
        "%llm_tools",
        "rows = %llm_tools",
        "%llm_tools?",
    ),
    "llm_ambient": (
        "%llm_ambient on",
        "%llm_ambient off",
        "%llm_ambient?",
    ),
    "llm_fix": (
        "%llm_fix",
        "%llm_fix --in-place Be brief.",
        "%llm_fix Keep the names of the columns.",
    ),
    "llm_chat": (
        "%llm_chat",
        "%llm_chat --chat talk --persona terse",
        "%llm_chat --tool weather",
    ),
    "llm_status": (
        "%llm_status",
        "%llm_status --chat talk",
        "rows = %llm_status",
    ),
    "llm_upgrade": (
        "%llm_upgrade gpt-6-sol",
        "%llm_upgrade gpt-6-sol --budget 2.00",
        "%llm_upgrade --take gpt-6-sol",
    ),
    "llm_edit": (
        "%%llm_edit 3\nThe corrected answer.",
        "%%llm_edit --chat talk 3\nThe corrected answer.",
        "%llm_edit?",
    ),
    "llm_jobs": (
        "%llm_jobs",
        "%llm_jobs --show 3",
        "%llm_jobs --stop all",
    ),
    "llm_stop": (
        "%llm_stop",
        "%llm_stop --help",
        "%llm_stop?",
    ),
}
"""Three examples of each magic, by its name."""


def format_help(parser: MagicArgumentParser) -> str:
    """Return the help of a magic: what it does, examples, and its flags.

    Args:
        parser: has the flags, in groups.
    """
    description = " ".join(dedent(parser.description or "").replace("``", "").split())
    sections = ["\n".join(wrap(description, WIDTH_CHARS)), "Examples:\n\n" + _examples(parser.prog)]
    for group in parser._action_groups:
        if group._group_actions:
            lines = map(_flag_lines, group._group_actions)
            sections.append("\n".join([f"{group.title}:", *lines]))
    return "\n\n".join(sections)


def _examples(name: str) -> str:
    examples = EXAMPLES[name]
    has_cells = any("\n" in example for example in examples)
    return indent(("\n\n" if has_cells else "\n").join(examples), "    ")


def _flag_lines(action: Action) -> str:
    """Return the lines of one flag: its names and its value, then its help in a column."""
    names = f"  {', '.join(action.option_strings)}{_value(action)}"
    lines = wrap((action.help or "").replace("%%", "%"), WIDTH_CHARS - _FLAG_CHARS)
    text = indent("\n".join(lines), " " * _FLAG_CHARS)
    is_narrow = len(names) <= _FLAG_CHARS - 2
    return names + text[len(names) :] if is_narrow else f"{names}\n{text}"


def _value(action: Action) -> str:
    """Return the name of a flag's value, with the blank before it; empty if it takes none."""
    if action.nargs == 0 or isinstance(action, BooleanOptionalAction):
        return ""
    metavar: Any = action.metavar or "|".join(action.choices or ())
    value = " ".join([metavar] if isinstance(metavar, str) else metavar)
    return f" [{value}]" if action.nargs == "?" else f" {value}"
