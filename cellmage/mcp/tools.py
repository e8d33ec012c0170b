"""The tools of servers as tools for a model: their names, and how they are called."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..errors import CellmageError, UsageError
from ..events import Notice, Status
from ..text import excerpt, spell_out, truncate
from ..tool_progress import Report, current_report
from ..tool_requests import parse_arguments
from ..tools import TIMEOUT_SECONDS, Tool
from .config import ServerConfig
from .pool import connect, run_on_loop

_MAX_NAME_CHARS = 64
_DIGEST_CHARS = 8
_UNUSABLE = re.compile(r"[^A-Za-z0-9_-]")

_REPORT_SECONDS = 0.1
"""The time between two lines of progress: an answer keeps each."""
_MAX_STATUS_CHARS = 120


def tool_name(server: str, tool: str) -> str:
    """Return the name of a tool for the model; each tool of each server has its own, in each run.

    Providers accept letters, digits, ``_`` and ``-``, at most 64 of them. A name that has to be
    changed for that ends with a digest of the whole.

    Example:
        >>> tool_name("files", "read"), tool_name("files", "read.all")
        ('files__read', 'files__read_all_6e11c2c4')
    """
    whole = f"{server}__{tool}"
    plain = _UNUSABLE.sub("_", whole)
    if not plain[0].isalpha():
        plain = f"s{plain}"
    # Two underscores in a row once: else "a__b" + "c" and "a" + "b__c" would have one name.
    is_unique = plain.count("__") == 1 and "___" not in plain
    if plain == whole and is_unique and len(plain) <= _MAX_NAME_CHARS:
        return plain
    digest = hashlib.sha256(f"{server}\0{tool}".encode("utf-8", "replace")).hexdigest()
    return f"{plain[: _MAX_NAME_CHARS - _DIGEST_CHARS - 1]}_{digest[:_DIGEST_CHARS]}"


class ServerTool(Tool[..., Any]):
    """A tool of an MCP server; the server validates the arguments.

    Args:
        config: the server.
        tool: the name of the tool on the server.
        description: what it does.
        parameters: the JSON schema of its arguments.

    Attributes:
        config: as the argument.
        tool: as the argument.
    """

    def __init__(
        self, config: ServerConfig, tool: str, description: str, parameters: Mapping[str, Any]
    ) -> None:
        self.config = config
        self.tool = tool
        self.name = tool_name(config.name, tool)
        self.seconds = TIMEOUT_SECONDS
        self.schema = {
            "name": self.name,
            "description": description,
            "parameters": {"properties": {}, **parameters, "type": "object"},
        }

        async def call(**arguments: Any) -> str:
            return await self._call(arguments)

        self.function = call

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same tool, so that one that is named twice counts once."""
        if not isinstance(other, ServerTool):
            return NotImplemented
        return (self.config, self.tool) == (other.config, other.tool)

    def __hash__(self) -> int:
        return hash((self.config, self.tool))

    def bind(self, arguments: str) -> Callable[[], Any]:
        """Return the call with these arguments: see `Tool.bind`.

        Raises:
            ValueError: the arguments are no JSON object.
        """
        return partial(self._call, parse_arguments(arguments))

    async def _call(self, arguments: dict[str, Any]) -> str:
        return await run_on_loop(self._call_on_loop(arguments, current_report()))

    async def _call_on_loop(self, arguments: dict[str, Any], report: Report) -> str:
        connection, was_lost = connect(self.config)
        if was_lost:
            report(Notice("mcp", restart_line(self.config)))
        return await connection.call(self.tool, arguments, _Progress(report))


def restart_line(config: ServerConfig) -> str:
    """Return the line about a server that had ended, or whose connection was lost."""
    state = "had ended: it is started" if config.transport == "stdio" else "was lost: it is asked"
    return f"{config.label} {state} again."


class _Progress:
    """Reports the progress that a server sends, not more often than anybody can read it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next_time = 0.0

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        now = time.monotonic()
        if now < self._next_time:
            return
        self._next_time = now + _REPORT_SECONDS
        share = f"{progress:g} of {total:g}" if total else f"{progress:g}"
        line = truncate(f"{share} {message or ''}".strip(), _MAX_STATUS_CHARS)
        self._report(Status(spell_out(line)))


async def list_tools(config: ServerConfig) -> tuple[list[ServerTool], bool]:
    """Return the tools of a server, and whether it had to be started again.

    Call it on the background loop.

    Raises:
        ConfigError: the server could not be started.
    """
    connection, was_lost = connect(config)
    tools = [
        ServerTool(config, tool.name, tool.description or "", tool.input_schema)
        for tool in await connection.tools()
    ]
    return tools, was_lost


async def list_all_tools(
    configs: list[ServerConfig],
) -> list[tuple[ServerConfig, list[ServerTool] | CellmageError]]:
    """Return the tools of each server, or why it has none; call it on the background loop."""
    results = await asyncio.gather(*map(_tools_or_error, configs))
    return list(zip(configs, results, strict=True))


async def _tools_or_error(config: ServerConfig) -> list[ServerTool] | CellmageError:
    try:
        return (await list_tools(config))[0]
    except CellmageError as error:
        return error


def select_tool(tools: list[ServerTool], name: str, config: ServerConfig) -> list[ServerTool]:
    """Return all tools, or the one of this name, where it is not empty.

    Raises:
        UsageError: there is none.
    """
    selected = [tool for tool in tools if name in ("", tool.tool, tool.name)]
    if not selected:
        names = ", ".join(excerpt(spell_out(tool.tool)) for tool in tools[:40])
        label = f"tool {excerpt(spell_out(name))!r}" if name else "tool"
        raise UsageError(f"{config.label} has no {label}; it has: {names or 'none'}")
    return selected
