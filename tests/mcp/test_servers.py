"""Tools of real servers: processes, and HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cellmage import ConfigError, Conversation, UsageError
from cellmage.events import Notice, Status
from cellmage.mcp import mcp_tools, tools_by_server
from cellmage.testing import ScriptedServer
from cellmage.tools import tools_by_name
from tests.mcp import server as mcp_server
from tests.mcp.conftest import Write, entry
from tests.tool_scripts import drain, play_calls, read, results

Call = Callable[..., list[str]]

RESTARTED = "the MCP server files had ended: it is started again."


@pytest.fixture
def call(chat: Conversation, server: ScriptedServer, shared_file: Path) -> Call:
    """Let a model call tools of the shared server, and return their results."""

    def call(*calls: tuple[str, Any], file: Path = shared_file, **arguments: Any) -> list[str]:
        play_calls(server, *((f"files__{name}", json.dumps(values)) for name, values in calls))
        return results(read(chat, *mcp_tools("files", file), **arguments))

    return call


def test_the_tools_of_a_server(shared_file: Path) -> None:
    tools = {tool.name: tool for tool in mcp_tools("files", shared_file)}
    assert tools["files__add"].schema["description"] == "Add two numbers."
    assert tools["files__add"].schema["parameters"]["required"] == ["a", "b"]
    assert [tool.name for tool in mcp_tools("files/add", shared_file)] == ["files__add"]
    assert asyncio.run(tools["files__add"](a=1, b=2)) == "3"
    (dotted,) = mcp_tools("files/read.all files", shared_file)
    assert dotted.name.startswith("files__read_all_files_")
    twice = [*mcp_tools("files/add", shared_file), *tools.values()]
    assert list(tools_by_name(twice)) == list(tools)
    with pytest.raises(UsageError, match="files has no tool 'ad'; it has: add, pid,"):
        mcp_tools("files/ad", shared_file)


def test_calls(call: Call) -> None:
    found = call(
        ("add", {"a": 1, "b": 2}),
        ("picture", {}),
        ("report", {}),
        ("fail", {"text": "too bad"}),
        ("add", {"a": "x"}),
        ("long", {"size": 30_000}),
    )
    assert found[:3] == ["3", "[image, image/png, 100 bytes]", '2 rows\n{"rows": [1, 2]}']
    assert found[3].startswith("error: MCPToolError: ")
    assert "too bad" in found[3]
    assert found[4].startswith("error: MCPToolError: ")  # the server's validation
    assert "b" in found[4]
    assert found[5].endswith("[cut here: these are 20000 of 30000 characters]")


def test_approval_is_asked_and_refused(call: Call) -> None:
    asked: list[str] = []

    def refuse(tool_call: Any) -> bool:
        asked.append(f"{tool_call.name} {tool_call.arguments}")
        return False

    assert call(("add", {"a": 1, "b": 2}), approve=refuse) == ["refused by the user"]
    assert asked == ['files__add {"a": 1, "b": 2}']
    assert call(("add", {"a": 1, "b": 2}), approve="never") == ["refused by the user"]


def test_progress_is_shown(chat: Conversation, server: ScriptedServer, shared_file: Path) -> None:
    play_calls(server, ("files__count", '{"to": 3}'))
    stream = chat.stream("Go", tools=mcp_tools("files", shared_file), approve="always")
    lines = [event.text for event in stream.events if isinstance(event, Status)]
    assert "1 of 3 step 1" in lines
    assert "3 of 3 step 3" in lines
    assert results(stream) == ["counted to 3"]


def test_under_async_for(chat: Conversation, server: ScriptedServer, shared_file: Path) -> None:
    """The answer is read on another loop than that of the servers."""
    play_calls(server, ("files__add", '{"a": 2, "b": 2}'))
    stream = chat.stream("Go", tools=mcp_tools("files", shared_file), approve="always")
    asyncio.run(drain(stream))
    assert results(stream) == ["4"]


def test_a_server_that_was_killed_is_started_again(
    chat: Conversation, server: ScriptedServer, shared_file: Path
) -> None:
    tools = mcp_tools("files", shared_file)
    play_calls(server, ("files__pid", "{}"))
    (pid,) = results(read(chat, *tools))
    os.kill(int(pid), signal.SIGKILL)
    wait_for_end(int(pid))
    notices: list[str] = []
    assert mcp_tools("files", shared_file, notices.append)
    assert notices == [RESTARTED]
    assert results(read(chat, *tools)) != [pid]


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended, and cellmage's loop has seen it."""
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)


def test_a_crash_in_mid_call(chat: Conversation, server: ScriptedServer, shared_file: Path) -> None:
    play_calls(server, ("files__crash", "{}"), ("files__add", '{"a": 1, "b": 2}'))
    stream = chat.stream("Go", tools=mcp_tools("files", shared_file), approve="always")
    notices = [event.text for event in stream.events if isinstance(event, Notice)]
    lost = "the MCP server files was lost during the call: Connection closed"
    assert results(stream) == [f"error: MCPToolError: {lost}", "3"]
    assert notices == [RESTARTED]


def test_a_call_that_is_left_is_cancelled_on_the_server(
    chat: Conversation, server: ScriptedServer, shared_file: Path
) -> None:
    play_calls(server, ("files__wait", "{}"))
    stream = chat.stream("Go", tools=mcp_tools("files", shared_file), approve="always")
    (waiting,) = mcp_tools("files/waiting", shared_file)

    async def leave() -> None:
        reading = asyncio.create_task(drain(stream))
        while await waiting() != "1":
            assert not reading.done()
        reading.cancel()
        await asyncio.wait([reading])
        deadline = time.monotonic() + 20
        while await waiting() != "0":
            assert time.monotonic() < deadline

    asyncio.run(leave())


def test_secrets_of_a_server_reach_no_model(
    call: Call, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do the servers get the variables that the file does not name."""
    monkeypatch.setenv("OTHER", "not handed on")
    found = call(("environment", {"name": "TOKEN"}), ("environment", {"name": "OTHER"}))
    assert found == ["[withheld: it contains a key of this machine]", "not set"]
    assert "wxyz-4711" not in str(server.last.body)


def test_servers_that_do_not_start(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_TIMEOUT", "1500")
    write(
        hangs={"command": sys.executable, "args": ["-S", "-c", "import time; time.sleep(600)"]},
        none={"command": "no-such-program"},
        nowhere=entry(cwd="no/such/folder"),
        broken={"command": sys.executable, "args": ["-c", "import nosuchmodule"]},
        far={"url": "http://127.0.0.1:9/mcp"},
        unset={"command": "${NOT_SET_ANYWHERE}"},
    )
    lines = {name: str(tools) for name, tools in tools_by_server(".mcp.json")}
    assert lines == {
        "hangs": "the MCP server hangs could not be started: no answer within 1.5 s",
        "none": "the MCP server none: there is no program 'no-such-program'; install it, or "
        "correct it in .mcp.json",
        "nowhere": 'the MCP server nowhere: the folder "cwd" does not exist; correct it in '
        ".mcp.json",
        "broken": "the MCP server broken could not be started: Connection closed; "
        "it wrote: ModuleNotFoundError: No module named 'nosuchmodule'",
        "far": "the MCP server far could not be reached: All connection attempts failed",
        "unset": "the MCP server unset: the environment variable NOT_SET_ANYWHERE is not set; "
        "set it, or write ${NOT_SET_ANYWHERE:-default} in .mcp.json",
    }
    with pytest.raises(ConfigError) as caught:
        mcp_tools("far")
    context: BaseException | None = caught.value
    while context is not None:  # a group anywhere in it defeats IPython's hook for one line
        assert not isinstance(context, BaseExceptionGroup)
        context = context.__context__


def test_without_the_package(write: Write) -> None:
    write(a={"command": "x"})
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "from cellmage.mcp import mcp_tools\n"
        "try: mcp_tools('a')\n"
        "except Exception as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "MCP servers need another package: pip install 'cellmage[mcp]'\n"


class Listener:
    """The server of these tests on a port of this machine, with the headers that it received."""

    def __init__(self, kind: str) -> None:
        server = mcp_server.server
        app = server.sse_app() if kind == "sse" else server.streamable_http_app()
        self.headers: list[dict[bytes, bytes]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

        async def recording(scope: Any, receive: Any, send: Any) -> None:
            self.headers.append(dict(scope.get("headers", [])))
            await app(scope, receive, send)

        config = uvicorn.Config(recording, log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()


@pytest.fixture(params=["http", "sse"])
def listener(request: pytest.FixtureRequest) -> Iterator[tuple[str, Listener]]:
    listener = Listener(request.param)
    yield request.param, listener
    listener.close()


def test_over_http(
    chat: Conversation, server: ScriptedServer, write: Write, listener: tuple[str, Listener]
) -> None:
    kind, far = listener
    path = "sse" if kind == "sse" else "mcp"
    url = f"http://127.0.0.1:{far.port}/{path}"
    file = write(files={"type": kind, "url": url, "headers": {"Authorization": "Bearer ab-12345"}})
    play_calls(
        server,
        ("files__add", '{"a": 1, "b": 2}'),
        ("files__count", '{"to": 1}'),
        ("files__fail", '{"text": "no"}'),
    )
    stream = chat.stream("Go", tools=mcp_tools("files", file), approve="always")
    lines = [event.text for event in stream.events if isinstance(event, Status)]
    assert results(stream)[:2] == ["3", "counted to 1"]
    assert results(stream)[2].startswith("error: MCPToolError: ")
    assert "1 of 1 step 1" in lines
    assert far.headers[-1][b"authorization"] == b"Bearer ab-12345"


def test_a_listener_that_goes_away(
    chat: Conversation, server: ScriptedServer, write: Write
) -> None:
    far = Listener("http")
    file = write(files={"url": f"http://127.0.0.1:{far.port}/mcp"})
    tools = mcp_tools("files/add", file)
    far.close()
    play_calls(server, ("files__add", '{"a": 1, "b": 2}'))
    (result,) = results(read(chat, *tools))
    assert result.startswith("error: MCPToolError: the MCP server files was lost during the call: ")
