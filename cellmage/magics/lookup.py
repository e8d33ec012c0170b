"""Find what a flag names: an index, a function that searches, or a tool."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from platformdirs import user_data_path

from ..errors import UsageError
from ..mcp import mcp_tools
from ..pipeline.retrieval import Retriever
from ..retrieval import Index
from ..text import excerpt
from ..tools import web_search
from .frontend import print_line

IPYTHON_NAMES = {"In", "Out", "exit", "quit", "get_ipython", "open", "display"}
"""The variables that IPython sets; those with an underscore are IPython's, too."""

_MAX_NAME_CHARS = 100


def open_index(name: str) -> Index:
    """Return the index of this name; a name is data, and never a path.

    Raises:
        UsageError: the name is empty or too long.
    """
    if not name.strip() or len(name) > _MAX_NAME_CHARS or not name.isprintable():
        raise UsageError(f"the index name {excerpt(name)!r} is empty, too long, or cannot be read")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Index(user_data_path("cellmage") / "indexes" / f"{digest}.db")


def find_retriever(name: str | None, variables: Mapping[str, Any]) -> Retriever | None:
    """Return the function of this name, else the index of this name, for ``--rag NAME``.

    Raises:
        UsageError: there is neither.
    """
    if name is None:
        return None
    if callable(variables.get(name)):
        return Retriever(name, variables[name])
    index = open_index(name)
    if not index.path.exists():
        raise UsageError(
            f"--rag {name}: there is no function and no index of this name; "
            f"%llm_index FOLDER --name {name} makes one"
        )
    return Retriever(name, index.search)


def find_tools(
    names: Sequence[str], variables: Mapping[str, Any], mcp_file: str | None = None
) -> list[Callable[..., Any]]:
    """Return the tools of these names, for ``--tool NAME``.

    Args:
        names: names of functions, ``web`` for the provider's search of the web, and
            ``mcp:SERVER`` or ``mcp:SERVER/TOOL``.
        variables: the variables of the user, by name.
        mcp_file: the file that names the MCP servers.

    Raises:
        UsageError: one of them does not exist, or is not a function.
        ConfigError: an MCP server could not be started.
    """
    tools: list[Callable[..., Any]] = []
    for name in names:
        server = name.removeprefix(MCP_PREFIX)
        is_server = name.startswith(MCP_PREFIX)
        tools += _find_mcp_tools(server, mcp_file) if is_server else [_find(name, variables)]
    return tools


MCP_PREFIX = "mcp:"

PYTHON_TOOL = "python"
"""The built-in tool that runs Python in the twin, where the user has no function of the name."""

PROVIDER_TOOLS = {"web": web_search}
"""The tools that providers run, where the user has no function of the name."""


def _find_mcp_tools(name: str, file: str | None) -> Sequence[Callable[..., Any]]:
    if file is None:
        raise UsageError(
            f"--tool {excerpt(MCP_PREFIX + name)}: no file of MCP servers is set; "
            "%llm_config --mcp .mcp.json sets one"
        )
    return mcp_tools(name, file, print_line)


def _find(name: str, variables: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function of this name, or the method ``object.method``."""
    variable, *attributes = name.split(".")
    value: Any = variables.get(variable, PROVIDER_TOOLS.get(name))
    for attribute in attributes:
        value = getattr(value, attribute, None)
    if not callable(value):
        advice = (
            "name one, and repeat --tool"
            if "," in name
            else nearest_variable(name, variables, callable) or "define it, with a docstring"
        )
        raise UsageError(f"--tool {excerpt(name)}: there is no such function; {advice}")
    function: Callable[..., Any] = value
    return function


def nearest_variable(
    name: str, variables: Mapping[str, Any], is_candidate: Callable[[Any], bool]
) -> str:
    """Return "did you mean NAME?" for a name that a variable nearly has; empty if none has.

    Args:
        name: the name as the user typed it.
        variables: the variables of the notebook, by name; those with an underscore are IPython's.
        is_candidate: tells whether a value is of the kind that is looked for.

    Example:
        >>> nearest_variable("wether", {"weather": len}, callable)
        'did you mean weather?'
        >>> nearest_variable("opem", {"open": open}, callable)
        ''
    """
    names = [
        variable
        for variable, value in variables.items()
        if not (variable.startswith("_") or variable in IPYTHON_NAMES) and is_candidate(value)
    ]
    return next((f"did you mean {match}?" for match in get_close_matches(name[:100], names, 1)), "")
