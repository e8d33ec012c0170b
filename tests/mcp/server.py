"""A real MCP server, written with the official SDK: ``python server.py stdio|deaf``."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import anyio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

server = MCPServer("files", log_level="ERROR")

WAITING: list[str] = []
"""The calls that wait."""


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def pid() -> int:
    """The process of this server."""
    return os.getpid()


@server.tool()
def fail(text: str) -> str:
    """Fail."""
    raise ToolError(text)


@server.tool(structured_output=False)
def picture() -> Image:
    """A picture."""
    return Image(data=b"\x89PNG" + b"x" * 96, format="png")


@server.tool()
def report() -> CallToolResult:
    """Rows, of which the text says only how many there are."""
    return CallToolResult(
        content=[TextContent(type="text", text="2 rows")], structured_content={"rows": [1, 2]}
    )


@server.tool()
def long(size: int) -> str:
    """A long text."""
    return "x" * size


@server.tool()
def environment(name: str) -> str:
    """The value of an environment variable."""
    return os.environ.get(name, "not set")


@server.tool()
async def count(to: int, ctx: Context[Any]) -> str:
    """Count, and report each step."""
    for step in range(1, to + 1):
        await ctx.report_progress(step, to, f"step {step}")
        await anyio.sleep(0.15)
    return f"counted to {to}"


@server.tool()
async def wait() -> str:
    """Wait for a minute."""
    WAITING.append("one")
    try:
        await anyio.sleep(60)
    finally:
        WAITING.pop()
    return "done"


@server.tool()
async def waiting() -> int:
    """How many calls wait."""
    await anyio.sleep(0.05)
    return len(WAITING)


@server.tool()
def crash() -> str:
    """End the process in mid-call."""
    print("Segmentation fault", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool(name="read.all files")
def dotted() -> str:
    """A tool whose name providers refuse."""
    return "read"


def run_deaf() -> None:
    """Run, and go on when the client has closed the pipe, as a server may that is badly written."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.run("stdio")
    time.sleep(600)


MODES = {"stdio": lambda: server.run("stdio"), "deaf": run_deaf}

if __name__ == "__main__":
    print("this line is no message of the protocol", flush=True)
    MODES[sys.argv[1]]()
