"""MCP servers in a notebook: set, listed, asked for at the keyboard, stopped, and ended."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.mcp.conftest import Write, entry


def play(server: ScriptedServer, name: str, **arguments: Any) -> None:
    call = Reply([tool_call(f"files__{name}", json.dumps(arguments)), finish("tool_calls"), DONE])
    server.play_each([call, Reply(answer("Fine."))] * 4)


@pytest.fixture
def files(kernel: Kernel, shared_file: Path) -> Iterator[Kernel]:
    """Return the kernel with the servers of a file."""
    assert kernel.run(f"%llm_config --mcp {shared_file}").ok
    yield kernel
    kernel.run("%llm_config --reset")


def test_listed(files: Kernel) -> None:
    printed = files.run("%llm_tools").printed
    assert "mcp:files" in printed
    assert re.search(r"files__add +Add two numbers\.", printed)


def test_set(kernel: Kernel, write: Write) -> None:
    assert "%llm_config --mcp .mcp.json sets one" in kernel.run("%llm_tools").error
    error = kernel.run("%%llm --tool mcp:files\nGo").error
    assert "--tool mcp:files: no file of MCP servers is set; %llm_config --mcp" in error
    file = write(broken={"command": "no-such-program"})
    assert "Now set: mcp " in kernel.run(f"%llm_config --mcp {file}").printed
    assert "there is no program 'no-such-program'" in kernel.run("%llm_tools").printed
    file.write_text("{}")
    other = file.with_name("other.json")
    other.write_text('{"mcpServers": 1}')
    refused = kernel.run(f"%llm_config --mcp {other} --stats True")
    assert 'UsageError: other.json: it has no "mcpServers"; write' in refused.error
    assert str(file)[:40] in kernel.run("%llm_config").printed
    assert "\n" not in refused.error.strip()
    kernel.run("%llm_config --reset")


@pytest.mark.slow
def test_asked_for_at_the_keyboard(files: Kernel, server: ScriptedServer) -> None:
    for typed, result in [("y", "3"), ("n", "refused by the user")]:
        play(server, "add", a=1, b=2)
        msg_id = files.start("%%llm --tool mcp:files\nGo")
        prompt = files.client.get_stdin_msg(timeout=20)["content"]["prompt"]
        assert prompt == "Run files__add(a=1, b=2)? [y/N] "
        files.client.input(typed)
        assert files.finish(msg_id).ok
        assert server.last.body["messages"][-1]["content"] == result


def test_progress_and_one_tool(files: Kernel, server: ScriptedServer) -> None:
    play(server, "count", to=8)
    run = files.run("%%llm --tool mcp:files/count --auto-approve\nGo")
    assert [tool["function"]["name"] for tool in server.last.body["tools"]] == ["files__count"]
    assert any("files__count(to=8) … 8 of 8 step 8" in frame.markdown for frame in run.frames)
    assert "of 8 step" not in run.outputs[0]["data"]["text/markdown"]


def test_stopped_in_mid_call(files: Kernel, server: ScriptedServer) -> None:
    play(server, "pid")
    files.run("%%llm --tool mcp:files --auto-approve\nGo")
    pid = files.value("_llm.steps[0].calls[0].result")
    play(server, "wait")
    msg_id = files.start("%%llm --tool mcp:files --auto-approve\nGo")
    run = files.collect(msg_id, Run(), until="wait()")
    files.interrupt()
    assert "KeyboardInterrupt: stopped by you" in files.finish(msg_id, run).error
    assert files.value("_llm.steps[0].calls[0].result").startswith("cancelled")
    play(server, "pid")  # the server goes on
    files.run("%%llm --tool mcp:files --auto-approve\nGo")
    assert files.value("_llm.steps[0].calls[0].result") == pid


def test_one_line_for_a_server_that_does_not_start(kernel: Kernel, write: Write) -> None:
    kernel.run(f"%llm_config --mcp {write(far={'url': 'http://127.0.0.1:9/mcp'})}")
    error = kernel.run("%%llm --tool mcp:far\nGo").error
    assert error == (
        "ConfigError: the MCP server far could not be reached: All connection attempts failed"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("way", "mode"), [("shutdown", "stdio"), ("killed", "deaf")])
def test_servers_end_with_the_kernel(tmp_path: Path, write: Write, way: str, mode: str) -> None:
    kernel = Kernel(tmp_path)
    tool = f"mcp_tools('files/pid', {str(write(files=entry(mode)))!r})[0]"
    kernel.run(f"from cellmage.mcp import mcp_tools\npid = int(await {tool}())")
    pid = kernel.value("pid")
    assert is_running(pid)
    if way == "killed":
        os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    else:
        kernel.client.shutdown()
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kernel.close()


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
