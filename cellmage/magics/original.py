"""What replaces the flags and the magics of the original cellmage, as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..errors import UsageError

SAME_FLAGS: Mapping[str, Mapping[str, str]] = {
    "llm_config": {
        "--list-mappings": "--list-aliases",
        "--add-mapping": "--alias",
        "--remove-mapping": "--remove-alias",
        "--set-override": "--param",
        "--remove-override": "--remove-param",
    },
}
"""The flags of the original that are ours under another name."""

REPLACEMENTS: Mapping[str, Mapping[str, str]] = {
    "llm": {
        "--list-snippets": "%llm_config --list-snippets lists the snippets",
    },
    "llm_config": {
        "--clear-overrides": "--remove-param KEY removes one parameter, --reset all that flags set",
        "--show-overrides": "%llm_config without a flag shows all settings",
        "--clear-history": "%llm_history --clear drops the turns",
        "--show-history": "%llm_history -v shows the turns in full",
        "--tokens": "%llm_history --tokens counts them",
        "--token": "%llm_history --tokens counts the tokens; a key does not belong in a notebook, "
        "set OPENAI_API_KEY",
        "--save": "conversations are stored as they grow; %llm_history --export FILE writes one",
        "--load": "%llm_history --resume NOTEBOOK, or %llm_history --import FILE, loads one",
        "--list-sessions": "%llm_history --chats lists the conversations",
        "--auto-save": "--store on stores all conversations",
        "--no-auto-save": "--store off stores none",
        "--snippet": "%%llm --snippet NAME puts it before a prompt",
        "--sys-snippet": "%%llm --sys-snippet NAME puts it into the system prompt of a call, "
        "--system TEXT or --persona NAME into all",
        "--status": "%llm_config without a flag shows all settings",
        "--adapter": "cellmage.register_provider(source, name) makes a LangChain model one to ask",
        "--base-dir": "files are looked for where the kernel starts; start it in that folder",
    },
}
"""The flags of the original that are not ours, with what to type in their place."""

MAGIC_REPLACEMENTS: Mapping[str, str] = {
    "sqlite_llm": "%%llm stores its conversations in SQLite; use it in its place",
    "sqlite": "%llm_history shows, searches, exports and imports conversations",
    "github": "%%llm --tool mcp:NAME asks with the tools of GitHub's MCP server; "
    "%llm_config --mcp FILE names the servers",
    "gitlab": "%%llm --tool mcp:NAME asks with the tools of GitLab's MCP server; "
    "%llm_config --mcp FILE names the servers",
    "jira": "%%llm --tool mcp:NAME asks with the tools of an MCP server of Jira; "
    "%llm_config --mcp FILE names the servers",
    "confluence": "%%llm --tool mcp:NAME asks with the tools of an MCP server of Confluence; "
    "%llm_config --mcp FILE names the servers",
    "gdocs": "%%llm --tool mcp:NAME asks with the tools of an MCP server of Google Docs; "
    "%llm_config --mcp FILE names the servers",
    "webcontent": "%%llm --attach URL sends a page",
    "img": "%%llm --attach FILE sends an image",
    "llm_magic": "%%llm asks a model",
}
"""The magics of the original that are not ours, with what to type in their place."""

_SAME_MAGICS: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "llm_config_persistent": (("llm_config", None), ("llm_ambient", "on")),
    "disable_llm_config_persistent": (("llm_ambient", "off"),),
}
"""The magics of the original that run ours: each with its line; None is the line of the user."""


def same_flag(magic: str, word: str) -> str:
    """Return a word with our name of a flag of the original; any other as it is.

    Example:
        >>> same_flag("llm_config", "--add-mapping"), same_flag("llm_config", "--model=a")
        ('--alias', '--model=a')
    """
    flag, equals, value = word.partition("=")
    return f"{SAME_FLAGS.get(magic, {}).get(flag, flag)}{equals}{value}"


def replacement(magic: str, flag: str) -> str:
    """Return what replaces a flag of the original; empty if nothing is known of the flag."""
    return REPLACEMENTS.get(magic, {}).get(flag, "")


def _run_ours(shell: InteractiveShell, calls: tuple[tuple[str, str | None], ...]) -> Any:
    def run(line: str, cell: str | None = None) -> None:
        """Run the magics that replace one of the original cellmage."""
        for name, fixed in calls:
            text = line if fixed is None else fixed
            if text.strip():
                shell.run_line_magic(name, text)

    return run


def _refuse(name: str, advice: str) -> Any:
    def run(line: str, cell: str | None = None) -> None:
        """Say what replaces a magic of the original cellmage."""
        raise UsageError(f"{name} is a magic of the original cellmage; {advice}")

    return run


Magic = Callable[..., None]


class OriginalMagics:
    """The magics of the original in a shell; one that another extension has stays that one's.

    Args:
        shell: where they are added.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._added: dict[str, Magic] = {}

    def add(self) -> None:
        """Add them."""
        refused = {name: _refuse(name, advice) for name, advice in MAGIC_REPLACEMENTS.items()}
        run = {name: _run_ours(self._shell, calls) for name, calls in _SAME_MAGICS.items()}
        taken = {name for names in self._shell.magics_manager.magics.values() for name in names}
        for name, magic in {**refused, **run}.items():
            if name not in taken:
                self._shell.register_magic_function(magic, "line_cell", name)
                self._added[name] = magic

    def remove(self) -> None:
        """Remove them; not those that another extension has replaced."""
        for names in self._shell.magics_manager.magics.values():
            for name, magic in self._added.items():
                if names.get(name) is magic:
                    del names[name]
