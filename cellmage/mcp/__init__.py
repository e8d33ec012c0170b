"""Tools of MCP servers (Model Context Protocol), for ``tools=`` and ``--tool mcp:NAME``.

The servers of a file start at their first use on cellmage's event loop, are shared by all that
runs in this process, and end with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..arguments import TEXT, check
from ..errors import CellmageError
from ..tools import Tool
from .config import ServerConfig, find_server, read_servers
from .pool import wait_on_loop
from .tools import ServerTool, list_all_tools, list_tools, restart_line, select_tool

__all__ = ["mcp_tools"]


def mcp_tools(
    name: str, file: str | os.PathLike[str] = ".mcp.json", on_notice: Callable[[str], object] = str
) -> list[Tool[..., str]]:
    """Return tools of an MCP server, for ``tools=``; the server is started if it does not run.

    Args:
        name: the name of the server in the file, or ``SERVER/TOOL`` for one tool.
        file: the file that names the servers.
        on_notice: called with a line if the server had ended, and was started again.

    Raises:
        UsageError: the file cannot be read, or the server or the tool does not exist.
        ConfigError: the server could not be started.
    """
    config, tool = find_server(check("name", name, TEXT), _read(file))
    tools, was_lost = wait_on_loop(list_tools(config))
    if was_lost:
        on_notice(restart_line(config))
    return [*select_tool(tools, tool, config)]


def check_file(file: str | os.PathLike[str]) -> list[str]:
    """Return the names of the servers in a file; none is started.

    Raises:
        UsageError: the file cannot be read.
    """
    return list(_read(file))


def tools_by_server(
    file: str | os.PathLike[str],
) -> list[tuple[str, list[ServerTool] | CellmageError]]:
    """Return the tools of all servers of a file, or why a server has none.

    Raises:
        UsageError: the file cannot be read.
    """
    configs = list(_read(file).values())
    return [(config.name, tools) for config, tools in wait_on_loop(list_all_tools(configs))]


def _read(file: str | os.PathLike[str]) -> dict[str, ServerConfig]:
    return read_servers(Path(file).expanduser().absolute())
