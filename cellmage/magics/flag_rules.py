"""The flags of one prompt: which exclude each other, and the arguments that they make."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from ..errors import UsageError
from ..text import excerpt
from .lookup import find_retriever, find_tools

_EXCLUSIVE: Mapping[str, set[str]] = {
    "continue_answer": {"compare", "tool", "rag", "attach", "snippet", "cells", "error"},
    "compare": {"json", "schema", "model", "tool"},
    "verify": {"continue_answer", "compare", "json", "schema", "each"},
    "live_numbers": {"continue_answer", "compare", "json", "schema", "each"},
    "each": {
        *("continue_answer", "compare", "tool", "rag", "attach", "snippet", "cells", "error"),
        *("code", "chat", "background", "dry_run", "sys_snippet", "set", "auto_approve"),
    },
}
"""Flags, and the flags that none of them goes together with, by their names in `Namespace`."""

_FLAG_NAMES = {
    "continue_answer": "--continue",
    "dry_run": "--dry-run",
    "sys_snippet": "--sys-snippet",
    "auto_approve": "--auto-approve",
    "live_numbers": "--live-numbers",
} | {
    name: f"--{name}"
    for name in (
        "compare",
        "tool",
        "rag",
        "attach",
        "snippet",
        "json",
        "schema",
        "model",
        "cells",
        "error",
        "each",
        "code",
        "background",
        "chat",
        "set",
        "verify",
    )
}


def check_flags(args: Namespace, prompt: str) -> None:
    """Refuse flags that exclude each other.

    Raises:
        UsageError: they do, or a name cannot be the name of a variable.
    """
    if args.out is not None and (not args.out.isidentifier() or iskeyword(args.out)):
        raise UsageError(f"--out {excerpt(args.out)}: give a name that a variable can have")
    names = {name for name, value in vars(args).items() if value}
    for name, others in _EXCLUSIVE.items():
        if name in names and (conflicts := names & others):
            conflict = _FLAG_NAMES[min(conflicts)]
            raise UsageError(f"{_FLAG_NAMES[name]} does not go with {conflict}")
    if args.select and not args.compare:
        raise UsageError("--select names one of the models of --compare A,B")
    if args.continue_answer and prompt.strip():
        raise UsageError("--continue takes no prompt; it continues the last answer")


def stream_arguments(
    args: Namespace, variables: Mapping[str, Any], mcp_file: str | None
) -> dict[str, Any]:
    """Return the arguments of `Conversation.stream` that the flags set.

    Args:
        args: the flags of ``%%llm``.
        variables: the variables of the user, by name: functions and schemas.
        mcp_file: the file that names the MCP servers.

    Raises:
        UsageError: a flag names something that does not exist.
    """
    return {
        "history": "ignore" if args.no_history else "use",
        "commit": "append" if args.append else "replace",
        "retriever": find_retriever(args.rag, variables),
        "tools": find_tools(args.tool or (), variables, mcp_file),
        **({"approve": "always"} if args.auto_approve else {}),
    }
